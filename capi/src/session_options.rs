//! What a side of a session may choose.
#![allow(unsafe_code, reason = "exported names; nothing is done that needs trust")]

use std::time::Duration;

use crate::boundary::{guarded, guarded_or};
use crate::failure::Failure;
use crate::from_c::{given, time};
use crate::status::Status;

/// What can be chosen about a session. Null in its place stands for the defaults.
pub struct SessionOptions(pub twinring::SessionOptions);

fn change(
    options: Option<&mut SessionOptions>,
    change: impl FnOnce(twinring::SessionOptions) -> Result<twinring::SessionOptions, Failure>,
) -> Status {
    guarded(|| {
        let options = given(options, "options")?;
        options.0 = change(options.0.clone())?;
        Ok(())
    })
}

fn duration(nanoseconds: i64) -> Result<Duration, Failure> {
    let refused = || Failure::bad_argument(format!("expected a time that is not negative, got {nanoseconds} ns"));
    time(nanoseconds).ok_or_else(refused)
}

/// The defaults. Free it with twinring_session_options_free(); a session does not need it any more. Null if there is no memory for
/// it. Threads: any; then one at a time, or many that only pass it.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_session_options_new() -> Option<Box<SessionOptions>> {
    guarded_or(None, || Some(Box::new(SessionOptions(twinring::SessionOptions::new()))))
}

/// Frees options; null is nothing. Threads: one, as the last use.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_session_options_free(options: Option<Box<SessionOptions>>) {
    guarded_or((), || drop(options));
}

/// How many threads run handlers. None if not chosen: then the thread that receives a request runs its handler. Handlers that call
/// back, on a session that several threads of both sides use, want workers. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_session_options_workers(options: Option<&mut SessionOptions>, threads: usize) -> Status {
    change(options, |options| Ok(options.workers(threads)))
}

/// Whether the session starts a thread that receives while nobody waits; it does if not chosen. Without one somebody must call,
/// wait, serve or dispatch. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_session_options_listener(options: Option<&mut SessionOptions>, wanted: bool) -> Status {
    change(options, |options| Ok(options.listener(wanted)))
}

/// How many requests of the peer may be in flight, or wait here: between 1 and 4096; 64 if not chosen. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_session_options_calls_in_flight(options: Option<&mut SessionOptions>, calls: u32) -> Status {
    change(options, |options| Ok(options.calls_in_flight(calls)))
}

/// The largest request, reply or event in bytes that is accepted here: at most 4 GiB - 1; 64 MiB if not chosen. Threads: one at a
/// time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_session_options_largest_message(
    options: Option<&mut SessionOptions>,
    bytes: usize,
) -> Status {
    change(options, |options| Ok(options.largest_message(bytes)))
}

/// How many messages larger than a frame may be under way to this side: between 1 and 64; 8 if not chosen. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_session_options_open_messages(
    options: Option<&mut SessionOptions>,
    messages: u32,
) -> Status {
    change(options, |options| Ok(options.open_messages(messages)))
}

/// How deep calls may be nested; 16 if not chosen. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_session_options_nesting(options: Option<&mut SessionOptions>, depth: usize) -> Status {
    change(options, |options| Ok(options.nesting(depth)))
}

/// How long a call takes at most that does not say so itself, in nanoseconds, not negative; for ever if not chosen. Threads: one
/// at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_session_options_call_timeout(
    options: Option<&mut SessionOptions>,
    nanoseconds: i64,
) -> Status {
    change(options, |options| Ok(options.call_timeout(duration(nanoseconds)?)))
}

/// How long a reply may wait for room before the session ends, in nanoseconds, not negative; 10 s if not chosen. Threads: one at a
/// time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_session_options_reply_timeout(
    options: Option<&mut SessionOptions>,
    nanoseconds: i64,
) -> Status {
    change(options, |options| Ok(options.reply_timeout(duration(nanoseconds)?)))
}

/// Whether a call waits for its turn when as many are in flight as the peer accepts (if not chosen), or fails with TWINRING_BUSY.
/// Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_session_options_wait_for_turn(options: Option<&mut SessionOptions>, wait: bool) -> Status {
    change(options, |options| Ok(options.wait_for_turn(wait)))
}

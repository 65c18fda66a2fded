//! Sending.
#![allow(unsafe_code, reason = "exported names; nothing is done that needs trust")]

use std::ffi::c_void;
use std::mem::MaybeUninit;

use twinring::{Reservation, SendError, Sender as Inner, TrySendError};

use crate::boundary::{guarded, guarded_or};
use crate::counters::{SenderCounters, write_counters};
use crate::failure::Failure;
use crate::from_c::{Data, EVER, Pieces, given, time};
use crate::lender::Lender;
use crate::status::Status;

/// The end that sends.
pub struct Sender(Lender<Inner, Reservation<'static>>);

impl Sender {
    pub fn new(sender: Inner) -> Self {
        Self(Lender::new(sender))
    }
}

#[cold]
fn reserved() -> Failure {
    Failure::bad_state(c"a reservation is open: commit it or abandon it")
}

/// The sender, if no reservation is open.
#[inline(always)]
fn idle(sender: Option<&mut Sender>) -> Result<&mut Inner, Failure> {
    match given(sender, "sender")?.0.owned() {
        Some(sender) => Ok(sender),
        None => Err(reserved()),
    }
}

/// Sends `length` bytes as one message, waiting for room as long as it takes. `data` stays the caller's, and may be used again at
/// once; null if `length` is 0. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_send(sender: Option<&mut Sender>, data: Data, length: usize) -> Status {
    guarded(|| Ok(idle(sender)?.send(data.bytes(length)?)?))
}

/// The same if there is room now, else TWINRING_FULL. Never blocks. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_try_send(sender: Option<&mut Sender>, data: Data, length: usize) -> Status {
    guarded(|| Ok(idle(sender)?.try_send(data.bytes(length)?)?))
}

/// The same, waiting for room for at most `timeout_ns` nanoseconds, for ever if negative. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_send_timeout(
    sender: Option<&mut Sender>,
    data: Data,
    length: usize,
    timeout_ns: i64,
) -> Status {
    guarded(|| {
        // One place alone calls `Sender::send`, so that it is inlined there.
        Ok(idle(sender)?.send_timeout(data.bytes(length)?, time(timeout_ns).unwrap_or(EVER))?)
    })
}

/// Sends `count` pieces, one after the other, as one message, waiting for room as long as it takes. They stay the caller's.
/// Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_send_vectored(sender: Option<&mut Sender>, pieces: Pieces, count: usize) -> Status {
    guarded(|| Ok(idle(sender)?.send_vectored(&pieces.slices(count)?)?))
}

/// Lends room for a message of `length` bytes, to be written in place; waits for it as long as it takes. `*room` is the sender's,
/// holds whatever was written there last, and may be used until twinring_commit() or twinring_abandon(), by any thread; until
/// then the sender sends nothing else. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_reserve(
    sender: Option<&mut Sender>,
    length: usize,
    room: Option<&mut MaybeUninit<*mut c_void>>,
) -> Status {
    guarded(|| lend(sender, room, |sender| sender.reserve(length).map_err(|error: SendError| error.into())))
}

/// The same, waiting for room for at most `timeout_ns` nanoseconds, for ever if negative. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_reserve_timeout(
    sender: Option<&mut Sender>,
    length: usize,
    timeout_ns: i64,
    room: Option<&mut MaybeUninit<*mut c_void>>,
) -> Status {
    let wait = time(timeout_ns).unwrap_or(EVER);
    guarded(|| lend(sender, room, |sender| Ok(sender.reserve_timeout(length, wait)?)))
}

/// The same if there is room now, else TWINRING_FULL. Never blocks. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_try_reserve(
    sender: Option<&mut Sender>,
    length: usize,
    room: Option<&mut MaybeUninit<*mut c_void>>,
) -> Status {
    guarded(|| lend(sender, room, |sender| sender.try_reserve(length).map_err(|error: TrySendError| error.into())))
}

#[inline(always)]
fn lend(
    sender: Option<&mut Sender>,
    room: Option<&mut MaybeUninit<*mut c_void>>,
    reserve: impl FnOnce(&'static mut Inner) -> Result<Reservation<'static>, Failure>,
) -> Result<(), Failure> {
    let room = given(room, "room")?.write(std::ptr::null_mut());
    let lent = given(sender, "sender")?.0.lend(reserve).ok_or_else(reserved)??;
    *room = lent.as_mut_slice().as_mut_ptr().cast();
    Ok(())
}

/// Sends the first `length` bytes of what was reserved as one message. If more is asked for than that, the reservation stays open.
/// Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_commit(sender: Option<&mut Sender>, length: usize) -> Status {
    guarded(|| {
        let sender = given(sender, "sender")?;
        let reservation = sender.0.take().ok_or_else(not_reserved)?;
        let reserved = reservation.len();
        if length > reserved {
            drop(sender.0.lend(|_| Ok::<_, Failure>(reservation)));
            return Err(Failure::bad_argument(format!("{length} bytes to be sent, {reserved} are reserved")));
        }
        reservation.commit_first(length);
        Ok(())
    })
}

#[cold]
fn not_reserved() -> Failure {
    Failure::bad_state(c"nothing is reserved")
}

/// Gives a reservation up: nothing is sent. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_abandon(sender: Option<&mut Sender>) -> Status {
    guarded(|| given(sender, "sender")?.0.take().map(drop).ok_or_else(not_reserved))
}

/// The largest message in bytes. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_sender_largest(
    sender: Option<&mut Sender>,
    largest: Option<&mut MaybeUninit<usize>>,
) -> Status {
    guarded(|| {
        let found = idle(sender)?.largest();
        given(largest, "largest")?.write(found);
        Ok(())
    })
}

/// What the sender has counted; `size` is that of twinring_sender_counters. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_sender_count(
    sender: Option<&mut Sender>,
    counters: Option<&mut MaybeUninit<SenderCounters>>,
    size: usize,
) -> Status {
    guarded(|| {
        let found = idle(sender)?.counters();
        write_counters(counters, size, found.into())
    })
}

/// Says that nothing will follow, and waits until the peer has received everything and closed its receiver. Takes `sender` over,
/// which is gone afterwards in any case; a reservation is abandoned. Blocks. Threads: one, as the last use.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_finish(sender: Option<Box<Sender>>) -> Status {
    guarded(|| Ok(given(sender, "sender")?.0.into_owned().finish()?))
}

/// Says that nothing will follow; null is nothing. The peer receives what was sent and then TWINRING_CLOSED. A reservation is
/// abandoned. Threads: one, as the last use.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_sender_close(sender: Option<Box<Sender>>) {
    guarded_or((), || drop(sender));
}

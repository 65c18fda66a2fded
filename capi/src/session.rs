//! Calls both ways and events.
#![allow(unsafe_code, reason = "exported names; nothing is done that needs trust")]

use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;

use twinring::{PendingCall, Session as Inner};

use crate::boundary::{guarded, guarded_or};
use crate::connection::Connection;
use crate::counters::{SessionCounters, write_counters};
use crate::failure::Failure;
use crate::from_c::{Data, EVER, UserData, given, time};
use crate::peer::Peer;
use crate::reply::Reply;
use crate::request::{Callbacks, OnCall, OnEvent};
use crate::session_options::SessionOptions;
use crate::status::Status;
use crate::to_c::hand_out;

/// A connection on which both sides call, answer and send events.
pub struct Session(Inner);

/// A call whose reply is still to be taken.
pub struct Pending(PendingCall);

/// A session on `connection`, which it takes over: that is gone afterwards in any case. The other side must make its own a
/// session, too. `options` may be null. `on_call` answers the other side's calls, `on_event` takes its events; both may be null, and are
/// handed `user_data` as it is. They run on threads of the library, or on those that call and serve, possibly on several at once, and
/// not any more once twinring_session_close() of the last handle has returned (but for the handler that called it). Close `*session`.
/// Threads: one, as the connection's last use.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_session_new(
    connection: Option<Box<Connection>>,
    options: Option<&SessionOptions>,
    on_call: OnCall,
    on_event: OnEvent,
    user_data: UserData,
    session: Option<&mut MaybeUninit<Option<Box<Session>>>>,
) -> Status {
    guarded(|| {
        let connection = given(connection, "connection");
        hand_out(session, "session", || {
            let options = options.map(|options| options.0.clone()).unwrap_or_default();
            Ok(Session(Inner::new(connection?.0, &options, Callbacks { on_call, on_event, user_data })?))
        })
    })
}

/// Another handle to the same session, to be closed on its own. Threads: any number at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_session_clone(
    session: Option<&Session>,
    clone: Option<&mut MaybeUninit<Option<Box<Session>>>>,
) -> Status {
    guarded(|| hand_out(clone, "clone", || Ok(Session(given(session, "session")?.0.clone()))))
}

/// Calls the other side with `length` bytes and waits for the reply, which replaces what is in `reply`: for at most `timeout_ns`
/// nanoseconds; if negative, as long as the options say (for ever if they do not). `data` stays the caller's. Blocks; handlers may
/// run on this thread meanwhile. twinring_error_outcome() says what is known of a call that failed. Threads: any number at a time,
/// each with a reply of its own.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_call(
    session: Option<&Session>,
    selector: u32,
    data: Data,
    length: usize,
    timeout_ns: i64,
    reply: Option<&mut Reply>,
) -> Status {
    guarded(|| {
        let reply = &mut given(reply, "reply")?.0;
        reply.clear();
        let (session, request) = (&given(session, "session")?.0, data.bytes(length)?);
        match time(timeout_ns) {
            None => session.call_into(selector, request, reply)?,
            Some(time) => *reply = session.call_timeout(selector, request, time)?,
        }
        Ok(())
    })
}

/// Sends a request and does not wait for the reply: use up `*pending` by twinring_pending_wait() or twinring_pending_cancel(). `data`
/// stays the caller's. Threads: any number at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_begin(
    session: Option<&Session>,
    selector: u32,
    data: Data,
    length: usize,
    pending: Option<&mut MaybeUninit<Option<Box<Pending>>>>,
) -> Status {
    guarded(|| {
        hand_out(pending, "pending", || Ok(Pending(given(session, "session")?.0.begin(selector, data.bytes(length)?)?)))
    })
}

/// The same, but waits for its turn and for room for at most `timeout_ns` nanoseconds; if negative, as twinring_begin(). How long
/// the reply takes is another matter. Threads: any number at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_begin_timeout(
    session: Option<&Session>,
    selector: u32,
    data: Data,
    length: usize,
    timeout_ns: i64,
    pending: Option<&mut MaybeUninit<Option<Box<Pending>>>>,
) -> Status {
    guarded(|| {
        hand_out(pending, "pending", || {
            let (session, request) = (&given(session, "session")?.0, data.bytes(length)?);
            Ok(Pending(match time(timeout_ns) {
                None => session.begin(selector, request)?,
                Some(time) => session.begin_timeout(selector, request, time)?,
            }))
        })
    })
}

/// Waits for the reply for at most `timeout_ns` nanoseconds, for ever if negative, and leaves it and the call as they are: whether
/// twinring_pending_wait() will not block any more, because it has come or the session has ended. Handlers may run on this thread
/// meanwhile. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_pending_wait_answered(pending: Option<&Pending>, timeout_ns: i64) -> bool {
    let wait = time(timeout_ns).unwrap_or(EVER);
    guarded_or(false, || pending.is_some_and(|pending| pending.0.wait_answered(wait)))
}

/// Whether the reply has come, so that waiting will not block. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_pending_answered(pending: Option<&Pending>) -> bool {
    guarded_or(false, || pending.is_some_and(|pending| pending.0.is_answered()))
}

/// Waits for the reply, as twinring_call() does; when the time is over, the call is cancelled. Takes `pending` over, which is gone
/// afterwards in any case. Threads: one, as the last use.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_pending_wait(
    pending: Option<Box<Pending>>,
    timeout_ns: i64,
    reply: Option<&mut Reply>,
) -> Status {
    guarded(|| {
        let pending = given(pending, "pending")?.0;
        let reply = &mut given(reply, "reply")?.0;
        reply.clear();
        *reply = match time(timeout_ns) {
            None => pending.wait()?,
            Some(time) => pending.wait_timeout(time)?,
        };
        Ok(())
    })
}

/// Gives a call up: its reply will be dropped when it comes. Null is nothing. Threads: one, as the last use.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_pending_cancel(pending: Option<Box<Pending>>) {
    guarded_or((), || drop(pending));
}

/// Sends an event, waiting for room for at most `timeout_ns` nanoseconds, for ever if negative. `data` stays the caller's. Threads:
/// any number at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_notify(
    session: Option<&Session>,
    selector: u32,
    data: Data,
    length: usize,
    timeout_ns: i64,
) -> Status {
    guarded(|| {
        let (session, event) = (&given(session, "session")?.0, data.bytes(length)?);
        match time(timeout_ns) {
            None => session.notify(selector, event)?,
            Some(time) => session.notify_timeout(selector, event, time)?,
        }
        Ok(())
    })
}

/// Returns TWINRING_OK when the other side has left in order, else the end that it met. Until then this thread handles what comes, if
/// there is no listener, or only waits. Threads: any number at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_serve(session: Option<&Session>) -> Status {
    guarded(|| Ok(given(session, "session")?.0.serve()?))
}

/// The same for at most `timeout_ns` nanoseconds, for ever if negative: TWINRING_TIMEOUT if the time is over and the session goes on.
/// Threads: any number at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_serve_timeout(session: Option<&Session>, timeout_ns: i64) -> Status {
    guarded(|| {
        let session = &given(session, "session")?.0;
        match time(timeout_ns) {
            None => session.serve()?,
            Some(time) => session.serve_timeout(time)?,
        }
        Ok(())
    })
}

/// Handles what has come, without waiting: at most a thousand messages; `*handled` says how many, and may be null. Threads: any
/// number at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_dispatch(session: Option<&Session>, handled: Option<&mut MaybeUninit<usize>>) -> Status {
    guarded(|| {
        let messages = given(session, "session")?.0.dispatch()?;
        if let Some(handled) = handled {
            handled.write(messages);
        }
        Ok(())
    })
}

/// The descriptor for a poll loop that drives a session without a listener: wait until it is readable, then twinring_dispatch(). It
/// is the session's, and is closed with it. TWINRING_SPINS if there is none, because the session has a listener or the connection
/// promised to spin. Threads: any number at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_session_fd(session: Option<&Session>, fd: Option<&mut MaybeUninit<i32>>) -> Status {
    guarded(|| {
        let found = given(session, "session")?.0.poll_fd().ok_or_else(|| {
            let text = "the session has a listener thread, or promised to spin: there is nothing to poll";
            Failure::new(Status::Spins, text.to_owned())
        })?;
        given(fd, "fd")?.write(found.as_raw_fd());
        Ok(())
    })
}

/// Who is at the other end, by the kernel's word. Threads: any number at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_session_peer(session: Option<&Session>, peer: Option<&mut MaybeUninit<Peer>>) -> Status {
    guarded(|| {
        let found = given(session, "session")?.0.peer();
        given(peer, "peer")?.write(Peer::from(&found));
        Ok(())
    })
}

/// What this side has counted; `size` is that of twinring_session_counters. Threads: any number at a time; one that is just sending is
/// waited for.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_session_count(
    session: Option<&Session>,
    counters: Option<&mut MaybeUninit<SessionCounters>>,
    size: usize,
) -> Status {
    guarded(|| {
        let found = given(session, "session")?.0.counters();
        write_counters(counters, size, found.into())
    })
}

/// Closes a handle; null is nothing. The last one of a session leaves in order, and returns when its threads have ended. Pending
/// calls keep a session open as handles do. Threads: one, as the last use of this handle.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_session_close(session: Option<Box<Session>>) {
    guarded_or((), || drop(session));
}

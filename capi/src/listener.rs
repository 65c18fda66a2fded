//! Listening.
#![allow(unsafe_code, reason = "exported names; nothing is done that needs trust")]

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};

use crate::boundary::{guarded, guarded_or};
use crate::connection::Connection;
use crate::counters::{ListenerCounters, write_counters};
use crate::from_c::{Text, given, time};
use crate::options::{Options, chosen};
use crate::status::Status;
use crate::to_c::hand_out;

/// Where connectors are accepted.
pub struct Listener(twinring::Listener);

/// Listens at `endpoint`: a name of this user's (no '/' in it), or a path. A socket that a dead listener left is replaced, a
/// live one is not. `options` may be null. Close `*listener` with twinring_listener_close(). Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_listen(
    endpoint: Text,
    options: Option<&Options>,
    listener: Option<&mut MaybeUninit<Option<Box<Listener>>>>,
) -> Status {
    guarded(|| hand_out(listener, "listener", || Ok(Listener(chosen(options).bind(endpoint.get("endpoint")?)?))))
}

/// Waits for a client that can be accepted, for at most `timeout_ns` nanoseconds, for ever if negative. A client that is refused,
/// hangs up or breaks the protocol is only counted. `*connection` as from twinring_connect(). Blocks. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_accept(
    listener: Option<&mut Listener>,
    timeout_ns: i64,
    connection: Option<&mut MaybeUninit<Option<Box<Connection>>>>,
) -> Status {
    guarded(|| {
        hand_out(connection, "connection", || {
            let listener = &mut given(listener, "listener")?.0;
            Ok(Connection(match time(timeout_ns) {
                None => listener.accept()?,
                Some(time) => listener.accept_timeout(time)?,
            }))
        })
    })
}

/// A descriptor that becomes readable when a client connects: for poll(2) and the like, then twinring_accept(). It is the
/// listener's, and is closed with it. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_listener_fd(listener: Option<&Listener>, fd: Option<&mut MaybeUninit<i32>>) -> Status {
    guarded(|| {
        let found = given(listener, "listener")?.0.as_fd().as_raw_fd();
        given(fd, "fd")?.write(found);
        Ok(())
    })
}

/// What the listener has counted; `size` is that of twinring_listener_counters. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_listener_count(
    listener: Option<&Listener>,
    counters: Option<&mut MaybeUninit<ListenerCounters>>,
    size: usize,
) -> Status {
    guarded(|| {
        let found = given(listener, "listener")?.0.counters();
        write_counters(counters, size, found.into())
    })
}

/// Stops listening; null is nothing. Connections stay. Threads: one, as the last use.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_listener_close(listener: Option<Box<Listener>>) {
    guarded_or((), || drop(listener));
}

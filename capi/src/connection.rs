//! Connecting.
#![allow(unsafe_code, reason = "exported names; nothing is done that needs trust")]

use std::mem::MaybeUninit;

use twinring::{Connection as Inner, Endpoint};

use crate::boundary::{guarded, guarded_or};
use crate::failure::Failure;
use crate::from_c::{Descriptor, EVER, Room, Text, given, time};
use crate::options::{Options, Transport, chosen};
use crate::peer::Peer;
use crate::receiver::Receiver;
use crate::sender::Sender;
use crate::status::Status;
use crate::to_c::{hand_out, write_text};

/// Two processes that can send to each other: to be split into its two ends, or made a session.
pub struct Connection(pub Inner);

/// Connects to a listener at `endpoint`: a name of this user's (no '/' in it), or a path. Tries for `timeout_ns` nanoseconds if
/// nobody listens yet, for ever if that is negative. `options` may be null. Blocks. Close `*connection` with
/// twinring_connection_close(), or give it to twinring_connection_split() or twinring_session_new(). Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_connect(
    endpoint: Text,
    options: Option<&Options>,
    timeout_ns: i64,
    connection: Option<&mut MaybeUninit<Option<Box<Connection>>>>,
) -> Status {
    guarded(|| {
        hand_out(connection, "connection", || {
            let endpoint = endpoint.get("endpoint")?;
            Ok(Connection(chosen(options).connect(endpoint, time(timeout_ns).unwrap_or(EVER))?))
        })
    })
}

/// Connects over one end of a SOCK_SEQPACKET socket pair, whose other end goes to twinring_accept_over() in whatever process
/// inherited it. Takes `socket` over: it is closed in any case. Blocks for at most `timeout_ns` nanoseconds, for ever if
/// negative. `*connection` as from twinring_connect(). Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_connect_over(
    socket: Descriptor,
    options: Option<&Options>,
    timeout_ns: i64,
    connection: Option<&mut MaybeUninit<Option<Box<Connection>>>>,
) -> Status {
    guarded(|| {
        hand_out(connection, "connection", || {
            let socket = socket.take()?;
            Ok(Connection(chosen(options).connect_over(socket, time(timeout_ns).unwrap_or(EVER))?))
        })
    })
}

/// The other side of twinring_connect_over(). Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_accept_over(
    socket: Descriptor,
    options: Option<&Options>,
    timeout_ns: i64,
    connection: Option<&mut MaybeUninit<Option<Box<Connection>>>>,
) -> Status {
    guarded(|| {
        hand_out(connection, "connection", || {
            let socket = socket.take()?;
            Ok(Connection(chosen(options).accept_over(socket, time(timeout_ns).unwrap_or(EVER))?))
        })
    })
}

/// Connects two threads of this process. `*here` and `*there` as from twinring_connect(). Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_pair(
    options: Option<&Options>,
    here: Option<&mut MaybeUninit<Option<Box<Connection>>>>,
    there: Option<&mut MaybeUninit<Option<Box<Connection>>>>,
) -> Status {
    guarded(|| {
        let here = given(here, "here")?.write(None);
        let there = given(there, "there")?.write(None);
        let (one, other) = chosen(options).pair()?;
        *here = Some(Box::new(Connection(one)));
        *there = Some(Box::new(Connection(other)));
        Ok(())
    })
}

/// Writes the name of the endpoint that belongs to the directory of the running program to `buffer`, of `capacity` bytes, with a
/// closing zero byte; 64 bytes are enough. Programs of this user's that lie in one directory find each other by it; one of them
/// listens. Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_endpoint_beside_exe(buffer: Room, capacity: usize) -> Status {
    guarded(|| {
        let endpoint =
            Endpoint::beside_exe().map_err(|error| Failure::new(Status::System, error.to_string()))?.to_string();
        write_text(&endpoint, buffer, capacity)
    })
}

/// Who is at the other end, by the kernel's word. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_connection_peer(
    connection: Option<&Connection>,
    peer: Option<&mut MaybeUninit<Peer>>,
) -> Status {
    guarded(|| {
        let found = given(connection, "connection")?.0.peer();
        given(peer, "peer")?.write(Peer::from(&found));
        Ok(())
    })
}

/// What carries the messages: a value of twinring_transport, as the two sides agreed. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_connection_transport(
    connection: Option<&Connection>,
    transport: Option<&mut MaybeUninit<i32>>,
) -> Status {
    guarded(|| {
        let found = given(connection, "connection")?.0.transport();
        given(transport, "transport")?.write(Transport::from(found) as i32);
        Ok(())
    })
}

/// Splits a connection into its two ends, each for a thread of its own. Takes `connection` over, which is gone afterwards in any
/// case. Close both ends. Threads: one, as the last use.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_connection_split(
    connection: Option<Box<Connection>>,
    sender: Option<&mut MaybeUninit<Option<Box<Sender>>>>,
    receiver: Option<&mut MaybeUninit<Option<Box<Receiver>>>>,
) -> Status {
    guarded(|| {
        let sender = given(sender, "sender")?.write(None);
        let receiver = given(receiver, "receiver")?.write(None);
        let (one, other) = given(connection, "connection")?.0.split();
        *sender = Some(Box::new(Sender::new(one)));
        *receiver = Some(Box::new(Receiver::new(other)));
        Ok(())
    })
}

/// Hangs up; null is nothing. Threads: one, as the last use.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_connection_close(connection: Option<Box<Connection>>) {
    guarded_or((), || drop(connection));
}

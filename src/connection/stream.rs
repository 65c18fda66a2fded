//! Connections over any stream of bytes, by whoever holds both ends of it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::error::{HandshakeError, SetupError};
use super::established::{Connection, Halves, Parts};
use super::half::PAGE;
use super::options::{Decision, Options};
use super::side::Side;
use super::terms::Attached;
use super::wire::Opening;
use crate::os::clock::Deadline;
use crate::os::credentials::{self, Credentials};
use crate::os::socket::{self, Carried};
use crate::region::{Half, VERSION};
use crate::trace::tell;

/// Says an opening, takes the peer's, and that is all.
pub(super) fn connect(socket: OwnedFd, options: &Options, deadline: Deadline) -> Result<Connection, HandshakeError> {
    socket::adopt_stream(socket.as_fd()).map_err(SetupError::Socket)?;
    let mut options = options.clone();
    let (peer, attached) = authorise(socket.as_fd(), &mut options)?;
    let ours = Half::with_ring(options.ring, PAGE);
    let sent = socket::send_bytes(socket.as_fd(), &Opening { version: VERSION, ring: ours.ring }.encode());
    if sent.map_err(HandshakeError::of_sending)? != Some(Opening::LENGTH) {
        return Err(HandshakeError::HungUp);
    }
    let opening = Opening::parse(&receive(socket.as_fd(), deadline)?)?;
    if opening.version != VERSION {
        return Err(HandshakeError::Version { oldest: opening.version, newest: opening.version });
    }
    let theirs = Half { bytes: 0, ring: opening.ring }.check_carried(options.largest_ring)?;
    let halves = Halves::Carried { ours, theirs };
    let wait = options.wait;
    let (side, endpoint, process, fence_each_other) = (Side::Given, None, None, false);
    Ok(Connection::new(Parts { socket, peer, process, halves, wait, fence_each_other, attached, side, endpoint })?)
}

/// Asks about whom the kernel names; what it is granted becomes part of the options.
fn authorise(socket: BorrowedFd<'_>, options: &mut Options) -> Result<(Credentials, Option<Attached>), HandshakeError> {
    let peer = if socket::is_local(socket) {
        credentials::of_peer(socket).map_err(SetupError::Socket)?
    } else {
        Credentials { pid: None, uid: None, gid: None }
    };
    match options.decide(&peer) {
        Decision::Accept => Ok((peer, None)),
        Decision::AcceptWith(terms) => {
            options.grant(&terms);
            Ok((peer, terms.attached))
        }
        Decision::Refuse(reason) => {
            tell!(warn, peer = peer.pid, uid = peer.uid, reason, "refused");
            Err(HandshakeError::Unauthorised { reason })
        }
    }
}

/// The peer's opening, and not a byte of what follows it.
fn receive(socket: BorrowedFd<'_>, deadline: Deadline) -> Result<[u8; Opening::LENGTH], HandshakeError> {
    let (mut bytes, mut filled) = ([0; Opening::LENGTH], 0);
    while filled < Opening::LENGTH {
        match socket::receive_bytes(socket, &mut bytes[filled..]) {
            Carried::Bytes(more) => filled += more,
            Carried::Nothing if deadline.passed() => return Err(HandshakeError::Timeout { due: "its opening" }),
            Carried::Nothing => socket::wait_one(socket, deadline).map_err(SetupError::Socket)?,
            Carried::End | Carried::Truncated => return Err(HandshakeError::HungUp),
        }
    }
    Ok(bytes)
}

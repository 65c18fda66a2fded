//! A connection: what is left when the handshake is over.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use super::error::{HandshakeError, SetupError};
use super::half::{ForeignHalf, OwnHalf, Pages};
use super::receiver::Receiver;
use super::sender::Sender;
use super::terms::Attached;
use super::wire::Message;
use crate::channel::{Incoming, Outgoing};
use crate::memory::Mapped;
use crate::os::credentials::{Credentials, pidfd_of_peer};
use crate::os::liveness::{self, Watch};
use crate::os::socket;
use crate::region::WORDS;
use crate::wait::{Attention, Fencing, Link, WaitStrategy};

/// Two processes that can send to each other. [`Connection::split`] gives the two ends that do it.
///
/// Dropping it, or both of its ends, hangs up: the peer receives what was sent and then
/// [`End::Closed`](crate::End::Closed).
///
/// A connection belongs to the process that made it. In a forked child its ends are inert: every use returns
/// [`End::Forked`](crate::End::Forked), and dropping them does nothing to the parent's connection. A message or reservation
/// that is alive across a fork may only be dropped there; a batch is as inert as its sender.
#[derive(Debug)]
pub struct Connection {
    sender: Sender,
    receiver: Receiver,
}

/// What a handshake leaves.
pub(super) struct Parts {
    pub(super) socket: OwnedFd,
    pub(super) peer: Credentials,
    pub(super) own: OwnHalf,
    pub(super) foreign: ForeignHalf,
    pub(super) wait: WaitStrategy,
    pub(super) fence_each_other: bool,
    pub(super) attached: Option<Attached>,
}

/// What both ends of a connection keep alive: the socket, and the watch over the peer.
pub(super) struct Shared {
    pub(super) socket: Arc<OwnedFd>,
    pub(super) link: Link<Mapped>,
    pub(super) wait: WaitStrategy,
    pub(super) attention: Attention<Mapped>,
    peer: Credentials,
    pages: Pages,
    attached: Option<Attached>,
    _watch: Watch,
}

/// The private page of a connection holds its link, and the call to whoever rests on its doorbell.
const LINK_WORD: usize = 0;
const ATTENTION_WORD: usize = 64;
const PRIVATE_BYTES: usize = 4096;

impl Connection {
    pub(super) fn new(parts: Parts) -> Result<Self, SetupError> {
        let Parts { socket, peer, own, foreign, wait, fence_each_other, attached } = parts;
        let private = Mapped::private(PRIVATE_BYTES)?;
        let attention = Attention::new(private.clone(), ATTENTION_WORD);
        let link = Link::new(private, LINK_WORD);
        let socket = Arc::new(socket);
        let watch = watch(&socket, peer, link.clone(), attention.clone()).map_err(SetupError::Watch)?;
        let fencing = match wait {
            WaitStrategy::Spin => Fencing::Never,
            _ if fence_each_other => Fencing::Adaptive,
            _ => Fencing::Plain,
        };
        let (mine, theirs) = (own.memory, foreign.memory);
        let outgoing =
            Outgoing::new(mine.clone(), theirs.clone(), own.shape.geometry(), WORDS, link.clone(), wait, fencing);
        let incoming = Incoming::new(mine, theirs, foreign.shape.geometry(), WORDS, link.clone(), wait, fencing);
        let pages = own.pages;
        let shared = Arc::new(Shared { socket, link, wait, attention, peer, pages, attached, _watch: watch });
        let sender = Sender::new(outgoing, Arc::clone(&shared));
        Ok(Self { sender, receiver: Receiver::new(incoming, shared) })
    }

    pub(super) fn send_ready(&self) -> Result<(), HandshakeError> {
        let sent = socket::send_packet(self.shared().socket.as_fd(), &Message::Ready.encode(), None);
        sent.map_err(|_| HandshakeError::HungUp)
    }

    fn shared(&self) -> &Shared {
        self.sender.shared()
    }

    /// The two ends: each can go to a thread of its own.
    #[must_use]
    pub fn split(self) -> (Sender, Receiver) {
        (self.sender, self.receiver)
    }

    /// The two ends, in place.
    pub fn ends(&mut self) -> (&mut Sender, &mut Receiver) {
        (&mut self.sender, &mut self.receiver)
    }

    /// Who is at the other end, by the kernel's word.
    #[must_use]
    pub fn peer(&self) -> Credentials {
        self.shared().peer
    }

    /// How this side waits.
    pub(crate) fn strategy(&self) -> WaitStrategy {
        self.shared().wait
    }

    /// The socket that set it up.
    pub(crate) fn socket(&self) -> &Arc<OwnedFd> {
        &self.shared().socket
    }

    /// What the listener accepted it with.
    pub(crate) fn attached(&self) -> Option<&Attached> {
        self.shared().attached.as_ref()
    }

    /// Which pages this side's half lies in.
    #[must_use]
    pub fn pages(&self) -> &Pages {
        &self.shared().pages
    }
}

/// Watches the socket and, unless the peer is this very process, the peer's process.
fn watch(
    socket: &Arc<OwnedFd>,
    peer: Credentials,
    link: Link<Mapped>,
    attention: Attention<Mapped>,
) -> std::io::Result<Watch> {
    let pidfd = match peer.pid {
        Some(pid) if pid != std::process::id() => pidfd_of(socket, pid),
        _ => None,
    };
    let hung_up = Arc::clone(socket);
    liveness::watch(Arc::clone(socket), pidfd, move || {
        link.declare_dead();
        attention.call();
        // A child that the peer forked may hold its end open: whoever polls ours learns of the death all the same.
        socket::shut_down(hung_up.as_fd());
    })
}

/// A descriptor of the peer's process. The socket's own is of who connected it, so it is taken only if that is the peer.
fn pidfd_of(socket: &OwnedFd, pid: u32) -> Option<OwnedFd> {
    let by_socket = crate::os::credentials::of_peer(socket.as_fd()).is_ok_and(|found| found.pid == Some(pid));
    by_socket.then(|| pidfd_of_peer(socket.as_fd())).flatten().or_else(|| liveness::pidfd_open(pid))
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("peer", &self.peer).field("wait", &self.wait).finish_non_exhaustive()
    }
}

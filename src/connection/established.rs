//! A connection: what is left when the handshake is over.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use super::endpoint::Endpoint;
use super::error::{HandshakeError, SetupError};
use super::half::{ForeignHalf, OwnHalf, Pages};
use super::receiver::Receiver;
use super::sender::Sender;
use super::side::Side;
use super::terms::Attached;
use super::transport::Transport;
use super::way::Way;
use super::wire::Message;
use crate::carrier::{self, Carried, Plan};
use crate::channel::{Incoming, Outgoing, Poker};
use crate::ledger::{self, Entry, Identity, layout};
use crate::memory::Mapped;
use crate::os::credentials::{Credentials, pidfd_of_peer};
use crate::os::liveness::{self, Watch};
use crate::os::socket;
use crate::region::{Half, WORDS};
use crate::trace::tell;
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
    /// The peer's process, if the kernel brought it with a packet, or why it could not.
    pub(super) process: Option<io::Result<OwnedFd>>,
    pub(super) halves: Halves,
    pub(super) wait: WaitStrategy,
    pub(super) fence_each_other: bool,
    pub(super) attached: Option<Attached>,
    pub(super) side: Side,
    /// The name or path by which the two found each other, if they did so.
    pub(super) endpoint: Option<Endpoint>,
}

/// What the rings lie in.
pub(super) enum Halves {
    /// Memory of both sides.
    Shared { own: OwnHalf, foreign: ForeignHalf },
    /// Memory of this side alone, of these shapes: the socket carries.
    Carried { ours: Half, theirs: Half },
}

impl Halves {
    /// This side's, the peer's, and whether the socket carries.
    fn shapes(&self) -> (Half, Half, bool) {
        match self {
            Self::Shared { own, foreign } => (own.shape, foreign.shape, false),
            Self::Carried { ours, theirs } => (*ours, *theirs, true),
        }
    }

    /// What this side says of its own, and the descriptor that goes with it.
    pub(super) fn announced(&self) -> (Half, Option<&OwnedFd>) {
        match self {
            Self::Shared { own, .. } => (own.shape, Some(&own.file)),
            Self::Carried { ours, .. } => (ours.carried(), None),
        }
    }
}

/// What both ends of a connection keep alive: the way to the peer, and the watch over it.
pub(crate) struct Shared {
    pub(super) way: Way,
    pub(super) link: Link<Mapped>,
    pub(super) wait: WaitStrategy,
    pub(super) attention: Attention<Mapped>,
    peer: Credentials,
    pages: Pages,
    attached: Option<Attached>,
    /// Where this connection is counted, if others may see it.
    pub(super) entry: Option<Arc<Entry>>,
    _watch: Watch,
}

/// The private page of a connection holds its link, and the call to whoever rests on its doorbell.
const LINK_WORD: usize = 0;
const ATTENTION_WORD: usize = 64;
const PRIVATE_BYTES: usize = 4096;

impl Shared {
    /// What becomes readable by a poke, or by the peer's end.
    pub(crate) fn descriptor(&self) -> &Arc<OwnedFd> {
        self.way.descriptor()
    }

    /// How this side waits.
    pub(crate) fn strategy(&self) -> WaitStrategy {
        self.wait
    }

    /// Takes the pokes off the descriptor. A hang-up that shows there is noted.
    pub(crate) fn hear(&self) {
        if self.link.is_alive() && !self.way.take_pokes() {
            self.link.declare_dead();
        }
    }
}

impl Connection {
    pub(super) fn new(parts: Parts) -> Result<Self, SetupError> {
        let Parts { socket, peer, process, halves, wait, fence_each_other, attached, side, endpoint } = parts;
        let (ours, theirs, carried) = halves.shapes();
        let endpoint = endpoint.map(|endpoint| endpoint.to_string()).unwrap_or_default();
        let rings = [ours.ring, theirs.ring];
        tell!(
            info,
            peer = peer.pid,
            uid = peer.uid,
            side = %side,
            endpoint,
            ring = ours.ring,
            peer_ring = theirs.ring,
            carried,
            "connected"
        );
        let entry =
            ledger::enter(&Identity { side: side.number(), peer, rings, carried, endpoint: &endpoint }).map(Arc::new);
        let made = Made { socket: Arc::new(socket), peer, process, wait, attached, entry };
        match halves {
            Halves::Shared { own, foreign } => made.shared_by(own, foreign, fence_each_other),
            Halves::Carried { ours, theirs } => made.carried_by(ours, theirs),
        }
    }

    fn of(outgoing: Outgoing<Mapped>, incoming: Incoming<Mapped>, shared: Shared) -> Self {
        let (outgoing, incoming) = shared.count(outgoing, incoming);
        let shared = Arc::new(shared);
        let sender = Sender::new(outgoing, Arc::clone(&shared));
        Self { sender, receiver: Receiver::new(incoming, shared) }
    }

    pub(super) fn send_ready(&self) -> Result<(), HandshakeError> {
        let sent = socket::send_packet(self.shared().way.socket(), &Message::Ready.encode(), None);
        sent.map_err(HandshakeError::of_sending)
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

    /// What carries the messages: [`Transport::SharedMemory`] or [`Transport::Socket`].
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.shared().way.transport()
    }

    /// How this side waits.
    pub(crate) fn strategy(&self) -> WaitStrategy {
        self.shared().strategy()
    }

    /// The socket to the peer.
    pub(super) fn control(&self) -> BorrowedFd<'_> {
        self.shared().way.socket()
    }

    /// What becomes readable by a poke, or by the peer's end.
    pub(crate) fn descriptor(&self) -> &Arc<OwnedFd> {
        self.shared().way.descriptor()
    }

    /// What the listener accepted it with.
    pub(crate) fn attached(&self) -> Option<&Attached> {
        self.shared().attached.as_ref()
    }

    /// Which pages this side's half lies in; over the socket, ordinary ones of its own.
    #[must_use]
    pub fn pages(&self) -> &Pages {
        &self.shared().pages
    }
}

/// What a connection is made of, but for what its rings lie in.
struct Made {
    socket: Arc<OwnedFd>,
    peer: Credentials,
    process: Option<io::Result<OwnedFd>>,
    wait: WaitStrategy,
    attached: Option<Attached>,
    entry: Option<Arc<Entry>>,
}

impl Made {
    fn shared_by(self, own: OwnHalf, foreign: ForeignHalf, fence_each_other: bool) -> Result<Connection, SetupError> {
        let Self { socket, peer, process, wait, attached, entry } = self;
        let private = Mapped::private(PRIVATE_BYTES)?;
        let attention = Attention::new(private.clone(), ATTENTION_WORD);
        let link = Link::new(private, LINK_WORD).known_as(peer.pid);
        let (dead, called, hung_up) = (link.clone(), attention.clone(), Arc::clone(&socket));
        let bereaved = move || {
            dead.declare_dead();
            called.call();
            // A child that the peer forked may hold its end open: whoever polls ours learns of the death all the same.
            socket::shut_down(hung_up.as_fd());
        };
        let watch = watch(&socket, peer, process, bereaved).map_err(SetupError::Watch)?;
        let fencing = match wait {
            WaitStrategy::Spin => Fencing::Never,
            _ if fence_each_other => Fencing::Adaptive,
            _ => Fencing::Plain,
        };
        let (mine, theirs) = (own.memory, foreign.memory);
        let unheard = Arc::downgrade(&socket);
        // A peer that cannot be woken would sleep for ever: it hears that it is the end instead.
        mine.when_mute(move || unheard.upgrade().into_iter().for_each(|socket| socket::shut_down(socket.as_fd())));
        let outgoing =
            Outgoing::new(mine.clone(), theirs.clone(), own.shape.geometry(), WORDS, link.clone(), wait, fencing);
        let mut incoming = Incoming::new(mine, theirs, foreign.shape.geometry(), WORDS, link.clone(), wait, fencing);
        let poked = Arc::clone(&socket);
        incoming.poke_by(Poker::new(move || socket::poke(poked.as_fd())));
        let (way, pages) = (Way::Memory { socket }, own.pages);
        Ok(Connection::of(
            outgoing,
            incoming,
            Shared { way, link, wait, attention, peer, pages, attached, entry, _watch: watch },
        ))
    }

    fn carried_by(self, ours: Half, theirs: Half) -> Result<Connection, SetupError> {
        let Self { socket, peer, process, wait, attached, entry } = self;
        let wait = carrier::waits(wait);
        let plan = Plan { socket: Arc::clone(&socket), peer: peer.pid, ours, theirs, wait };
        let Carried { outgoing, incoming, link, attention, relay } = carrier::carry(plan)?;
        let watched = Arc::downgrade(&relay);
        let bereaved = move || watched.upgrade().into_iter().for_each(|relay| relay.bereave());
        let watch = watch(&socket, peer, process, bereaved).map_err(|error| {
            // It is carried already: nobody but the peer would end that.
            socket::shut_down(socket.as_fd());
            relay.bereave();
            SetupError::Watch(error)
        })?;
        let (way, pages) = (Way::Socket { socket, relay }, Pages::Ordinary);
        Ok(Connection::of(
            outgoing,
            incoming,
            Shared { way, link, wait, attention, peer, pages, attached, entry, _watch: watch },
        ))
    }
}

impl Shared {
    /// Has the ends count where others may see it, if this process asked for that.
    fn count(&self, outgoing: Outgoing<Mapped>, incoming: Incoming<Mapped>) -> (Outgoing<Mapped>, Incoming<Mapped>) {
        let Some(entry) = &self.entry else { return (outgoing, incoming) };
        let outgoing = outgoing.counting_in(entry.line(layout::SENDER));
        entry.gauge(layout::OCCUPIED, outgoing.gauge());
        (outgoing, incoming.counting_in(entry.line(layout::RECEIVER)))
    }
}

/// Watches the socket and, unless the peer is this very process, the peer's process: the one that its packet came with, or
/// else the one that is called by its number.
fn watch(
    socket: &Arc<OwnedFd>,
    peer: Credentials,
    process: Option<io::Result<OwnedFd>>,
    bereaved: impl Fn() + Send + 'static,
) -> io::Result<Watch> {
    let pidfd = match (peer.pid, process) {
        (Some(pid), _) if pid == std::process::id() => None,
        (_, Some(process)) => Some(process?),
        (Some(pid), None) => pidfd_of(socket, pid)?,
        (None, None) => None,
    };
    liveness::watch(Arc::clone(socket), pidfd, bereaved)
}

/// A descriptor of the peer's process. The socket's own is of who connected it, so it is taken only if that is the peer. Where
/// the kernel has forgotten that one, its pid is not asked for: it may be a stranger's.
fn pidfd_of(socket: &OwnedFd, pid: u32) -> io::Result<Option<OwnedFd>> {
    let by_socket = crate::os::credentials::of_peer(socket.as_fd()).is_ok_and(|found| found.pid == Some(pid));
    let own = if by_socket { pidfd_of_peer(socket.as_fd())? } else { None };
    Ok(own.or_else(|| liveness::pidfd_open(pid)))
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("peer", &self.peer).field("wait", &self.wait).finish_non_exhaustive()
    }
}

//! Messages over a socket, for two processes that share no memory.
//!
//! Each side has a region of its own that no other process maps: two rings in private pages. One end is the user's, and is the
//! same as over shared memory; the other end is a relay's, which moves frames between the rings and the socket.
//! So whatever is built on the ends (waiting, deadlines, sessions) knows nothing of the socket.
//!
//! # Who moves
//!
//! A relay has no thread of its own: it moves whenever somebody comes by.
//!
//! | what happens | who moves what |
//! |---|---|
//! | the user commits a message | the user's thread, to the socket: the relay sleeps by the ring's doorbell, and a bell of the memory stands in for the futex |
//! | the user makes room in a full ring | the user's thread, from the socket |
//! | the user sleeps | its thread, both ways: it polls the socket instead of the futex |
//! | nobody of the user's is there | the thread `twinring-wire`, one a process, both ways |
//!
//! So a message between two sides that sleep costs no more thread switches than over a bare socket. Under the relay's lock a
//! thread does a bounded amount of work, and never sleeps.
//!
//! # Back-pressure
//!
//! A full socket stops reading from the local ring; a full local ring stops reading from the socket. Nothing is buffered
//! beyond one packet each way.

mod inward;
mod outward;
mod relay;
pub mod stream;
mod thread;

pub(crate) use relay::Relay;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, OnceLock, Weak};

use crate::channel::{Incoming, Outgoing};
use crate::memory::{Bell, Foreign, MapError, Mapped, Own};
use crate::os::clock::Deadline;
use crate::region::{Half, WORDS};
use crate::wait::{Attention, Fencing, Link, WaitStrategy};

/// Words of the private page. The user's two are those of any connection.
const LINK_WORD: usize = 0;
const ATTENTION_WORD: usize = 64;
const RELAY_LINK_WORD: usize = 128;
const PRIVATE_BYTES: usize = 4096;

/// What two sides have agreed on.
pub(crate) struct Plan {
    /// Connected to the peer.
    pub(crate) socket: Arc<OwnedFd>,
    /// Whose process that is, if it is known.
    pub(crate) peer: Option<u32>,
    /// The shape of a half with the ring that this side sends through.
    pub(crate) ours: Half,
    /// The same of the peer, checked.
    pub(crate) theirs: Half,
    /// How the user waits.
    pub(crate) wait: WaitStrategy,
}

/// The user's ends, and the relay behind them.
pub(crate) struct Carried {
    pub(crate) outgoing: Outgoing<Mapped>,
    pub(crate) incoming: Incoming<Mapped>,
    pub(crate) link: Link<Mapped>,
    pub(crate) attention: Attention<Mapped>,
    pub(crate) relay: Arc<Relay>,
}

/// Why nothing can be carried.
#[derive(Debug)]
pub(crate) enum CarryError {
    /// Memory for the rings.
    Map(MapError),
    /// Descriptors, or the thread.
    System(io::Error),
}

/// How a user waits who said how to wait: a thread that sleeps is woken by the socket itself, so spinning before it would only
/// leave the work to another thread, and pay for its waking.
pub(crate) fn waits(wait: WaitStrategy) -> WaitStrategy {
    if wait == WaitStrategy::Spin { wait } else { WaitStrategy::Park }
}

/// Sets up the rings of this side and begins to carry.
pub(crate) fn carry(plan: Plan) -> Result<Carried, CarryError> {
    let Plan { socket, peer, ours, theirs, wait } = plan;
    let relay = Late::default();
    let bells = [Role::User, Role::Relay, Role::Private].map(|role| Stand { relay: relay.clone(), role });
    let [user_bell, relay_bell, private_bell] = bells;
    let user = Mapped::private_with(ours.bytes as usize, user_bell)?;
    let carrier = Mapped::private_with(theirs.bytes as usize, relay_bell)?;
    let private = Mapped::private_with(PRIVATE_BYTES, private_bell)?;
    let attention = Attention::new(private.clone(), ATTENTION_WORD);
    let [link, own_link] = [LINK_WORD, RELAY_LINK_WORD].map(|word| Link::new(private.clone(), word).known_as(peer));
    let fencing = if wait == WaitStrategy::Spin { Fencing::Never } else { Fencing::Plain };
    let here = Side { own: &user, peer: &carrier, link: &link, wait, fencing };
    let (outgoing, incoming) = here.ends(ours, theirs);
    // The relay is called, and never waits.
    let there = Side { own: &carrier, peer: &user, link: &own_link, wait: WaitStrategy::Park, fencing: Fencing::Plain };
    let (to_user, from_user) = there.ends(theirs, ours);
    let user = relay::User { link: link.clone(), attention: attention.clone() };
    let started = Relay::start(socket, theirs.geometry().largest_payload(), (to_user, from_user), own_link, user)?;
    // Nobody else sets it.
    let _ = relay.0.set(Arc::downgrade(&started));
    started.begin();
    Ok(Carried { outgoing, incoming, link, attention, relay: started })
}

/// One side of a local region.
struct Side<'a> {
    own: &'a Own<Mapped>,
    peer: &'a Own<Mapped>,
    link: &'a Link<Mapped>,
    wait: WaitStrategy,
    fencing: Fencing,
}

impl Side<'_> {
    /// Its two ends, given the shapes of its own half and the other's.
    fn ends(&self, own: Half, other: Half) -> (Outgoing<Mapped>, Incoming<Mapped>) {
        let Self { link, wait, fencing, .. } = *self;
        let (mine, theirs) = (self.own.clone(), Foreign::new((**self.peer).clone()));
        let outgoing = Outgoing::new(mine.clone(), theirs.clone(), own.geometry(), WORDS, link.clone(), wait, fencing);
        (outgoing, Incoming::new(mine, theirs, other.geometry(), WORDS, link.clone(), wait, fencing))
    }
}

/// A relay that the memory's bells know before it is there, and that they do not keep alive.
#[derive(Clone, Default)]
struct Late(Arc<OnceLock<Weak<Relay>>>);

impl Late {
    fn get(&self) -> Option<Arc<Relay>> {
        self.0.get()?.upgrade()
    }
}

/// Whose words a bell stands at.
#[derive(Clone, Copy)]
enum Role {
    /// The user's half: who waits for what the user writes is the relay.
    User,
    /// The relay's half: who sleeps there is the user.
    Relay,
    /// The private page: who sleeps on it is the user as well.
    Private,
}

/// What stands in for the futexes of a local region.
struct Stand {
    relay: Late,
    role: Role,
}

impl Bell for Stand {
    fn wake(&self, word: usize) -> bool {
        match (self.role, self.relay.get()) {
            (Role::User, Some(relay)) if word == WORDS.data_rung => relay.send(),
            (Role::User, Some(relay)) => relay.receive(),
            (Role::Private, Some(relay)) => relay.interrupt(),
            _ => {}
        }
        // A second thread of the user's may sleep by the futex.
        matches!(self.role, Role::User)
    }

    fn sleep(&self, unchanged: &dyn Fn() -> bool, deadline: Deadline) -> bool {
        matches!(self.role, Role::Relay) && self.relay.get().is_some_and(|relay| relay.sleep(unchanged, deadline))
    }
}

impl From<MapError> for CarryError {
    fn from(error: MapError) -> Self {
        Self::Map(error)
    }
}

impl From<io::Error> for CarryError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

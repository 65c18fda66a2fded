//! One connection's traffic between its local rings and its socket.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::inward::{Flow, Inward, News};
use super::outward::{Leavings, Outward};
use super::stream::LONGEST_PACKET;
use super::thread::{self, Interest, Place};
use crate::channel::{Incoming, Outgoing, Poker};
use crate::memory::Mapped;
use crate::os::clock::Deadline;
use crate::os::event::Event;
use crate::os::socket;
use crate::wait::{Attention, Link, State};

/// Packets that one turn moves each way: other connections have theirs in between.
const TURN: usize = 8;

/// What the user looks at besides its rings.
pub(super) struct User {
    pub(super) link: Link<Mapped>,
    pub(super) attention: Attention<Mapped>,
}

/// Moves frames between the local rings and the socket, on whatever thread comes by.
pub(crate) struct Relay {
    socket: Arc<OwnedFd>,
    place: Place,
    traffic: Mutex<Traffic>,
    seat: Mutex<Seat>,
    user: User,
    /// Of the relay itself: only tells a forked child.
    link: Link<Mapped>,
    /// What the user polls, and the other end of it: for the user it is as the socket to a peer that shares memory.
    polled: Arc<OwnedFd>,
    poked: Arc<OwnedFd>,
    /// Wakes the thread in the seat.
    call: Event,
}

struct Traffic {
    inward: Inward,
    outward: Outward,
    /// What the thread was asked for.
    asked: Interest,
    peer_gone: bool,
    /// The peer's process has ended: what has not come will not.
    bereaved: bool,
    /// The user holds its sender no more: nobody waits for what the peer might still say.
    sender_left: bool,
    /// Nothing can be moved any more.
    over: bool,
    /// Our goodbye was said: only the peer's end is awaited.
    lingers: bool,
}

/// A thread of the user's that sleeps by polling the socket. It does what the process's thread would do.
#[derive(Default)]
struct Seat {
    taken: bool,
    /// Whether it waits for room on the socket as well.
    sends: bool,
    called: bool,
    /// A call cannot be taken back, so whoever sat here would not sleep: nobody does any more.
    broken: bool,
}

impl Relay {
    pub(super) fn start(
        socket: Arc<OwnedFd>,
        largest: usize,
        (to_user, mut from_user): (Outgoing<Mapped>, Incoming<Mapped>),
        link: Link<Mapped>,
        user: User,
    ) -> io::Result<Arc<Self>> {
        let ((polled, poked), call) = (socket::pair()?, Event::new()?);
        let (polled, poked) = (Arc::new(polled), Arc::new(poked));
        let told = Arc::clone(&poked);
        from_user.poke_by(Poker::new(move || socket::poke(told.as_fd())));
        let (inward, outward) = (Inward::new(to_user, largest), Outward::new(from_user, socket.as_fd()));
        let asked = Interest::default();
        let traffic = Traffic {
            inward,
            outward,
            asked,
            peer_gone: false,
            bereaved: false,
            sender_left: false,
            over: false,
            lingers: false,
        };
        let (traffic, seat, carried) = (Mutex::new(traffic), Mutex::default(), Arc::clone(&socket));
        let make = |place| Self { socket: carried, place, traffic, seat, user, link, polled, poked, call };
        thread::serve(socket.as_fd(), make)
    }

    /// The first turn: what the user commits from now on is noticed.
    pub(super) fn begin(&self) {
        self.turn(|_| (true, true));
    }

    /// The user has sent something, or has left.
    pub(crate) fn send(&self) {
        self.turn(|_| (false, true));
    }

    /// The user has made room, or looks for more.
    pub(crate) fn receive(&self) {
        self.turn(|_| (true, false));
    }

    /// The socket can do what the thread was asked for.
    pub(super) fn serve(&self) {
        self.turn(|traffic| {
            traffic.asked = Interest::default();
            (true, traffic.outward.is_pending())
        });
    }

    /// The peer's process has ended, or its socket has.
    pub(crate) fn bereave(&self) {
        self.turn(|traffic| {
            traffic.bereaved = true;
            (true, false)
        });
    }

    /// The user's sender has gone.
    pub(crate) fn sender_left(&self) {
        self.turn(|traffic| {
            traffic.sender_left = true;
            (false, true)
        });
    }

    /// The user's receiver has gone: what comes for it is no longer held back.
    pub(crate) fn receiver_left(&self) {
        self.turn(|_| (true, true));
    }

    /// What the user polls after it has armed its receiver.
    pub(crate) fn descriptor(&self) -> &Arc<OwnedFd> {
        &self.polled
    }

    /// Moves what can be moved, in the directions (to the user, to the peer) that `which` says.
    fn turn(&self, which: impl FnOnce(&mut Traffic) -> (bool, bool)) {
        // In a forked child, where nothing is to be touched.
        if self.link.state() == State::Forked {
            return;
        }
        let mut traffic = self.traffic();
        let (inwards, outwards) = which(&mut traffic);
        if !traffic.over {
            self.work(&mut traffic, inwards, outwards);
        }
    }

    fn work(&self, traffic: &mut Traffic, inwards: bool, outwards: bool) {
        let (mut news, woken) = (News::default(), traffic.outward.wakes());
        let mut flow = if inwards { traffic.receive(self.socket.as_fd(), &mut news) } else { Flow::Still };
        if outwards || news.gone {
            traffic.send(self.socket.as_fd());
        }
        // Why it cannot be sent is said by what has come: at once, because a user who sends on may leave nobody else a turn.
        if traffic.outward.has_failed() && !inwards {
            flow = traffic.receive(self.socket.as_fd(), &mut news);
        }
        if news.poke {
            socket::poke(self.poked.as_fd());
        }
        if news.rang || traffic.outward.wakes() != woken {
            self.interrupt();
        }
        let end = self.conclude(traffic, flow);
        if end { self.end(traffic) } else { self.ask(traffic) }
    }

    /// Whether the connection has ended; tells the user how, if it was not in order.
    fn conclude(&self, traffic: &mut Traffic, flow: Flow) -> bool {
        match flow {
            Flow::Goodbye => return true,
            Flow::HungUp => self.user.link.declare_dead(),
            Flow::Lie(lie) => self.user.link.declare_corrupt(lie),
            Flow::More | Flow::Still => return self.said_goodbye(traffic),
        }
        self.user.attention.call();
        true
    }

    /// Whether our goodbye was said and the socket can be left.
    fn said_goodbye(&self, traffic: &mut Traffic) -> bool {
        if !(traffic.outward.is_over() && traffic.sender_left) {
            return false;
        }
        // What was sent over the network is lost if we hang up with something unread: not before the peer does.
        if socket::is_local(self.socket.as_fd()) {
            return true;
        }
        if !std::mem::replace(&mut traffic.lingers, true) {
            socket::end_sending(self.socket.as_fd());
        }
        false
    }

    fn end(&self, traffic: &mut Traffic) {
        traffic.over = true;
        socket::end_sending(self.socket.as_fd());
        // Where the hang-up that follows is refused, who polls is told all the same.
        socket::poke(self.poked.as_fd());
        socket::end_sending(self.poked.as_fd());
        self.place.leave(self.socket.as_fd());
    }

    /// Sees to it that somebody watches the socket for what can be moved.
    fn ask(&self, traffic: &mut Traffic) {
        let interest = traffic.interest();
        let seat = self.seat();
        if seat.taken {
            // The one in the seat watches, unless it watches for too little.
            let too_little = interest.send && !seat.sends;
            drop(seat);
            if too_little {
                self.interrupt();
            }
        } else if interest != traffic.asked && interest != Interest::default() {
            traffic.asked = interest;
            if !self.place.ask(self.socket.as_fd(), interest) {
                self.hang_up();
            }
        }
    }

    /// Where a sandbox was closed around this process, and nobody would be told of what comes: all who wait here or there hear of
    /// the end instead.
    #[cold]
    fn hang_up(&self) {
        socket::shut_down(self.socket.as_fd());
    }

    /// Sleeps on the socket in place of the futex, and moves what comes; `false` if another thread does, or nothing can come.
    pub(super) fn sleep(&self, unchanged: &dyn Fn() -> bool, deadline: Deadline) -> bool {
        let Some(sends) = self.sit() else { return false };
        // Whoever changes it from now on calls us.
        if unchanged() {
            socket::wait_traffic(self.socket.as_fd(), sends, self.call.as_fd(), deadline);
        }
        self.stand_up();
        self.turn(|traffic| (true, traffic.outward.is_pending()));
        true
    }

    /// Takes the seat if it is free and worth it.
    fn sit(&self) -> Option<bool> {
        if self.link.state() == State::Forked {
            return None;
        }
        let mut traffic = self.traffic();
        let interest = traffic.interest();
        let mut seat = self.seat();
        if traffic.over || !interest.receive || seat.taken || seat.broken {
            return None;
        }
        *seat = Seat { taken: true, sends: interest.send, ..Seat::default() };
        if traffic.asked != Interest::default() {
            traffic.asked = Interest::default();
            // If it is refused, two threads see to the same, which is allowed.
            let _ = self.place.ask(self.socket.as_fd(), traffic.asked);
        }
        Some(interest.send)
    }

    fn stand_up(&self) {
        let mut seat = self.seat();
        seat.taken = false;
        if std::mem::take(&mut seat.called) {
            seat.broken = !self.call.lower();
        }
    }

    /// Has the thread in the seat look again.
    pub(super) fn interrupt(&self) {
        let mut seat = self.seat();
        if seat.taken && !std::mem::replace(&mut seat.called, true) && !self.call.raise() {
            self.hang_up();
        }
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seat(&self) -> MutexGuard<'_, Seat> {
        self.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Traffic {
    fn receive(&mut self, socket: BorrowedFd<'_>, news: &mut News) -> Flow {
        let flow = self.inward.turn(socket, TURN, self.bereaved, news);
        if news.gone && !self.peer_gone {
            self.peer_gone = true;
            self.outward.leave();
        }
        flow
    }

    fn send(&mut self, socket: BorrowedFd<'_>) {
        let leavings = Leavings { user: self.inward.is_deserted(), peer: self.peer_gone };
        self.outward.turn(socket, leavings, TURN * LONGEST_PACKET);
    }

    fn interest(&self) -> Interest {
        Interest { receive: !self.inward.blocked, send: self.outward.is_pending() }
    }
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay").field("socket", &self.socket).finish_non_exhaustive()
    }
}

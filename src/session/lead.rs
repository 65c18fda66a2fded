//! Who receives: of the threads that wait for replies one leads and receives for all, the others follow.
//!
//! A lone caller leads its own wait, so its reply costs no thread switch. A leader that has its reply hands leadership on to
//! one follower.
//!
//! # Words
//!
//! All are private to the process. `lead`: free or held. `followers`: how many threads are asleep, or about to be. And one
//! word for each call in flight, its *slot*: a generation and a state.
//!
//! | state | set by | next |
//! |---|---|---|
//! | VACANT | its caller, when it has its reply or gives up | WAITING |
//! | WAITING | the caller, before it sends; whoever wakes it | ASLEEP, FILLING, VACANT |
//! | ASLEEP | the caller, as a follower | WAITING, FILLING |
//! | FILLING | the leader, which has the reply | ANSWERED |
//! | ANSWERED | the leader | VACANT |
//!
//! # Races
//!
//! A follower says ASLEEP and then tries to lead; a leader gives the lead up and then looks for followers. A full fence
//! between the two on both sides: either the follower finds the lead free, or the leader finds the follower. A follower that
//! was chosen tries to lead before it gives up, in [`Lead::follow`], and leaving hands the lead on.
//!
//! Idea: leader/followers (Schmidt and others, 2000), here with the reply's own waiter as the leader.

use crate::memory::{Memory, Ordering, Own};
use crate::os::clock::Deadline;
use crate::wait::{Link, State};

/// The lead, and the calls in flight that followers wait for.
#[derive(Debug)]
pub struct Lead<M: Memory> {
    private: Own<M>,
    link: Link<M>,
    slots: u64,
    sleeps: bool,
}

/// A call in flight: its slot, and which use of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    slot: u64,
    generation: u64,
}

/// What a wait came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// The reply is there.
    Answered,
    /// Nobody leads any more: this thread does now.
    Leads,
    /// The deadline has passed.
    Expired,
}

/// Not 0: in a forked child, whose private pages are wiped, nobody can take the lead.
const FREE: u64 = 1;
const HELD: u64 = 2;

const VACANT: u64 = 0;
const WAITING: u64 = 1;
const ASLEEP: u64 = 2;
const FILLING: u64 = 3;
const ANSWERED: u64 = 4;

/// Each on a cache line of its own.
const LINE: usize = 8;
const LEAD: usize = 0;
const FOLLOWERS: usize = LINE;
const SLOTS: usize = 2 * LINE;

const STATE_BITS: u32 = 8;
/// Of the 48 bits that a message's id has.
const ID_BITS: u32 = 48;

impl<M: Memory> Lead<M> {
    /// How many words are needed for `slots` calls in flight.
    #[must_use]
    pub fn words(slots: u64) -> usize {
        SLOTS + slots as usize * LINE
    }

    /// The lead and `slots` slots, a power of two, in zeroed private memory. `sleeps`: whether followers may sleep.
    ///
    /// # Panics
    ///
    /// If `slots` is no power of two of at most 2^16, or the memory is too small.
    pub fn new(private: Own<M>, link: Link<M>, slots: u64, sleeps: bool) -> Self {
        assert!(slots.is_power_of_two() && slots <= 1 << 16, "{slots} slots");
        assert!(private.words() >= Self::words(slots), "{} words for {slots} slots", private.words());
        private.store(LEAD, FREE, Ordering::Relaxed);
        Self { private, link, slots, sleeps }
    }

    /// How many calls are in flight, for another thread to look at.
    pub(crate) fn gauge(&self) -> impl Fn() -> u64 + use<M> {
        let (private, slots) = (self.private.clone(), self.slots as usize);
        move || {
            let words = (0..slots).map(|slot| private.load(SLOTS + slot * LINE, Ordering::Relaxed));
            words.filter(|word| word & STATES != VACANT).count() as u64
        }
    }

    fn slot(&self, ticket: Ticket) -> usize {
        SLOTS + ticket.slot as usize * LINE
    }

    fn load(&self, ticket: Ticket) -> u64 {
        // Acquire, with the release in `answered`: the reply.
        self.private.load(self.slot(ticket), Ordering::Acquire)
    }

    /// Moves a slot from one state to another; `false` if it was not in the first, or is another call's by now.
    fn step(&self, ticket: Ticket, from: u64, to: u64) -> bool {
        self.private.exchange(self.slot(ticket), ticket.word(from), ticket.word(to))
    }

    /// A slot for a call, one of the first `most`, from `hint` on; `None` if all are taken. Only one thread at a time may ask.
    #[inline]
    pub fn enter(&self, hint: &mut u64, most: u64) -> Option<Ticket> {
        let most = most.min(self.slots);
        for _ in 0..most {
            let slot = if *hint < most { *hint } else { 0 };
            *hint = slot + 1;
            let word = SLOTS + slot as usize * LINE;
            let seen = self.private.load(word, Ordering::Relaxed);
            if seen & STATES == VACANT {
                let generations = ID_BITS - self.slots.trailing_zeros();
                let generation = ((seen >> STATE_BITS) + 1) & ((1 << generations) - 1);
                let ticket = Ticket { slot, generation };
                self.private.store(word, ticket.word(WAITING), Ordering::Relaxed);
                return Some(ticket);
            }
        }
        None
    }

    /// The number by which the peer names the call.
    #[must_use]
    #[inline]
    pub fn id(&self, ticket: Ticket) -> u64 {
        ticket.generation * self.slots + ticket.slot
    }

    /// The call that the peer named, whether or not it is still in flight.
    #[must_use]
    #[inline]
    pub fn ticket(&self, id: u64) -> Ticket {
        Ticket { slot: id & (self.slots - 1), generation: id / self.slots }
    }

    /// Which slot the call has.
    #[must_use]
    pub fn index(&self, ticket: Ticket) -> usize {
        ticket.slot as usize
    }

    /// Frees the slot of a call that nobody waits for any more. Unless it was answered, its reply is late from now on.
    #[inline]
    pub fn exit(&self, ticket: Ticket) {
        while !self.step(ticket, WAITING, VACANT) && !self.step(ticket, ANSWERED, VACANT) {
            // In a forked child the slots are wiped.
            if self.link.state() == State::Forked {
                return;
            }
            // The leader is copying the reply.
            self.private.pause();
        }
    }

    /// The same by a caller that leads: nobody else touches its slot meanwhile.
    #[inline]
    pub fn exit_as_leader(&self, ticket: Ticket) {
        self.private.store(self.slot(ticket), ticket.word(VACANT), Ordering::Relaxed);
    }

    /// By the leader, for a reply: whether its call is still in flight. If so, the reply is put where its caller finds it, and
    /// then [`Lead::answered`] is called.
    #[must_use]
    pub fn answers(&self, ticket: Ticket) -> Option<Asleep> {
        loop {
            let seen = self.private.load(self.slot(ticket), Ordering::Relaxed);
            let asleep = seen == ticket.word(ASLEEP);
            if !asleep && seen != ticket.word(WAITING) {
                return None;
            }
            // Between the two, the caller falls asleep, wakes up, or is chosen to lead: that does not make its reply late.
            if self.private.exchange(self.slot(ticket), seen, ticket.word(FILLING)) {
                return Some(Asleep(asleep));
            }
        }
    }

    /// By the leader: the reply is in its place.
    pub fn answered(&self, ticket: Ticket, asleep: Asleep) {
        // Release, with the acquire in `load`.
        self.private.store(self.slot(ticket), ticket.word(ANSWERED), Ordering::Release);
        if asleep.0 {
            self.private.wake(self.slot(ticket));
        }
    }

    /// Whether the reply is there.
    #[must_use]
    #[inline]
    pub fn is_answered(&self, ticket: Ticket) -> bool {
        self.load(ticket) == ticket.word(ANSWERED)
    }

    /// Takes the lead, if nobody has it.
    #[inline]
    pub fn try_lead(&self) -> bool {
        // A look first: a failing exchange takes the line from whoever leads.
        self.private.load(LEAD, Ordering::Relaxed) == FREE && self.private.exchange(LEAD, FREE, HELD)
    }

    /// Gives the lead up, to a follower if there is one.
    #[inline]
    pub fn leave(&self) {
        // Release, with the acquire of the exchange in `try_lead`: what the leader did.
        self.private.store(LEAD, FREE, Ordering::Release);
        // Closes the race of the module docs, with the fence in `follow`.
        self.private.fence();
        if self.private.load(FOLLOWERS, Ordering::Relaxed) > 0 {
            self.wake_one();
        }
    }

    #[cold]
    fn wake_one(&self) {
        for slot in (0..self.slots as usize).map(|slot| SLOTS + slot * LINE) {
            let seen = self.private.load(slot, Ordering::Relaxed);
            if seen & STATES == ASLEEP && self.private.exchange(slot, seen, seen & !STATES | WAITING) {
                return self.private.wake(slot);
            }
        }
    }

    /// Waits until the reply is there, or this thread leads, or the deadline has passed.
    pub fn follow(&self, ticket: Ticket, deadline: Deadline) -> Followed {
        loop {
            if self.is_answered(ticket) {
                return Followed::Answered;
            }
            if self.try_lead() {
                return Followed::Leads;
            }
            if deadline.passed() || self.link.state() == State::Forked {
                return Followed::Expired;
            }
            if self.sleeps && self.link.is_alive() {
                if self.sleep(ticket, deadline) {
                    return Followed::Leads;
                }
            } else {
                // Whoever leads will soon have found out that the peer is dead.
                self.private.pause();
            }
        }
    }

    /// Sleeps as a follower, unless the lead is free; whether this thread leads now.
    fn sleep(&self, ticket: Ticket, deadline: Deadline) -> bool {
        self.count(1);
        let mut lead = false;
        if self.step(ticket, WAITING, ASLEEP) {
            // Closes the race of the module docs, with the fence in `leave`.
            self.private.fence();
            lead = self.try_lead();
            if !lead {
                let (memory, slot) = (&*self.private, self.slot(ticket));
                memory.sleep(slot, ticket.word(ASLEEP), self.link.alive(), deadline);
            }
            // Not if it was answered, or woken to lead.
            self.step(ticket, ASLEEP, WAITING);
        } else {
            // The leader is putting the reply down.
            self.private.pause();
        }
        self.count(1_u64.wrapping_neg());
        lead
    }

    fn count(&self, change: u64) {
        loop {
            let seen = self.private.load(FOLLOWERS, Ordering::Relaxed);
            if self.private.exchange(FOLLOWERS, seen, seen.wrapping_add(change)) {
                return;
            }
        }
    }
}

const STATES: u64 = (1 << STATE_BITS) - 1;

/// Whether the caller that is being answered sleeps.
#[derive(Clone, Copy, Debug)]
#[must_use = "the caller waits until `answered` is called"]
pub struct Asleep(bool);

impl Ticket {
    fn word(self, state: u64) -> u64 {
        self.generation << STATE_BITS | state
    }
}

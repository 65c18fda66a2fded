//! Calls in flight in loom's memory: what the models of the lead start from.

use std::cell::{Cell, RefCell};
use std::iter;
use std::rc::Rc;

use loom::cell::UnsafeCell;
use twinring::Deadline;
use twinring::memory::{Memory, Ordering, Own};
use twinring::session::lead::{Followed, Lead, Ticket};
use twinring::wait::Link;

use crate::memory::{Family, Fences, Role, Side, Words};
use crate::mutant::Mutant;
use crate::mutation::Mutation;

/// Calls in flight at once: a power of two.
const SLOTS: u64 = 2;

/// Words in a cache line, as the lead lays them out.
const LINE: usize = 8;

/// What the threads of a model share; each gets a [`Caller`] before they start.
#[derive(Debug)]
pub struct Calls {
    family: Rc<Family>,
    mutation: Mutation,
    lead: Words,
    inbox: Rc<Inbox>,
    places: Rc<[Place]>,
    callers: Cell<usize>,
}

impl Calls {
    /// Nobody leads, and no call is in flight; the first so many sleeps are ended by signals.
    #[must_use]
    pub fn new(mutation: Mutation, signals: u32) -> Self {
        let family = Family::new(Fences::Refused, signals);
        let words = |number, roles: Vec<Role>| {
            Words::new(&family, number, Side::Receiver, roles.into_iter().map(|role| (role, 0)))
        };
        let roles = [Role::Lead, Role::Followers].into_iter().chain(iter::repeat(Role::Slot));
        let spread = |role| iter::once(role).chain(iter::repeat_n(Role::Plain, LINE - 1));
        let lead = words(0, roles.flat_map(spread).take(Lead::<Mutant>::words(SLOTS)).collect());
        let come = Mutant::private(words(1, vec![Role::Plain]), mutation);
        let inbox = Inbox { access: UnsafeCell::new(()), taken: Cell::new(0), come, replies: RefCell::default() };
        let places = (0..SLOTS).map(|_| Place::default()).collect();
        Self { family, mutation, lead, inbox: Rc::new(inbox), places, callers: Cell::new(0) }
    }

    /// Once all threads have gone: nobody is counted as a follower.
    pub fn check_left(&self) {
        let followers = self.lead.load(LINE, Ordering::Relaxed);
        assert_eq!(followers, 0, "followers that have gone are still counted");
    }

    /// What one thread has in hand.
    #[must_use]
    pub fn caller(&self) -> Caller {
        let number = self.callers.replace(self.callers.get() + 1);
        let link = Words::new(&self.family, 2 + number, Side::Receiver, iter::once((Role::Link, 0)));
        let clock = Mutant::private(link, self.mutation);
        Caller {
            lead: Lead::new(
                Own::new(Mutant::private(self.lead.clone(), self.mutation)),
                Link::new(Own::new(clock.clone()), 0),
                SLOTS,
                true,
            ),
            clock,
            inbox: Rc::clone(&self.inbox),
            places: Rc::clone(&self.places),
        }
    }
}

/// The replies, of which the leader alone takes the next one.
#[derive(Debug)]
struct Inbox {
    /// Opened by whoever leads: two at a time are a causality violation.
    access: UnsafeCell<()>,
    taken: Cell<usize>,
    /// How many have come, in its only word.
    come: Mutant,
    replies: RefCell<Vec<Reply>>,
}

/// A reply: which call it names, and what it says.
#[derive(Clone, Copy, Debug)]
struct Reply {
    id: u64,
    text: u64,
}

const COME: usize = 0;

impl Inbox {
    /// By the peer, of which there is one at a time.
    fn post(&self, reply: Reply) {
        self.replies.borrow_mut().push(reply);
        let come = self.come.load(COME, Ordering::Relaxed);
        self.come.store(COME, come + 1, Ordering::Release);
        self.come.wake(COME);
    }

    /// By the leader: the next reply, if it has come, and how many have.
    fn look(&self) -> (Option<Reply>, u64) {
        self.access.with_mut(|_| ());
        let come = self.come.load(COME, Ordering::Acquire);
        let taken = self.taken.get();
        if come == taken as u64 {
            return (None, come);
        }
        self.taken.set(taken + 1);
        (Some(self.replies.borrow()[taken]), come)
    }

    /// By the leader: the next reply, sleeping for it.
    fn next(&self) -> Reply {
        loop {
            match self.look() {
                (Some(reply), _) => return reply,
                (None, come) => self.come.sleep(COME, come, (&self.come, COME, come), Deadline::NEVER),
            }
        }
    }
}

/// Where a reply is put by who receives it for another: no lock of its own.
#[derive(Debug, Default)]
struct Place {
    access: UnsafeCell<()>,
    text: Cell<Option<u64>>,
}

impl Place {
    fn put(&self, text: Option<u64>) {
        self.access.with_mut(|_| ());
        self.text.set(text);
    }

    fn get(&self) -> Option<u64> {
        self.access.with(|_| ());
        self.text.get()
    }
}

/// One thread: its handle to the lead, and all that the threads share.
#[derive(Debug)]
pub struct Caller {
    lead: Lead<Mutant>,
    clock: Mutant,
    inbox: Rc<Inbox>,
    places: Rc<[Place]>,
}

impl Caller {
    /// A call, in the first slot that is free.
    #[must_use]
    pub fn begin(&self) -> Ticket {
        self.lead.enter(&mut 0, SLOTS).expect("a slot is free")
    }

    /// The peer answers the call.
    pub fn post(&self, ticket: Ticket, text: u64) {
        self.inbox.post(Reply { id: self.lead.id(ticket), text });
    }

    /// What a later thread needs to have this one's time run out.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock(self.clock.clone())
    }

    /// Waits for the reply, which must say this; `false` if the time has run out.
    pub fn wait(&self, ticket: Ticket, text: u64) -> bool {
        match self.lead.follow(ticket, Deadline::NEVER) {
            Followed::Answered => self.collect(ticket, text),
            Followed::Leads => {
                self.lead_until(ticket, text);
                self.lead.leave();
            }
            Followed::Expired => {
                self.lead.exit(ticket);
                return false;
            }
        }
        true
    }

    fn lead_until(&self, ticket: Ticket, text: u64) {
        while !self.lead.is_answered(ticket) {
            let reply = self.inbox.next();
            if reply.id == self.lead.id(ticket) {
                check(Some(reply.text), text);
                return self.lead.exit_as_leader(ticket);
            }
            self.deliver(reply);
        }
        self.collect(ticket, text);
    }

    fn deliver(&self, reply: Reply) {
        let ticket = self.lead.ticket(reply.id);
        if let Some(asleep) = self.lead.answers(ticket) {
            self.places[self.lead.index(ticket)].put(Some(reply.text));
            self.lead.answered(ticket, asleep);
        }
    }

    fn collect(&self, ticket: Ticket, text: u64) {
        check(self.places[self.lead.index(ticket)].get(), text);
        self.lead.exit(ticket);
    }

    /// Gives a call up. Its place is then the next call's, which may do with it what it likes.
    pub fn cancel(&self, ticket: Ticket) {
        self.lead.exit(ticket);
        self.places[self.lead.index(ticket)].put(None);
    }

    /// Takes the lead, as a thread without a call does; whether it could.
    #[must_use]
    pub fn try_lead(&self) -> bool {
        self.lead.try_lead()
    }

    /// As the leader: takes the next reply, if it has come.
    pub fn turn(&self) {
        if let (Some(reply), _) = self.inbox.look() {
            self.deliver(reply);
        }
    }

    /// Gives the lead up.
    pub fn leave(&self) {
        self.lead.leave();
    }
}

fn check(seen: Option<u64>, text: u64) {
    assert_eq!(seen, Some(text), "the reply is not this call's");
}

/// Has a thread's time run out: to give up, as a forked child does at once, is what a deadline does, too.
#[derive(Debug)]
pub struct Clock(Mutant);

impl Clock {
    /// Now.
    pub fn run_out(&self) {
        const FORKED: u64 = 0;
        self.0.store(0, FORKED, Ordering::Relaxed);
        self.0.wake(0);
    }
}

//! A value that only the leader touches.
//!
//! The lock is [`Lead`]: whoever has taken it and not yet left is the only one, in this process, and a forked child finds the
//! words of the lead wiped and the connection inert. A mutex around the value would cost two more read-modify-writes a
//! call and guard nothing that is not guarded already.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;
use core::fmt;
use core::ops::{Deref, DerefMut};

use super::lead::{Asleep, Followed, Lead, Ticket};
use crate::memory::Memory;
use crate::os::clock::Deadline;

/// The lead, and the value that comes with it.
pub(super) struct Led<M: Memory, T> {
    lead: Lead<M>,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached through a `Leader` alone, of which there is one at a time: `Lead::try_lead` and `Lead::follow`
// give the lead to one thread, with acquire, and it is given up by `Lead::leave`, with release, when the `Leader` is dropped.
// So threads hand the value on as through a mutex, which wants it to be `Send`.
unsafe impl<M: Memory + Sync, T: Send> Sync for Led<M, T> {}

/// What a wait came to.
pub(super) enum Follow<'a, M: Memory, T> {
    /// The reply is there.
    Answered,
    /// Nobody leads any more: this thread does now.
    Leads(Leader<'a, M, T>),
    /// The deadline has passed.
    Expired,
}

impl<M: Memory, T> Led<M, T> {
    pub(super) fn new(lead: Lead<M>, value: T) -> Self {
        Self { lead, value: UnsafeCell::new(value) }
    }

    /// Takes the lead, if nobody has it.
    #[inline]
    pub(super) fn try_lead(&self) -> Option<Leader<'_, M, T>> {
        self.lead.try_lead().then(|| Leader { led: self })
    }

    /// See [`Lead::follow`].
    pub(super) fn follow(&self, ticket: Ticket, deadline: Deadline) -> Follow<'_, M, T> {
        match self.lead.follow(ticket, deadline) {
            Followed::Answered => Follow::Answered,
            Followed::Leads => Follow::Leads(Leader { led: self }),
            Followed::Expired => Follow::Expired,
        }
    }

    /// See [`Lead::enter`].
    #[inline]
    pub(super) fn enter(&self, hint: &mut u64, most: u64) -> Option<Ticket> {
        self.lead.enter(hint, most)
    }

    /// See [`Lead::exit`].
    #[inline]
    pub(super) fn exit(&self, ticket: Ticket) {
        self.lead.exit(ticket);
    }

    /// See [`Lead::id`].
    #[inline]
    pub(super) fn id(&self, ticket: Ticket) -> u64 {
        self.lead.id(ticket)
    }

    /// See [`Lead::index`].
    pub(super) fn index(&self, ticket: Ticket) -> usize {
        self.lead.index(ticket)
    }

    /// See [`Lead::is_answered`].
    #[inline]
    pub(super) fn is_answered(&self, ticket: Ticket) -> bool {
        self.lead.is_answered(ticket)
    }
}

/// The lead: the value is this thread's until it is dropped.
pub(super) struct Leader<'a, M: Memory, T> {
    led: &'a Led<M, T>,
}

impl<M: Memory, T> Leader<'_, M, T> {
    /// See [`Lead::ticket`].
    pub(super) fn ticket(&self, id: u64) -> Ticket {
        self.led.lead.ticket(id)
    }

    /// See [`Lead::answers`].
    pub(super) fn answers(&self, ticket: Ticket) -> Option<Asleep> {
        self.led.lead.answers(ticket)
    }

    /// See [`Lead::answered`].
    pub(super) fn answered(&self, ticket: Ticket, asleep: Asleep) {
        self.led.lead.answered(ticket, asleep);
    }

    /// See [`Lead::exit_as_leader`].
    #[inline]
    pub(super) fn exit(&self, ticket: Ticket) {
        self.led.lead.exit_as_leader(ticket);
    }
}

impl<M: Memory, T> Deref for Leader<'_, M, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: there is one leader at a time, as said above, and it is borrowed.
        unsafe { &*self.led.value.get() }
    }
}

impl<M: Memory, T> DerefMut for Leader<'_, M, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: there is one leader at a time, as said above, and it is borrowed for as long as the result lives.
        unsafe { &mut *self.led.value.get() }
    }
}

impl<M: Memory, T> Drop for Leader<'_, M, T> {
    #[inline]
    fn drop(&mut self) {
        self.led.lead.leave();
    }
}

impl<M: Memory, T> fmt::Debug for Leader<'_, M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Leader")
    }
}

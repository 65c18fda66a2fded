//! Replies find their callers.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::channel::End;
use crate::os::clock::Deadline;
use crate::ring::Corrupt;
use crate::session::header::{LARGEST_ID, Status};
use crate::session::hello::Hello;
use crate::session::{CallError, Halt};

/// The calls of this side that have no reply yet, and what is known of the other side.
#[derive(Default)]
pub(super) struct Calls {
    table: Mutex<Table>,
    /// The other side's hello came, a call was answered, or everything has ended.
    changed: Condvar,
}

#[derive(Default)]
struct Table {
    peer: Option<Hello>,
    end: Option<End>,
    /// By id. `None` for a call whose caller gave up: it takes its place until the reply comes, because it does so at the
    /// other side.
    open: HashMap<u64, Option<Arc<Slot>>>,
    /// Slots to be used again.
    spare: Vec<Arc<Slot>>,
    last: u64,
    /// Threads that wait for a place. Others wait for what is always notified.
    waiting: usize,
}

/// Where one caller waits.
#[derive(Default)]
struct Slot {
    answer: Mutex<Reply>,
    came: Condvar,
}

#[derive(Default)]
struct Reply {
    status: Option<Result<Status, End>>,
    payload: Vec<u8>,
}

/// A call that has been given its id.
pub(super) struct Ticket {
    pub(super) id: u64,
    slot: Arc<Slot>,
}

/// Larger buffers are not kept.
const LARGEST_KEPT: usize = 1 << 20;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until the condition is notified; whether the deadline has not passed yet.
fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>, deadline: Deadline) -> (MutexGuard<'a, T>, bool) {
    match deadline.remaining() {
        None => (condition.wait(guard).unwrap_or_else(PoisonError::into_inner), true),
        Some(left) if left.is_zero() => (guard, false),
        Some(left) => (condition.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0, true),
    }
}

impl Calls {
    /// Waits for the other side's hello and for one of the places that it says it has.
    pub(super) fn enter(&self, length: usize, deadline: Deadline) -> Result<Ticket, CallError> {
        let mut table = self.await_peer(|table, peer| table.open.len() < peer.calls as usize, deadline)?;
        table.check_length(length).map_err(|largest| CallError::TooLarge { length, largest })?;
        table.last = table.last % LARGEST_ID + 1;
        let (id, slot) = (table.last, table.spare.pop().unwrap_or_default());
        table.open.insert(id, Some(Arc::clone(&slot)));
        Ok(Ticket { id, slot })
    }

    /// Waits for the other side's hello; the largest message that it takes, if this one is larger.
    pub(super) fn await_hello(&self, length: usize, deadline: Deadline) -> Result<Option<usize>, Halt> {
        let table = self.await_peer(|_, _| true, deadline).map_err(|error| match error {
            CallError::NotSent(halt) => halt,
            _ => Halt::Timeout,
        })?;
        Ok(table.check_length(length).err())
    }

    fn await_peer(
        &self,
        ready: impl Fn(&Table, Hello) -> bool,
        deadline: Deadline,
    ) -> Result<MutexGuard<'_, Table>, CallError> {
        let mut table = lock(&self.table);
        loop {
            if let Some(end) = table.end {
                return Err(CallError::NotSent(Halt::Ended(end)));
            }
            if table.peer.is_some_and(|peer| ready(&table, peer)) {
                return Ok(table);
            }
            table.waiting += 1;
            let (guard, in_time) = wait(&self.changed, table, deadline);
            table = guard;
            table.waiting -= 1;
            if !in_time {
                return Err(CallError::NotSent(Halt::Timeout));
            }
        }
    }

    /// Waits for the reply.
    pub(super) fn wait(&self, ticket: Ticket, reply: &mut Vec<u8>, deadline: Deadline) -> Result<(), CallError> {
        let mut answer = lock(&ticket.slot.answer);
        while answer.status.is_none() {
            let (guard, in_time) = wait(&ticket.slot.came, answer, deadline);
            answer = guard;
            if !in_time && answer.status.is_none() {
                drop(answer);
                match self.give_up(&ticket) {
                    true => return Err(CallError::NoReply(Halt::Timeout)),
                    // It came at this very moment.
                    false => answer = lock(&ticket.slot.answer),
                }
            }
        }
        let status = answer.status.take();
        std::mem::swap(reply, &mut answer.payload);
        if answer.payload.capacity() > LARGEST_KEPT {
            answer.payload = Vec::new();
        }
        drop(answer);
        lock(&self.table).spare.push(ticket.slot);
        match status {
            Some(Ok(Status::Ok)) => Ok(()),
            Some(Ok(status)) => Err(CallError::from_reply(status, reply)),
            Some(Err(end)) => Err(CallError::NoReply(Halt::Ended(end))),
            None => Err(CallError::NotAnswered),
        }
    }

    /// Whether the call is still without a reply: the place stays taken.
    fn give_up(&self, ticket: &Ticket) -> bool {
        lock(&self.table).open.get_mut(&ticket.id).is_some_and(|slot| slot.take().is_some())
    }

    /// Forgets a call that was not sent.
    pub(super) fn forget(&self, ticket: &Ticket) {
        lock(&self.table).open.remove(&ticket.id);
    }

    /// Gives a reply to whom it belongs; its buffer is exchanged for another one.
    pub(super) fn deliver(&self, id: u64, status: Status, payload: &mut Vec<u8>) -> Result<(), Corrupt> {
        let slot = {
            let mut table = lock(&self.table);
            let last = table.last;
            let unknown =
                Corrupt { what: "the id of a reply, which no call waits for", seen: id, least: 1, most: last };
            let slot = table.open.remove(&id).ok_or(unknown)?;
            if table.waiting > 0 {
                self.changed.notify_all();
            }
            slot
        };
        if let Some(slot) = slot {
            slot.put(Ok(status), payload);
        }
        Ok(())
    }

    /// The other side has said what it accepts.
    pub(super) fn greet(&self, hello: Hello) {
        lock(&self.table).peer = Some(hello);
        self.changed.notify_all();
    }

    /// What the other side accepts.
    pub(super) fn peer(&self) -> Option<Hello> {
        lock(&self.table).peer
    }

    /// Nothing more will come: everybody is told. The first reason stays.
    pub(super) fn end(&self, end: End) {
        let mut table = lock(&self.table);
        let end = *table.end.get_or_insert(end);
        let open: Vec<_> = table.open.drain().filter_map(|(_, slot)| slot).collect();
        drop(table);
        self.changed.notify_all();
        open.iter().for_each(|slot| slot.put(Err(end), &mut Vec::new()));
    }

    /// How it ended, if it has.
    pub(super) fn ended(&self) -> Option<End> {
        lock(&self.table).end
    }

    /// Waits for the end.
    pub(super) fn await_end(&self) -> End {
        let mut table = lock(&self.table);
        loop {
            if let Some(end) = table.end {
                return end;
            }
            table = wait(&self.changed, table, Deadline::NEVER).0;
        }
    }
}

impl Table {
    fn check_length(&self, length: usize) -> Result<(), usize> {
        match self.peer {
            Some(peer) if length as u64 > peer.largest => Err(peer.largest as usize),
            _ => Ok(()),
        }
    }
}

impl Slot {
    fn put(&self, status: Result<Status, End>, payload: &mut Vec<u8>) {
        let mut answer = lock(&self.answer);
        answer.status = Some(status);
        std::mem::swap(&mut answer.payload, payload);
        drop(answer);
        self.came.notify_one();
    }
}

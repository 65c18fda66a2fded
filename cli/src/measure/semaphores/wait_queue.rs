//! The wait queue: what a listener has read, for the threads that wait for it. A mutex and a condition, as ever.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The most that wait at a time.
const LONGEST: usize = 100;

/// What a packet said.
#[derive(Debug)]
pub struct Entry {
    /// Of which call it is.
    pub sequence: u32,
    /// Its bytes.
    pub payload: Vec<u8>,
}

/// Entries in the order in which they came.
#[derive(Debug, Default)]
pub struct WaitQueue {
    entries: Mutex<Entries>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Entries {
    waiting: VecDeque<Entry>,
    closed: bool,
}

impl WaitQueue {
    /// Adds an entry and wakes everybody. The original drops what does not fit, and the caller waits for ever; here `false`
    /// says so.
    pub fn push(&self, entry: Entry) -> bool {
        let mut entries = self.lock();
        if entries.waiting.len() == LONGEST {
            return false;
        }
        entries.waiting.push_back(entry);
        drop(entries);
        self.arrived.notify_all();
        true
    }

    /// Takes the first entry that is `wanted`, once there is one; `None` once the queue is closed.
    pub fn take(&self, wanted: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let mut entries = self.lock();
        while !entries.closed {
            if let Some(at) = entries.waiting.iter().position(&wanted) {
                return entries.waiting.remove(at);
            }
            entries = self.arrived.wait(entries).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    /// Lets nobody wait any more.
    pub fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(sequence: u32) -> Entry {
        Entry { sequence, payload: Vec::new() }
    }

    #[test]
    fn entries_leave_in_order_unless_one_is_asked_for() {
        let queue = WaitQueue::default();
        assert!((1..=3).all(|sequence| queue.push(entry(sequence))));
        let taken = |entry: Option<Entry>| entry.map(|entry| entry.sequence);
        assert_eq!(taken(queue.take(|entry| entry.sequence == 2)), Some(2));
        assert_eq!(taken(queue.take(|_| true)), Some(1));
        assert_eq!(taken(queue.take(|_| true)), Some(3));
    }

    #[test]
    fn what_does_not_fit_is_refused_and_nobody_waits_after_the_end() {
        let queue = WaitQueue::default();
        assert!((0..100).all(|sequence| queue.push(entry(sequence))));
        assert!(!queue.push(entry(100)));
        queue.close();
        assert!(queue.take(|_| true).is_none());
    }
}

//! Where the sides of a model sleep: what a futex does, with loom's mutex and condition variable.

use loom::sync::{Condvar, Mutex, MutexGuard};

/// A word that can be slept on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The memory's number in its family.
    pub memory: usize,
    /// The word's index.
    pub word: usize,
}

/// The sleepers of a family.
#[derive(Debug)]
pub struct Bed {
    sleepers: Mutex<Sleepers>,
    woken: Condvar,
}

#[derive(Debug, Default)]
struct Sleepers {
    asleep: Vec<Sleep>,
    tickets: u64,
}

#[derive(Debug)]
struct Sleep {
    ticket: u64,
    on: [Address; 2],
}

impl Bed {
    /// Nobody sleeps.
    #[must_use]
    pub fn new() -> Self {
        Self { sleepers: Mutex::new(Sleepers::default()), woken: Condvar::new() }
    }

    /// Sleeps until one of the words is woken, unless they have changed. As in a futex, the words are compared under the
    /// lock that a waker takes: a wake that follows a store is never missed.
    pub fn sleep(&self, on: [Address; 2], unchanged: impl FnOnce() -> bool) {
        let mut sleepers = self.lock();
        if unchanged() {
            sleepers.tickets += 1;
            let ticket = sleepers.tickets;
            sleepers.asleep.push(Sleep { ticket, on });
            while sleepers.asleep.iter().any(|sleep| sleep.ticket == ticket) {
                sleepers = self.woken.wait(sleepers).expect("no sleeper panics");
            }
        }
    }

    /// Wakes who sleeps on the word, and nobody else.
    pub fn wake(&self, address: Address) {
        let mut sleepers = self.lock();
        let before = sleepers.asleep.len();
        sleepers.asleep.retain(|sleep| !sleep.on.contains(&address));
        if sleepers.asleep.len() < before {
            self.woken.notify_all();
        }
    }

    /// Wakes who has slept on the word for longest, and nobody else.
    pub fn wake_one(&self, address: Address) {
        let mut sleepers = self.lock();
        if let Some(first) = sleepers.asleep.iter().position(|sleep| sleep.on.contains(&address)) {
            sleepers.asleep.remove(first);
            self.woken.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sleepers> {
        self.sleepers.lock().expect("no sleeper panics")
    }
}

impl Default for Bed {
    fn default() -> Self {
        Self::new()
    }
}

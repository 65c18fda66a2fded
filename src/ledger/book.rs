//! The ledger of this process: its memory, and which entries are free.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::guard;
use super::latency::bucket;
use super::layout::*;
use crate::memory::{Counts, MapError, Mapped, Memory, Ordering, Own, WORD};
use crate::os::credentials::Credentials;
use crate::os::memfd;

/// The ledger of this process.
pub(crate) struct Book {
    memory: Own<Mapped>,
    /// Open for reading alone.
    file: OwnedFd,
    entries: usize,
    process: u32,
    inside: Mutex<Inside>,
}

struct Inside {
    free: Vec<usize>,
    /// What is looked at when somebody asks: a word each, and where it goes.
    gauges: HashMap<usize, Gauge>,
    unlisted: u64,
}

type Gauge = Box<dyn Fn() -> u64 + Send>;

/// The ledger that connections of this process are entered in, while anybody holds it.
static CURRENT: Mutex<Weak<Book>> = Mutex::new(Weak::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What an entry says of its connection.
pub(crate) struct Identity<'a> {
    pub(crate) side: u64,
    pub(crate) peer: Credentials,
    /// Bytes of the ring that this side sends through, and of the peer's.
    pub(crate) rings: [u64; 2],
    pub(crate) carried: bool,
    pub(crate) endpoint: &'a str,
}

/// Enters a connection in the ledger of this process, if it has one with room.
pub(crate) fn enter(identity: &Identity<'_>) -> Option<Entry> {
    let book = lock(&CURRENT).upgrade();
    match book {
        Some(book) if book.process == std::process::id() => book.enter(identity),
        // The parent's: it is not ours to give up, either.
        inherited => {
            std::mem::forget(inherited);
            None
        }
    }
}

impl Book {
    /// The ledger of this process: the one that there is, or a new one with so many entries.
    pub(crate) fn open(entries: usize) -> io::Result<Arc<Self>> {
        let mut current = lock(&CURRENT);
        match current.upgrade() {
            Some(book) if book.process == std::process::id() => Ok(book),
            inherited => {
                std::mem::forget(inherited);
                let book = Arc::new(Self::new(entries.clamp(1, MOST_ENTRIES))?);
                *current = Arc::downgrade(&book);
                Ok(book)
            }
        }
    }

    fn new(entries: usize) -> io::Result<Self> {
        let bytes = entry(entries) * WORD;
        let file = memfd::create(false)?;
        memfd::allocate(file.as_fd(), bytes)?;
        let memory = Mapped::inherited(file.as_fd(), bytes).map_err(|error: MapError| io::Error::other(error))?;
        let process = std::process::id();
        let header = [(HEADER_VERSION, VERSION), (HEADER_ENTRIES, entries as u64), (HEADER_PAGE, PAGE as u64)];
        for (word, value) in header.into_iter().chain([(HEADER_PID, process.into()), (0, MAGIC)]) {
            memory.store(word, value, Ordering::Relaxed);
        }
        memfd::seal(file.as_fd())?;
        let inside = Inside { free: (0..entries).rev().collect(), gauges: HashMap::new(), unlisted: 0 };
        Ok(Self { memory, file: memfd::for_reading(file.as_fd())?, entries, process, inside: Mutex::new(inside) })
    }

    /// The descriptor to hand out, and how many bytes it has.
    pub(crate) fn file(&self) -> (BorrowedFd<'_>, u64) {
        (self.file.as_fd(), (entry(self.entries) * WORD) as u64)
    }

    /// Looks at what changes without being counted, for somebody who asks.
    pub(crate) fn look(&self) {
        for (&word, gauge) in &lock(&self.inside).gauges {
            self.memory.store(word, gauge(), Ordering::Relaxed);
        }
    }

    fn enter(self: Arc<Self>, identity: &Identity<'_>) -> Option<Entry> {
        let free = {
            let mut inside = lock(&self.inside);
            let free = inside.free.pop();
            inside.unlisted += u64::from(free.is_none());
            self.memory.store(HEADER_UNLISTED, inside.unlisted, Ordering::Relaxed);
            free
        };
        let entry = Entry { number: free?, book: self };
        entry.write(identity);
        Some(entry)
    }
}

/// A connection's place in the ledger, free again when this is dropped.
pub(crate) struct Entry {
    book: Arc<Book>,
    number: usize,
}

impl Entry {
    fn word(&self, word: usize) -> usize {
        entry(self.number) + word
    }

    fn set(&self, word: usize, value: u64) {
        self.book.memory.store(self.word(word), value, Ordering::Relaxed);
    }

    fn write(&self, identity: &Identity<'_>) {
        let generation = self.word(GENERATION);
        guard::withdraw(&self.book.memory, generation);
        (1..PAGE).for_each(|word| self.set(word, 0));
        self.set(SIDE, identity.side);
        let Credentials { pid, uid, gid } = identity.peer;
        for (word, known) in PEER.zip([pid, uid, gid]) {
            self.set(word, known.map_or(u64::MAX, u64::from));
        }
        RINGS.zip(identity.rings).for_each(|(word, bytes)| self.set(word, bytes));
        self.set(CARRIED, identity.carried.into());
        self.set(IN_FLIGHT, u64::MAX);
        let name = identity.endpoint.as_bytes();
        let name = &name[..name.len().min(LONGEST_NAME)];
        self.set(NAME_LENGTH, name.len() as u64);
        self.book.memory.copy_in(self.word(NAME.start) * WORD, name);
        guard::publish(&self.book.memory, generation);
    }

    /// A line of counters of this entry.
    pub(crate) fn line(&self, line: usize) -> Counts {
        Counts::mapped(&self.book.memory, self.word(line))
    }

    /// Says what is built on the connection.
    pub(crate) fn build(&self, bits: u64) {
        self.set(BUILT, bits);
    }

    /// Has a word be looked at when somebody asks.
    pub(crate) fn gauge(&self, word: usize, look: impl Fn() -> u64 + Send + 'static) {
        lock(&self.book.inside).gauges.insert(self.word(word), Box::new(look));
    }

    /// Notes how long a call took. Any thread may.
    pub(crate) fn record(&self, nanos: u64) {
        let (memory, word) = (&self.book.memory, self.word(LATENCY.start + bucket(nanos)));
        loop {
            let seen = memory.load(word, Ordering::Relaxed);
            if memory.exchange(word, seen, seen.wrapping_add(1)) {
                return;
            }
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        // In a forked child the entry is the parent's, and a lock may be held for ever.
        if self.book.process != std::process::id() {
            return;
        }
        guard::withdraw(&self.book.memory, self.word(GENERATION));
        let first = entry(self.number);
        let mut inside = lock(&self.book.inside);
        let gauges = [OCCUPIED, IN_FLIGHT].map(|word| inside.gauges.remove(&(first + word)));
        inside.free.push(self.number);
        drop(inside);
        // What they hold may have something to do when it goes.
        drop(gauges);
    }
}

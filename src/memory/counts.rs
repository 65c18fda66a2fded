//! Counters of one end of a connection: a cache line with one writer, on the heap or in a mapping.
//!
//! A counter is a relaxed load and a relaxed store of its one writer, which processors do in one plain instruction; who else
//! reads it sees some value that it had. Where the line lies costs the writer nothing: it is reached through a pointer in both
//! cases.
//!
//! What this file assumes, and who keeps it true: `line` points to a whole line that lives as long as `_keeper`, which is what
//! it lies in; nobody makes a reference to its words but to atomics.
#![allow(unsafe_code)]

use core::any::Any;
use core::fmt;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use super::{Mapped, Memory, Own, WORD};

/// Words in a line: two cache lines, which processors fetch together.
pub const COUNTS: usize = 16;

/// What is counted. Its number is its place in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Messages sent, or received and released.
    Messages = 0,
    /// Bytes of their payloads.
    Bytes = 1,
    /// How far the ring was committed, in words.
    Position = 2,
    /// How often there was no room, and it had to be waited for.
    TimesFull = 3,
    /// How often this end slept.
    Sleeps = 4,
    /// How often it woke the other side.
    Wakes = 5,
    /// Calls of this side that were sent.
    Calls = 6,
    /// Events of this side that were sent.
    Events = 7,
    /// Calls of the other side that were answered.
    Served = 8,
    /// Events of the other side that were handled.
    EventsTaken = 9,
    /// Replies whose callers had given up.
    LateReplies = 10,
}

#[derive(Default)]
#[repr(C, align(128))]
struct Line([AtomicU64; COUNTS]);

/// A line of counters; a clone is another handle to it. One thread at a time counts.
#[derive(Clone)]
pub struct Counts {
    line: NonNull<Line>,
    _keeper: Arc<dyn Any + Send + Sync>,
}

// SAFETY: the line is kept alive by `_keeper` on whatever thread, and reached as atomics only.
unsafe impl Send for Counts {}
// SAFETY: as above.
unsafe impl Sync for Counts {}

impl Default for Counts {
    /// A line of this process's heap, of zeros.
    fn default() -> Self {
        let line = Arc::new(Line::default());
        Self { line: NonNull::from(&*line), _keeper: line }
    }
}

impl Counts {
    /// The line in `memory` that begins with `word`.
    ///
    /// # Panics
    ///
    /// If no line begins there.
    pub(crate) fn mapped(memory: &Own<Mapped>, word: usize) -> Self {
        assert!(word % COUNTS == 0 && word + COUNTS <= memory.words(), "no line begins at word {word}");
        let line = memory.pointer(word * WORD, COUNTS * WORD).cast::<Line>();
        Self { line, _keeper: Arc::new(memory.clone()) }
    }

    #[inline(always)]
    fn word(&self, count: Count) -> &AtomicU64 {
        // SAFETY: the line lives as long as `self`, and is only ever used as atomics.
        let line = unsafe { self.line.as_ref() };
        &line.0[count as usize]
    }

    /// What was counted.
    #[must_use]
    #[inline]
    pub fn get(&self, count: Count) -> u64 {
        self.word(count).load(Ordering::Relaxed)
    }

    /// Counts `more`. Only one thread at a time may.
    #[inline(always)]
    pub fn add(&self, count: Count, more: u64) {
        self.set(count, self.get(count).wrapping_add(more));
    }

    /// Says how far it is. Only one thread at a time may.
    #[inline(always)]
    pub fn set(&self, count: Count, value: u64) {
        self.word(count).store(value, Ordering::Relaxed);
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: the line lives as long as `self`, and is only ever used as atomics.
        let line = unsafe { self.line.as_ref() };
        f.debug_tuple("Counts").field(&line.0).finish()
    }
}

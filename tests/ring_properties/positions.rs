//! The model of room.

use std::collections::VecDeque;

use twinring::memory::WORD;

/// Words in a frame.
fn frame(length: usize) -> u64 {
    1 + length.div_ceil(WORD) as u64
}

/// Where things lie, by the rules of the ring alone.
#[derive(Debug)]
pub struct Positions {
    pub capacity: u64,
    lazy: u64,
    pub tail: u64,
    pub head: u64,
    /// Up to where the producer has been told for certain.
    pub told: u64,
    /// Where each unread frame starts and ends.
    frames: VecDeque<(u64, u64)>,
}

/// Whether a claim has to succeed.
#[derive(Debug, PartialEq, Eq)]
pub enum Room {
    Certain,
    Possible,
    Impossible,
}

impl Positions {
    pub fn new((capacity, lazy): (u64, u64)) -> Self {
        Self { capacity, lazy, tail: 0, head: 0, told: 0, frames: VecDeque::new() }
    }

    /// Where a frame after `position` starts: it is contiguous.
    fn start(&self, position: u64, length: usize) -> u64 {
        let to_end = self.capacity - position % self.capacity;
        if frame(length) <= to_end { position } else { position + to_end }
    }

    /// There has to be room for the frame and a word more, before the oldest unread one.
    pub fn room(&self, length: usize) -> Room {
        let end = self.start(self.tail, length) + frame(length);
        let oldest = self.frames.front().map_or(self.head, |&(start, _)| start);
        if end < self.told + self.capacity {
            Room::Certain
        } else if end < oldest + self.capacity {
            Room::Possible
        } else {
            Room::Impossible
        }
    }

    /// # Panics
    ///
    /// If `had` says that there was room where there can be none, or the other way round.
    pub fn assert_room(&self, length: usize, had: bool) {
        let wrong = if had { Room::Impossible } else { Room::Certain };
        assert_ne!(self.room(length), wrong, "{length} bytes: {self:?}");
    }

    /// Room for `claimed` bytes became a frame of the first `kept`.
    pub fn push(&mut self, claimed: usize, kept: usize) {
        let start = self.start(self.tail, claimed);
        self.tail = start + frame(kept);
        self.frames.push_back((start, self.tail));
    }

    /// The oldest frame was released.
    pub fn pop(&mut self) {
        (_, self.head) = self.frames.pop_front().expect("a frame");
    }

    /// The consumer told of what it has released, at least up to fewer than `lazy` words.
    pub fn tell_lazily(&mut self) {
        self.told = self.told.max(self.head.saturating_sub(self.lazy - 1));
    }

    /// The consumer told of all that it has released.
    pub fn tell(&mut self) {
        self.told = self.head;
    }
}

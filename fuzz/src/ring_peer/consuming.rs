//! The consumer's steps.

use twinring::memory::{Memory, Ordering, WORD};
use twinring::ring::PeekError;

use super::super::oracle::{self, Look};
use super::World;

impl World {
    pub(super) fn look_twice(&mut self) {
        for _ in 0..2 {
            let found = self.consumer.look();
            let position = self.agree_on_look(found.map(|span| span.length()));
            assert_eq!(found.ok().map(|span| span.offset()), position.map(|position| self.payload_offset(position)));
        }
    }

    pub(super) fn look_and_release(&mut self) {
        let found = self.consumer.look();
        let position = self.agree_on_look(found.map(|span| span.length()));
        if let (Some(position), Ok(span)) = (position, found) {
            let mut got = vec![0; span.length()];
            self.consumer.copy_out(span, 0, &mut got);
            self.consumer.release(span);
            self.released(position, &got);
        }
    }

    pub(super) fn peek(&mut self) {
        let mut got = Vec::new();
        let found = self.consumer.peek().map(|frame| {
            got.resize(frame.len(), 0);
            let (first, second) = got.split_at_mut(frame.len() / 2);
            frame.copy_to(first.len(), second);
            frame.copy_to(0, first);
        });
        self.taken(found, &got);
    }

    pub(super) fn pop(&mut self) {
        let mut got = vec![0xee; 5];
        let found = self.consumer.pop(&mut got);
        self.taken(found, &got);
    }

    fn taken(&mut self, found: Result<(), PeekError>, got: &[u8]) {
        match self.agree_on_look(found.map(|()| got.len())) {
            Some(position) => {
                self.released(position, got);
                self.assert_published(self.layout.lazy - 1);
            }
            None => self.assert_published(0),
        }
    }

    /// Whether the consumer's result is the oracle's; the position of the frame, if there is one.
    fn agree_on_look(&mut self, found: Result<usize, PeekError>) -> Option<u64> {
        let expected = self.reader.look(&self.to_consumer.heard());
        self.assert_is_queue(expected);
        match (expected, found) {
            (Look::Frame { position, length }, Ok(found)) if found == length => return Some(position),
            (Look::Empty, Err(PeekError::Empty)) => return None,
            (Look::Finished, Err(PeekError::Finished)) => {}
            (Look::Corrupt, Err(PeekError::Corrupt(corrupt))) => oracle::assert_explains(corrupt),
            (expected, found) => panic!("{found:?}, not {expected:?}"),
        }
        assert_eq!(Err(*self.ended.get_or_insert(found.unwrap_err())), found, "another end than before");
        None
    }

    /// As long as nobody lied, what is found is what the queue says.
    fn assert_is_queue(&self, found: Look) {
        let queued = self.model.front().map(Vec::len);
        let agrees = match found {
            Look::Frame { length, .. } => queued == Some(length),
            Look::Empty => queued.is_none() && !self.finished,
            Look::Finished => queued.is_none() && self.finished,
            Look::Corrupt => false,
        };
        assert!(agrees || !self.honest(), "{found:?}, but the next message has {queued:?} bytes");
    }

    fn payload_offset(&self, position: u64) -> usize {
        (self.layout.word(position) + 1) * WORD
    }

    /// What was read is what lies there and, as long as nobody lied, what was sent.
    fn released(&mut self, position: u64, got: &[u8]) {
        let mut lies_there = vec![0; got.len()];
        self.ring.copy_out(self.payload_offset(position), &mut lies_there);
        assert_eq!(got, lies_there, "read elsewhere");
        let sent = self.model.pop_front();
        assert!(!self.honest() || sent.as_deref() == Some(got), "{got:?}, not {sent:?}");
        self.reader.release(got.len());
    }

    pub(super) fn publish(&mut self) {
        self.consumer.publish();
        self.assert_published(0);
        assert!(!self.consumer.publish(), "published twice");
    }

    /// Rule 5: at most so many words are withheld. Says nothing once somebody else wrote the head.
    fn assert_published(&self, withheld: u64) {
        let (shared, head) = (self.head.load(self.layout.head, Ordering::Relaxed), self.reader.head);
        let enough = shared <= head && head - shared <= withheld;
        assert!(enough || self.head_poked, "published {shared} of {head}, {withheld} may be withheld");
    }
}

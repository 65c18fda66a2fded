//! The producer's steps.

use twinring::ring::ReserveError;

use super::super::oracle::{self, Room, frame_words};
use super::{Size, World, words};

impl World {
    pub(super) fn push(&mut self, size: Size) {
        let length = self.bytes(size);
        let before = words(&self.ring);
        // What is too large is refused before it is looked at: it need not exist.
        let message = self.message(length.min(self.layout.largest() + 1));
        let room = self.producer.push(&message);
        let Some(start) = self.agree_on_room(message.len(), room) else {
            assert_eq!(before, words(&self.ring), "a refused message was written");
            return;
        };
        self.assert_committed(&before, start, length, length);
        self.model.push_back(message);
    }

    pub(super) fn reserve(&mut self, size: Size, keep: Option<u8>) {
        let length = self.bytes(size);
        let before = words(&self.ring);
        let mut message = self.message(length.min(self.layout.largest()));
        let kept = keep.map(|keep| message.len() * usize::from(keep) / 255);
        let room = self.producer.reserve(length).map(|mut reservation| {
            let half = message.len() / 2;
            reservation.write_at(half, &message[half..]);
            reservation.write_at(0, &message[..half]);
            if let Some(kept) = kept {
                reservation.commit_first(kept);
            }
        });
        let Some(start) = self.agree_on_room(length, room) else { return };
        match kept {
            Some(kept) => {
                self.assert_committed(&before, start, length, kept);
                message.truncate(kept);
                self.model.push_back(message);
            }
            None => self.assert_wrote(&before, &self.payload(start, length)),
        }
    }

    /// Whether the producer's result is the oracle's; where the room starts, if there is any.
    fn agree_on_room(&mut self, length: usize, room: Result<(), ReserveError>) -> Option<u64> {
        let expected = self.writer.claim(length, &self.to_producer.heard());
        assert!(expected != Room::Corrupt || !self.honest(), "an honest head was refused");
        match (expected, room) {
            (Room::At(start), Ok(())) => return Some(start),
            (Room::Full, Err(ReserveError::Full)) => {}
            (Room::TooLarge, Err(ReserveError::TooLarge { length: asked, largest })) => {
                assert_eq!((asked, largest), (length, self.layout.largest()));
            }
            (Room::Corrupt, Err(ReserveError::Corrupt(corrupt))) => {
                oracle::assert_explains(corrupt);
                assert_eq!(*self.refused.get_or_insert(corrupt), corrupt, "another error than before");
            }
            (expected, room) => panic!("{length} bytes: {room:?}, not {expected:?}"),
        }
        None
    }

    fn payload(&self, start: u64, length: usize) -> Vec<usize> {
        (start + 1..start + frame_words(length)).map(|position| self.layout.word(position)).collect()
    }

    /// Rules 1 to 4, by what stands in memory after a commit.
    fn assert_committed(&mut self, before: &[u64], start: u64, claimed: usize, kept: usize) {
        let (layout, tail) = (self.layout, self.writer.tail);
        self.writer.commit(start, kept);
        let end = self.writer.tail;
        let now = words(&self.ring);
        assert_eq!(now[layout.word(start)], 1 << 32 | kept as u64, "the header");
        assert!(start == tail || now[layout.word(tail)] == 2 << 32, "no skip at the tail");
        // A poked word is not what the producer left there.
        assert!(now[layout.word(end)] == 0 || self.ring_poked, "the next header");
        let mut allowed = self.payload(start, claimed);
        allowed.extend([tail, start, end].map(|position| layout.word(position)));
        let ahead = (end / 8 + 1) * 8;
        if ahead < self.writer.head + layout.capacity {
            allowed.push(layout.word(ahead));
        }
        self.assert_wrote(before, &allowed);
        for position in self.writer.head..tail {
            let word = layout.word(position);
            assert_eq!(before[word], now[word], "the unreleased position {position} was overwritten");
        }
    }

    fn assert_wrote(&self, before: &[u64], allowed: &[usize]) {
        for (word, (before, now)) in before.iter().zip(words(&self.ring)).enumerate() {
            assert!(*before == now || allowed.contains(&word), "word {word} was written, allowed are {allowed:?}");
        }
    }

    pub(super) fn finish(&mut self) {
        let before = words(&self.ring);
        self.producer.finish();
        self.writer.finish();
        self.finished = true;
        let at = self.layout.word(self.writer.tail);
        assert_eq!(words(&self.ring)[at], 3 << 32, "the header of the end");
        self.assert_wrote(&before, &[at]);
    }
}

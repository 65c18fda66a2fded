//! One test a lie: what exactly it is called, and that it is not forgiven.

use twinring::memory::{Foreign, Heap, Hostile, Memory, Ordering, Own};
use twinring::ring::{Consumer, Corrupt, Header, PeekError, Producer, ReserveError};

use super::inputs::{GUARD, HEAD, halves};
use super::lies::{Liar, Lie};
use super::oracle::Layout;

/// The largest payload is 24 bytes: a frame of 4 words.
const LAYOUT: Layout = Layout { ring: GUARD, head: HEAD, capacity: 8, lazy: 1 };

const LARGEST: usize = 24;
const SKIP: u64 = 2 << 32;
const FIN: u64 = 3 << 32;

fn data(length: usize) -> u64 {
    Header::data(length).word()
}

struct Victim {
    consumer: Consumer<Hostile>,
    ring: Heap,
    liar: Liar,
}

impl Victim {
    /// That reads these words, from the ring's first on.
    fn of(words: &[u64]) -> Self {
        let [ring, head] = halves(LAYOUT);
        for (word, &value) in (GUARD..).zip(words) {
            ring.store(word, value, Ordering::Relaxed);
        }
        let liar = Liar::default();
        let (own, peer) = (Own::new(Hostile::honest(head)), Foreign::new(liar.shows(&ring)));
        Self { consumer: Consumer::new(own, peer, LAYOUT.geometry()), ring, liar }
    }

    /// That has read this many frames of one word, and then reads these words.
    fn after(frames: usize, words: &[u64]) -> Self {
        let mut victim = Self::of(&[[data(0)].repeat(frames), words.to_vec()].concat());
        (0..frames).for_each(|_| victim.consumer.pop(&mut Vec::new()).unwrap());
        victim
    }

    fn poke(self, offset: usize, value: u64) -> Self {
        self.ring.store(GUARD + offset, value, Ordering::Relaxed);
        self
    }

    /// The lie is found, called `what`, and remembered, even when the truth stands there later.
    fn assert_refuses(mut self, what: &str, seen: u64, allowed: std::ops::RangeInclusive<u64>) {
        let Err(PeekError::Corrupt(corrupt)) = self.consumer.look() else { panic!("believed {what} {seen:#x}") };
        let Corrupt { what: called, seen: found, least, most } = corrupt;
        assert_eq!((called, found, least..=most), (what, seen, allowed));
        assert!(corrupt.to_string().contains(what));
        (GUARD..GUARD + 8).for_each(|word| self.ring.store(word, data(0), Ordering::Relaxed));
        let again = Err(PeekError::Corrupt(corrupt));
        assert_eq!(self.consumer.look().map(drop), again);
        assert_eq!(self.consumer.peek().map(drop), again);
        assert_eq!(self.consumer.pop(&mut Vec::new()), again);
        // Nor does anybody wait for what follows.
        (GUARD..GUARD + 8).for_each(|word| self.ring.store(word, 0, Ordering::Relaxed));
        assert!(self.consumer.would_find());
    }
}

const KIND: &str = "the kind of a frame";
const LENGTH: &str = "the length of a frame";
const BEHIND: &str = "the header behind a skip";

#[test]
fn an_unknown_kind() {
    Victim::of(&[4 << 32]).assert_refuses(KIND, 4, 1..=3);
    Victim::of(&[0xff << 32]).assert_refuses(KIND, 0xff, 1..=3);
    Victim::of(&[1]).assert_refuses(KIND, 0, 1..=3);
}

#[test]
fn a_reserved_bit() {
    for bit in 40..64 {
        for kind in 0..=3 {
            let word = 1 << bit | kind << 32;
            Victim::of(&[word]).assert_refuses(KIND, word >> 32, 1..=3);
        }
    }
}

#[test]
fn a_length_over_the_largest() {
    assert!(Victim::of(&[data(LARGEST)]).consumer.look().is_ok());
    for length in [LARGEST + 1, 8 * 8, Header::LARGEST_LENGTH] {
        Victim::of(&[data(length)]).assert_refuses(LENGTH, length as u64, 0..=LARGEST as u64);
    }
}

#[test]
fn a_frame_that_overruns_the_end() {
    const WHAT: &str = "the length of a frame before the end of the ring";
    assert!(Victim::after(5, &[data(16)]).consumer.look().is_ok());
    Victim::after(5, &[data(17)]).assert_refuses(WHAT, 17, 0..=16);
    assert!(Victim::after(7, &[data(0)]).consumer.look().is_ok());
    Victim::after(7, &[data(1)]).assert_refuses(WHAT, 1, 0..=0);
}

#[test]
fn a_skip_where_there_is_nothing_to_skip() {
    Victim::of(&[SKIP]).assert_refuses("the offset of a skip", 0, 2..=7);
    Victim::after(8, &[]).poke(0, SKIP).assert_refuses("the offset of a skip", 0, 2..=7);
}

#[test]
fn a_skip_before_which_no_frame_has_room() {
    Victim::after(1, &[SKIP]).poke(0, data(0)).assert_refuses("the offset of a skip", 1, 2..=7);
}

#[test]
fn a_skip_to_a_frame_that_reaches_it() {
    Victim::after(3, &[SKIP]).poke(0, data(16)).assert_refuses("the words of a frame behind a skip", 3, 1..=2);
}

#[test]
fn a_skip_to_nothing() {
    Victim::after(5, &[SKIP]).poke(0, 0).assert_refuses(KIND, 0, 1..=3);
}

#[test]
fn a_skip_to_a_skip() {
    Victim::after(5, &[SKIP]).poke(0, SKIP).assert_refuses(BEHIND, SKIP, data(0)..=data(Header::LARGEST_LENGTH));
}

#[test]
fn a_skip_to_the_end_of_all() {
    Victim::after(5, &[SKIP]).poke(0, FIN).assert_refuses(BEHIND, FIN, data(0)..=data(Header::LARGEST_LENGTH));
}

#[test]
fn a_skip_to_what_is_no_frame() {
    Victim::after(5, &[SKIP]).poke(0, 4 << 32).assert_refuses(KIND, 4, 1..=3);
    Victim::after(5, &[SKIP]).poke(0, data(25)).assert_refuses(LENGTH, 25, 0..=LARGEST as u64);
}

#[test]
fn a_skip_or_an_end_with_a_length() {
    Victim::after(5, &[SKIP | 1]).assert_refuses(LENGTH, 1, 0..=0);
    Victim::of(&[FIN | 8]).assert_refuses(LENGTH, 8, 0..=0);
}

/// A header that is checked is not asked for again: what it says later does not matter.
#[test]
fn a_header_that_changes_after_it_was_checked() {
    let mut victim = Victim::of(&[data(8), 7]);
    victim.liar.prepare([Lie::Word(data(0)), Lie::Truth, Lie::Word(u64::MAX)]);
    let span = victim.consumer.look().unwrap();
    let &(_, last) = victim.liar.heard().last().unwrap();
    assert_eq!(data(span.length()), last);
    let mut got = vec![0; span.length()];
    victim.consumer.copy_out(span, 0, &mut got);
    victim.consumer.release(span);
    assert_eq!(got, 7_u64.to_ne_bytes()[..span.length()]);
    assert_eq!(victim.liar.heard(), [], "asked again");
}

struct Writing {
    producer: Producer<Hostile>,
    head: Heap,
    liar: Liar,
}

impl Writing {
    /// Of which this many frames of one word have been sent, and `head` words of them read.
    fn new(frames: u64, head: u64) -> Self {
        let [ring, memory] = halves(LAYOUT);
        let liar = Liar::default();
        let (own, peer) = (Own::new(Hostile::honest(ring)), Foreign::new(liar.shows(&memory)));
        let mut writing = Self { producer: Producer::new(own, peer, LAYOUT.geometry()), head: memory, liar };
        (0..frames).for_each(|_| writing.producer.push(&[]).unwrap());
        writing.say(head);
        writing.liar.heard();
        writing
    }

    fn say(&self, head: u64) {
        self.head.store(HEAD, head, Ordering::Relaxed);
    }

    fn assert_refuses(mut self, seen: u64, allowed: std::ops::RangeInclusive<u64>) {
        let Err(ReserveError::Corrupt(corrupt)) = self.producer.push(&[1; LARGEST]) else { panic!("believed {seen}") };
        let Corrupt { what, seen: found, least, most } = corrupt;
        assert_eq!((what, found, least..=most), ("the head", seen, allowed));
        self.liar.heard();
        self.say(0);
        let again = Err(ReserveError::Corrupt(corrupt));
        assert_eq!(self.producer.push(&[1; LARGEST]), again);
        assert_eq!(self.producer.push(&[]), again, "there is room, but the peer lies");
        assert_eq!(self.producer.reserve(0).map(drop), again);
        assert_eq!(self.liar.heard(), [], "looked again");
    }
}

#[test]
fn a_head_beyond_the_tail() {
    assert_eq!(Writing::new(6, 6).producer.push(&[1; LARGEST]), Ok(()));
    for head in [7, 6 + 8, 1 << 63, u64::MAX] {
        Writing::new(6, head).assert_refuses(head, 0..=6);
    }
}

#[test]
fn a_head_that_goes_backwards() {
    for back in 0..6 {
        let mut writing = Writing::new(6, 6);
        assert_eq!(writing.producer.push(&[1; LARGEST]), Ok(()), "which reads the head");
        // That was a frame of four words behind the two that were skipped.
        writing.say(back);
        writing.assert_refuses(back, 6..=12);
    }
}

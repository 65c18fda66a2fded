//! The classes of wrong values of a word: what a liar would try, in general and by what the word is for.

use std::collections::BTreeSet;

use twinring::ring::Header;
use twinring::wait::Announced;

use crate::stage::Heard;
use crate::witness::{HEAD, WORDS};

/// A wrong value, and what kind of wrong it is.
#[derive(Clone, Debug)]
pub struct Wrong {
    pub class: String,
    pub value: u64,
}

/// All of them for one read among those of an honest run, in a ring of `capacity` words whose largest payload is `largest`
/// bytes.
pub fn all(heard: &[Heard], at: usize, capacity: u64, largest: usize) -> Vec<Wrong> {
    let read = heard[at];
    let mut wrong = Collected { honest: read.honest, seen: BTreeSet::new(), all: Vec::new() };
    wrong.of_another_moment(heard, at);
    match read.word {
        _ if read.copied => {}
        HEAD => wrong.of_a_head(capacity),
        word if word == WORDS.data_announced || word == WORDS.room_announced => wrong.of_an_announcement(),
        word if word == WORDS.data_rung || word == WORDS.room_rung => wrong.of_an_answer(),
        _ => wrong.of_a_header(capacity, largest),
    }
    wrong.of_any_word(capacity);
    wrong.all
}

/// A few, from `from` on and far apart: for pairs, which are many.
pub fn few(all: &[Wrong], most: usize, from: usize) -> Vec<Wrong> {
    let step = all.len().div_ceil(most).max(1);
    all.iter().skip(from % step).step_by(step).cloned().collect()
}

struct Collected {
    honest: u64,
    seen: BTreeSet<u64>,
    all: Vec<Wrong>,
}

impl Collected {
    /// What is the truth is no lie, and what was collected is not repeated.
    fn add(&mut self, class: impl Into<String>, value: u64) {
        if value != self.honest && self.seen.insert(value) {
            self.all.push(Wrong { class: class.into(), value });
        }
    }

    /// What an honest peer says earlier or later, of this word or of others.
    fn of_another_moment(&mut self, heard: &[Heard], at: usize) {
        let same = |other: &&Heard| other.word == heard[at].word;
        if let Some(before) = heard[..at].iter().rev().filter(same).find(|other| other.honest != self.honest) {
            self.add("the value before", before.honest);
        }
        if let Some(next) = heard[at..].iter().filter(same).find(|other| other.honest != self.honest) {
            self.add("the next value", next.honest);
        }
        for other in heard {
            self.add("what another word says", other.honest);
        }
    }

    fn of_a_header(&mut self, capacity: u64, largest: usize) {
        let (largest, ring) = (largest as u64, capacity * 8);
        let lengths = [0, 1, 7, 8, 9, 15, 16, largest - 1, largest, largest + 1, largest + 8, u32::MAX.into()];
        let to_ends = (1..=capacity).map(|words| words * 8).filter(|&length| length <= 64 || length + 16 >= ring);
        for length in lengths.into_iter().chain(to_ends) {
            for (kind, name) in [(0, "no kind"), (1, "DATA"), (2, "SKIP"), (3, "FIN"), (4, "an unknown kind")] {
                let class = match kind {
                    0 | 4 => name.to_owned(),
                    _ if length == 0 => format!("{name} of nothing"),
                    _ if length <= largest => format!("{name} of some"),
                    _ => format!("{name} of too much"),
                };
                self.add(class, kind << 32 | length);
            }
        }
        for kind in 0..=4_u64 {
            (40..64).for_each(|bit| self.add(format!("kind {kind} and reserved bit {bit}"), kind << 32 | 1 << bit));
        }
        self.add("a header's successor", Header::data(largest as usize + 1).word() + (1 << 32));
    }

    fn of_a_head(&mut self, capacity: u64) {
        for distance in 1..=2 * capacity.min(16) {
            self.add(format!("ahead by {distance}"), self.honest.wrapping_add(distance));
            self.add(format!("back by {distance}"), self.honest.wrapping_sub(distance));
        }
    }

    fn of_an_announcement(&mut self) {
        let number = self.honest as u32;
        let numbers = [0, 1, 2, 3, 5, u32::MAX, u32::MAX - 1];
        let near = (-3..=3).map(|distance| number.wrapping_add_signed(distance));
        for number in numbers.into_iter().chain(near) {
            for bits in 0..8_u64 {
                let class = format!("bits {bits:#b}, {}", if number % 2 == 1 { "asleep" } else { "awake" });
                self.add(class, Announced::new(number, bits << 32).word());
            }
            self.add("a reserved bit, LIGHT", Announced::new(number, 1 << 40 | Announced::LIGHT).word());
            self.add("a reserved bit", Announced::new(number, 1 << 35).word());
        }
    }

    /// Numbers around those that are being answered, with and without what does not belong there.
    fn of_an_answer(&mut self) {
        for number in (0..=9).chain([u32::MAX, u32::MAX - 1]) {
            let number = u64::from(number);
            self.add(format!("the answer to {number}"), number);
            self.add("an answer with high bits", number | 1 << 32);
        }
    }

    fn of_any_word(&mut self, capacity: u64) {
        let honest = self.honest;
        for (class, value) in [
            ("zero", 0),
            ("one", 1),
            ("all ones", u64::MAX),
            ("the sign bit", 1 << 63),
            ("the largest signed", i64::MAX as u64),
            ("one more", honest.wrapping_add(1)),
            ("one less", honest.wrapping_sub(1)),
            ("a word more", honest.wrapping_add(8)),
            ("a word less", honest.wrapping_sub(8)),
            ("a ring more", honest.wrapping_add(capacity)),
            ("a ring less", honest.wrapping_sub(capacity)),
            ("a ring of bytes more", honest.wrapping_add(capacity * 8)),
            ("a ring of bytes less", honest.wrapping_sub(capacity * 8)),
            ("twice", honest.wrapping_mul(2)),
            ("the complement", !honest),
            ("negated", honest.wrapping_neg()),
            ("bytes in the other order", honest.swap_bytes()),
            ("the other half", honest.rotate_left(32)),
        ] {
            self.add(class, value);
        }
        (0..64).for_each(|bit| self.add(format!("bit {bit}"), honest ^ 1 << bit));
    }
}

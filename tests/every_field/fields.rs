//! Fields of messages, and the classes of wrong values that one may have.

use std::collections::BTreeSet;

/// Some bits of a message, little-endian.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    at: usize,
    bits: usize,
}

/// A wrong value.
#[derive(Clone, Debug)]
pub struct Wrong {
    pub class: String,
    pub value: u64,
}

/// What was covered.
#[derive(Default)]
pub struct Tally {
    fields: BTreeSet<&'static str>,
    points: u64,
    classes: BTreeSet<String>,
    lies: u64,
}

/// The fields of a message of `length` bytes: names and bits, in order.
///
/// # Panics
///
/// Unless they are the whole message: a field that is new has to be lied about, too.
pub fn of(length: usize, parts: &[(&'static str, usize)]) -> Vec<Field> {
    let mut at = 0;
    let place = |&(name, bits): &(&'static str, usize)| {
        at += bits;
        Field { name, at: at - bits, bits }
    };
    let fields = parts.iter().map(place).collect();
    assert_eq!(at, length * 8, "the fields of a message of {length} bytes");
    fields
}

impl Field {
    pub fn read(&self, bytes: &[u8]) -> u64 {
        let bit = |at: usize| u64::from(bytes[at / 8] >> (at % 8) & 1);
        (0..self.bits).map(|number| bit(self.at + number) << number).sum()
    }

    /// The message with another value here.
    pub fn replaced(&self, bytes: &[u8], value: u64) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for number in 0..self.bits {
            let (byte, bit) = ((self.at + number) / 8, (self.at + number) % 8);
            bytes[byte] = bytes[byte] & !(1 << bit) | ((value >> number & 1) as u8) << bit;
        }
        bytes
    }

    /// All classes of wrong values, where `honest` is right; `others` are right elsewhere. Of the single bits each `step`-th.
    pub fn wrong(&self, honest: u64, others: &[u64], step: usize) -> Vec<Wrong> {
        let mask = if self.bits == 64 { u64::MAX } else { (1 << self.bits) - 1 };
        let (mut seen, mut all) = (BTreeSet::from([honest & mask]), Vec::new());
        let mut add = |class: String, value: u64| {
            if seen.insert(value & mask) {
                all.push(Wrong { class, value: value & mask });
            }
        };
        for (class, value) in [
            ("zero", 0),
            ("one", 1),
            ("two", 2),
            ("all ones", u64::MAX),
            ("the highest bit", 1 << (self.bits - 1)),
            ("all but the highest bit", mask >> 1),
            ("one more", honest.wrapping_add(1)),
            ("one less", honest.wrapping_sub(1)),
            ("a word more", honest.wrapping_add(8)),
            ("a word less", honest.wrapping_sub(8)),
            ("twice", honest.wrapping_mul(2)),
            ("half", honest / 2),
            ("the complement", !honest),
            ("bytes in the other order", honest.swap_bytes() >> (64 - self.bits)),
        ] {
            add(class.to_owned(), value);
        }
        others.iter().for_each(|&other| add("what is right elsewhere".to_owned(), other));
        (0..self.bits).step_by(step).for_each(|bit| add(format!("bit {bit}"), honest ^ 1 << bit));
        all
    }
}

/// Of single bits each as many-th, unless all are to be tried.
pub fn step(usual: usize) -> usize {
    if std::env::var_os("TWINRING_LIES").is_some_and(|lies| lies == "all") { 1 } else { usual }
}

impl Tally {
    /// Notes that each of these was told of this field, at one point of an exchange.
    pub fn note(&mut self, field: &Field, wrong: &[Wrong]) {
        self.fields.insert(field.name);
        self.points += 1;
        self.classes.extend(wrong.iter().map(|wrong| wrong.class.clone()));
        self.lies += wrong.len() as u64;
    }

    /// Notes something that is wrong with a message as a whole.
    pub fn note_whole(&mut self, class: &str, lies: u64) {
        self.classes.insert(class.to_owned());
        self.lies += lies;
    }

    pub fn say(&self, what: &str, least: u64) {
        let Self { fields, points, classes, lies } = self;
        println!(
            "{what}: {} fields, {points} of them in messages, {} classes: {lies} lies",
            fields.len(),
            classes.len()
        );
        assert!(*lies >= least, "{what}: only {lies} lies");
    }
}

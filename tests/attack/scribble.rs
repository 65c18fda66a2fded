//! The ways of scribbling over a half, one word or a few at a time.

use crate::grip::{DATA_ANNOUNCED, DATA_RUNG, Grip, HEAD, RING, ROOM_ANNOUNCED, ROOM_RUNG};
use crate::random::Random;

/// Scribbles a little; how many words were written.
pub type Scribble = fn(&Grip, &mut Random) -> u64;

/// All of them, by name.
pub const WAYS: [(&str, Scribble); 7] = [
    ("random words", random_words),
    ("plausible words", plausible_words),
    ("single bits", single_bits),
    ("frames replayed", frames_replayed),
    ("control words", control_words),
    ("payloads rewritten", payloads_rewritten),
    ("answers in advance", answers_in_advance),
];

/// The words that change while the pair runs.
const CONTROL: [usize; 5] = [HEAD, DATA_ANNOUNCED, ROOM_ANNOUNCED, DATA_RUNG, ROOM_RUNG];

/// LIGHT, POLLING, GONE, and one that is reserved.
const FLAGS: [u64; 4] = [1 << 32, 1 << 33, 1 << 34, 1 << 35];

fn anywhere(grip: &Grip, random: &mut Random) -> usize {
    random.below(grip.words())
}

fn in_ring(grip: &Grip, random: &mut Random) -> usize {
    RING + random.below(grip.words() - RING)
}

fn random_words(grip: &Grip, random: &mut Random) -> u64 {
    let word = anywhere(grip, random);
    grip.store(word, random.word());
    1
}

/// Numbers near the truth, and headers of frames that could stand there.
fn plausible_words(grip: &Grip, random: &mut Random) -> u64 {
    let word = random.one_of(&CONTROL);
    grip.store(word, grip.load(word).wrapping_add(random.below(17) as u64).wrapping_sub(8));
    let (kind, length) = (1 + random.below(3) as u64, random.below(9000) as u64);
    let header = if kind == 1 { length | kind << 32 } else { kind << 32 };
    let place = in_ring(grip, random);
    grip.store(place, header);
    2
}

fn single_bits(grip: &Grip, random: &mut Random) -> u64 {
    let word = if random.below(4) == 0 { random.one_of(&CONTROL) } else { anywhere(grip, random) };
    grip.store(word, grip.load(word) ^ 1 << random.below(64));
    1
}

/// What stands somewhere in the ring stands somewhere else as well.
fn frames_replayed(grip: &Grip, random: &mut Random) -> u64 {
    let (from, to) = (in_ring(grip, random), in_ring(grip, random));
    let length = (1 + random.below(64)).min(grip.words() - from.max(to));
    (0..length).for_each(|at| grip.store(to + at, grip.load(from + at)));
    length as u64
}

fn control_words(grip: &Grip, random: &mut Random) -> u64 {
    let word = random.one_of(&CONTROL);
    let value = match random.below(4) {
        0 => grip.load(word) ^ random.one_of(&FLAGS),
        1 => u64::from(random.word() as u32) | random.one_of(&FLAGS),
        2 => random.one_of(&[0, 1, u64::MAX, 1 << 63]),
        _ => grip.load(random.one_of(&CONTROL)),
    };
    grip.store(word, value);
    1
}

/// What is in the ring and looks like no header of a frame changes all the time.
fn payloads_rewritten(grip: &Grip, random: &mut Random) -> u64 {
    let start = in_ring(grip, random);
    let end = (start + 256).min(grip.words());
    let payloads = (start..end).filter(|&word| !matches!(grip.load(word) >> 32, 0..=3));
    payloads.map(|word| grip.store(word, random.word() | 1 << 63)).count() as u64
}

/// Every sleep that could be announced next is answered before it is slept, and wakes are asked for all the time.
fn answers_in_advance(grip: &Grip, random: &mut Random) -> u64 {
    let next = |word| grip.store(word, grip.load(word).wrapping_add(2) | 1);
    [DATA_RUNG, ROOM_RUNG].into_iter().for_each(next);
    let asleep = u64::from(random.word() as u32) | 1;
    [DATA_ANNOUNCED, ROOM_ANNOUNCED].into_iter().for_each(|word| grip.store(word, asleep));
    4
}

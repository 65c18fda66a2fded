//! Random sizes, capacities, messages and dirt.

use proptest::prelude::*;
use proptest::sample::Index;
use twinring::memory::{Heap, Memory, Ordering};

/// Words before a ring, which nobody may touch. The ring ends where its memory ends.
pub const GUARD: usize = 8;

pub fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// The size of a payload.
#[derive(Clone, Copy, Debug)]
pub enum Size {
    Empty,
    Small(usize),
    Any(Index),
    Largest,
    TooLarge(usize),
}

impl Size {
    pub fn bytes(self, largest: usize) -> usize {
        match self {
            Self::Empty => 0,
            Self::Small(bytes) => bytes,
            Self::Any(index) => index.index(largest + 1),
            Self::Largest => largest,
            Self::TooLarge(over) => largest.saturating_add(over),
        }
    }
}

pub fn size() -> impl Strategy<Value = Size> {
    prop_oneof![
        1 => Just(Size::Empty),
        4 => (1usize..=64).prop_map(Size::Small),
        4 => any::<Index>().prop_map(Size::Any),
        2 => Just(Size::Largest),
        1 => prop_oneof![Just(1), 1usize..64, Just(usize::MAX)].prop_map(Size::TooLarge),
    ]
}

/// A capacity, and a laziness of up to half of it.
pub fn geometry() -> impl Strategy<Value = (u64, u64)> {
    (3u32..=9, any::<Index>()).prop_map(|(log, lazy)| (1 << log, 1 + lazy.index(1 << (log - 1)) as u64))
}

/// What an earlier user may have left in a word: a header, most often.
pub fn dirt() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => (1u64..=3, 0u64..=64).prop_map(|(kind, length)| kind << 32 | length),
        1 => any::<u64>(),
        1 => Just(0),
    ]
}

/// Message number `number`: no other of this length near it is the same.
pub fn message(number: usize, length: usize) -> Vec<u8> {
    (0..length).map(|at| (number * 31 + at * 7 + at / 256) as u8).collect()
}

/// Fills all words behind the word `first`, where the first header will stand.
pub fn soil(memory: &Heap, first: usize, dirt: &[u64]) {
    let dirt = dirt.iter().copied().chain([3 << 32]).cycle();
    for (word, dirt) in (first + 1..memory.words()).zip(dirt) {
        memory.store(word, dirt, Ordering::Relaxed);
    }
}

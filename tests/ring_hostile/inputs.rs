//! Random lies and layouts.

use proptest::prelude::*;
use proptest::sample::Index;
use twinring::channel::Words;
use twinring::memory::{Heap, Memory, Ordering};

use super::lies::Lie;
use super::oracle::Layout;

/// Words before a ring. The ring ends where its memory ends, so that who reaches beyond it panics.
pub const GUARD: usize = 8;

/// The word of the head.
pub const HEAD: usize = 3;

/// The words of the doorbells.
pub const WORDS: Words = Words { data_announced: 1, data_rung: 2, room_announced: 4, room_rung: 5 };

/// What stands in words that nobody may touch.
const UNTOUCHED: u64 = 0xdead_beef_dead_beef;

pub fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// A header that says that it is one, most often.
pub fn lie() -> impl Strategy<Value = Lie> {
    prop_oneof![
        4 => Just(Lie::Truth),
        8 => (0u16..=80).prop_map(|length| Lie::Header { kind: 1, length }),
        2 => Just(Lie::Header { kind: 2, length: 0 }),
        1 => Just(Lie::Header { kind: 3, length: 0 }),
        1 => (0u8..5, 0u16..=80).prop_map(|(kind, length)| Lie::Header { kind, length }),
        1 => any::<u64>().prop_map(Lie::Word),
        1 => any::<i8>().prop_map(Lie::Near),
        1 => any::<u8>().prop_map(Lie::Bit),
    ]
}

pub fn layout() -> impl Strategy<Value = Layout> {
    (3u32..=6, any::<Index>()).prop_map(|(log, lazy)| {
        let capacity = 1 << log;
        Layout { ring: GUARD, head: HEAD, capacity, lazy: 1 + lazy.index(capacity as usize / 2) as u64 }
    })
}

/// The words of each half that are used, beside the ring.
pub const USED: [&[usize]; 2] =
    [&[WORDS.data_rung, WORDS.room_announced], &[HEAD, WORDS.data_announced, WORDS.room_rung]];

/// The producer's half, and the consumer's: 0 where something will be written, and all else untouched.
pub fn halves(layout: Layout) -> [Heap; 2] {
    let halves = Heap::family([GUARD + layout.capacity as usize, GUARD]);
    for (half, used) in halves.iter().zip(USED) {
        for word in (0..GUARD).filter(|word| !used.contains(word)) {
            half.store(word, UNTOUCHED, Ordering::Relaxed);
        }
    }
    halves
}

/// # Panics
///
/// If a word was written that is not used.
pub fn assert_untouched(halves: [&Heap; 2]) {
    for (half, used) in halves.into_iter().zip(USED) {
        for word in (0..GUARD).filter(|word| !used.contains(word)) {
            assert_eq!(half.load(word, Ordering::Relaxed), UNTOUCHED, "word {word} was written");
        }
    }
}

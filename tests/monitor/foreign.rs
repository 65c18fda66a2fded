//! A ledger is a stranger's bytes: whatever they are, reading them ends, and says what it found.

use proptest::collection::vec;
use proptest::prelude::*;
use twinring::ledger::layout::{BUILT, BUILT_LATENCY, GENERATION, MAGIC, NAME_LENGTH, PAGE, VERSION, entry};
use twinring::ledger::{check_header, row};
use twinring::memory::{Foreign, Heap, Memory, Ordering};
use twinring::monitor::understood;

/// A ledger with so many words, of which these are set.
fn ledger(words: usize, set: &[(usize, u64)]) -> Foreign<Heap> {
    let memory = Heap::new(words);
    for &(word, value) in set {
        memory.store(word, value, Ordering::Relaxed);
    }
    Foreign::new(memory)
}

const HEADER: [(usize, u64); 4] = [(0, MAGIC), (1, VERSION), (2, 2), (3, PAGE as u64)];

#[test]
fn an_honest_header_says_how_many_entries_there_are() {
    assert_eq!(check_header(&ledger(3 * PAGE, &HEADER)), Ok(2));
}

#[test]
fn each_lie_in_a_header_is_named() {
    let lies = [(0, "magic", 0), (1, "version", 2), (2, "entries", 3), (2, "entries", 0), (3, "entry", 511)];
    for (word, name, lie) in lies {
        let mut header = HEADER;
        header[word].1 = lie;
        let corrupt = check_header(&ledger(3 * PAGE, &header)).expect_err(name);
        assert!(corrupt.what.contains(name) && corrupt.seen == lie, "{corrupt}");
    }
    assert!(check_header(&ledger(1, &HEADER[..1])).is_err(), "shorter than a header");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_header_is_accepted_or_refused(words in vec(any::<u64>(), 0..8), pages in 0..4_usize) {
        let set: Vec<_> = words.into_iter().enumerate().take(pages * PAGE).collect();
        let foreign = ledger(pages * PAGE, &set);
        if let Ok(entries) = check_header(&foreign) {
            prop_assert!(entries >= 1 && entries < pages);
        }
    }

    #[test]
    fn any_entry_is_read(
        generation in any::<u64>(),
        built in any::<u64>(),
        length in prop_oneof![any::<u64>(), 0..200_u64],
        words in vec(any::<u64>(), PAGE),
    ) {
        let mut set: Vec<_> = words.into_iter().enumerate().map(|(at, word)| (entry(0) + at, word)).collect();
        set.extend([(entry(0) + GENERATION, generation), (entry(0) + BUILT, built), (entry(0) + NAME_LENGTH, length)]);
        let found = row(&ledger(2 * PAGE, &set), 0);
        prop_assert_eq!(found.is_some(), generation % 2 == 1);
        if let Some(found) = found {
            let seen = understood(0, &found);
            prop_assert_eq!(seen.latency.is_some(), built & BUILT_LATENCY != 0);
            prop_assert!(!seen.endpoint.chars().any(char::is_control));
            prop_assert!(seen.endpoint.chars().count() <= 128);
            if let Some(latency) = seen.latency {
                latency.ranges().for_each(|(range, _)| assert!(range.start < range.end));
                let _ = latency.calls();
            }
        }
    }
}

//! A ledger that a stranger handed out.

use arbitrary::{Arbitrary, Unstructured};
use twinring::ledger::layout::{
    BUILT, BUILT_LATENCY, GENERATION, LONGEST_NAME, MAGIC, NAME, NAME_LENGTH, PAGE, VERSION, entry,
};
use twinring::ledger::{check_header, row};
use twinring::memory::{Foreign, Heap, Memory, Ordering};
use twinring::monitor::understood;

use super::lies::Lie;
use super::oracle::assert_explains;

#[derive(Debug, Arbitrary)]
struct Input {
    /// Pages of the memory, the header's included.
    pages: u8,
    header: [Lie; 4],
    generation: u64,
    built: u64,
    length: Lie,
    /// Anything anywhere in the first entry.
    words: Vec<(u16, u64)>,
}

/// A header is accepted if it is word for word that of a ledger which fits into its memory; an entry is read if its generation is
/// odd, and understood whatever it says.
pub fn ledger(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let pages = usize::from(input.pages % 5);
    let memory = Heap::new(pages * PAGE);
    let honest = [MAGIC, VERSION, pages.saturating_sub(1) as u64, PAGE as u64];
    let shown: Vec<_> = input.header.iter().zip(honest).map(|(lie, honest)| lie.instead_of(honest)).collect();
    for (word, &value) in shown.iter().enumerate().take(memory.words()) {
        memory.store(word, value, Ordering::Relaxed);
    }
    let foreign = Foreign::new(memory.clone());
    let fits = pages > 1 && (1..pages as u64).contains(&shown[2]);
    let honest = fits && [shown[0], shown[1], shown[3]] == [honest[0], honest[1], honest[3]];
    match check_header(&foreign) {
        Ok(entries) => assert!(honest && entries as u64 == shown[2], "{shown:?} was accepted for {pages} pages"),
        Err(corrupt) => {
            assert!(!honest, "{shown:?} was refused: {corrupt}");
            assert!(shown.contains(&corrupt.seen) || corrupt.seen == 0);
            // Where there is no room for any entry, no number of them is right.
            if pages > 1 {
                assert_explains(corrupt);
            }
        }
    }
    if pages > 1 {
        check_entry(&input, &memory, &foreign);
    }
}

fn check_entry(input: &Input, memory: &Heap, foreign: &Foreign<Heap>) {
    for &(word, value) in &input.words {
        memory.store(entry(0) + usize::from(word) % PAGE, value, Ordering::Relaxed);
    }
    let length = input.length.instead_of((NAME.len() * 8) as u64);
    for (word, value) in [(GENERATION, input.generation), (BUILT, input.built), (NAME_LENGTH, length)] {
        memory.store(entry(0) + word, value, Ordering::Relaxed);
    }
    let found = row(foreign, 0);
    assert_eq!(found.is_some(), input.generation % 2 == 1);
    let Some(found) = found else { return };
    let seen = understood(0, &found);
    assert_eq!(seen.id, (0, input.generation));
    assert_eq!(seen.latency.is_some(), input.built & BUILT_LATENCY != 0);
    assert!(seen.endpoint.chars().count() <= LONGEST_NAME && !seen.endpoint.chars().any(char::is_control));
    if let Some(latency) = seen.latency {
        assert!(latency.ranges().all(|(range, calls)| range.start < range.end && calls > 0));
        assert_eq!(latency.since(&latency).calls(), 0);
    }
}

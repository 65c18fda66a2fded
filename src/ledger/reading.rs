//! Reading a ledger that somebody else writes.

use super::guard;
use super::latency::BUCKETS;
use super::layout::*;
use crate::memory::{COUNTS, Foreign, Memory, Ordering};
use crate::ring::Corrupt;

/// An entry as it was found: numbers of one connection, whatever they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which connection it is: another one of the same entry has another generation.
    pub generation: u64,
    /// All but the latencies, by the places of [`super::layout`].
    pub words: Vec<u64>,
    /// How many calls took how long, if the process records it.
    pub latency: Option<Vec<u64>>,
}

/// Words of an entry before its latencies.
const WORDS: usize = 8 * COUNTS;

/// Checks the header of a ledger of `words` words: how many entries it has.
///
/// # Errors
///
/// The first word that no ledger of this version holds.
pub fn check_header<M: Memory>(foreign: &Foreign<M>) -> Result<usize, Corrupt> {
    let word = |what, at, least, most| {
        let seen = if at < foreign.words() { foreign.load(at, Ordering::Relaxed) } else { 0 };
        Corrupt::check(what, seen, least, most)
    };
    word("the magic of a ledger", 0, MAGIC, MAGIC)?;
    word("the version of a ledger", HEADER_VERSION, VERSION, VERSION)?;
    word("the words of a ledger's entry", HEADER_PAGE, PAGE as u64, PAGE as u64)?;
    let room = (foreign.words() / PAGE).saturating_sub(1).min(MOST_ENTRIES) as u64;
    word("the entries of a ledger", HEADER_ENTRIES, 1, room).map(|entries| entries as usize)
}

/// Reads entry `number` of a ledger whose header was checked; `None` if it is nobody's, or changed hands meanwhile.
pub fn row<M: Memory>(foreign: &Foreign<M>, number: usize) -> Option<Row> {
    let first = entry(number);
    let words = |foreign: &Foreign<M>, from: usize, count: usize| -> Vec<u64> {
        (first + from..first + from + count).map(|word| foreign.load(word, Ordering::Relaxed)).collect()
    };
    let take = |foreign: &Foreign<M>| {
        let head = words(foreign, 0, WORDS);
        let recorded = head[BUILT] & BUILT_LATENCY != 0;
        let latency = recorded.then(|| words(foreign, LATENCY.start, BUCKETS));
        (head, latency)
    };
    let (generation, (words, latency)) = guard::read(foreign, first + GENERATION, take)?;
    Some(Row { generation, words, latency })
}

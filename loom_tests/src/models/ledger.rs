//! An entry of the ledger that changes hands while somebody reads it.

use loom::thread;
use twinring::ledger::guard;
use twinring::memory::{Foreign, Memory, Ordering, Own};

use crate::memory::{Family, Fences, Role, Side, Words};
use crate::mutant::Mutant;
use crate::mutation::Mutation;

/// The generation, and two words behind it.
const GENERATION: usize = 0;
const WORDS: [usize; 2] = [1, 2];

/// What the words say of the first connection and of the second, and under what generation.
const FIRST: (u64, u64) = (1, 10);
const SECOND: (u64, u64) = (3, 20);

/// The first connection leaves and the second one takes the entry, while it is read once.
pub fn entry(mutation: Mutation) {
    let family = Family::new(Fences::Refused, 0);
    let words = [(Role::Generation, FIRST.0), (Role::Plain, FIRST.1), (Role::Plain, FIRST.1)];
    let words = Words::new(&family, 0, Side::Sender, words.into_iter());
    let own = Own::new(Mutant::private(words.clone(), mutation));
    let foreign = Foreign::new(Mutant::private(words, mutation));
    let changing = thread::spawn(move || {
        guard::withdraw(&own, GENERATION);
        WORDS.iter().for_each(|&word| own.store(word, SECOND.1, Ordering::Relaxed));
        guard::publish(&own, GENERATION);
    });
    let take = |foreign: &Foreign<Mutant>| WORDS.map(|word| foreign.load(word, Ordering::Relaxed));
    if let Some((generation, words)) = guard::read(&foreign, GENERATION, take) {
        let of = |(number, said): (u64, u64)| generation == number && words == [said; 2];
        assert!(of(FIRST) || of(SECOND), "words of two connections: {words:?} under {generation}");
    }
    changing.join().expect("the owner has finished");
}

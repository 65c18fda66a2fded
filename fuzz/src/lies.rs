//! How a peer lies, and what it was heard to say.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arbitrary::Arbitrary;
use twinring::memory::{Heap, Hostile};

/// What a peer answers instead of the word that is there.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub enum Lie {
    /// The word that is there.
    Truth,
    /// Any word.
    Word(u64),
    /// A header, most often a plausible one.
    Header {
        /// Of which three are in use.
        kind: u8,
        /// In bytes.
        length: u16,
    },
    /// A little more or less than what is there.
    Near(i8),
    /// One bit is wrong.
    Bit(u8),
}

impl Lie {
    /// The answer where `honest` stands.
    pub fn instead_of(self, honest: u64) -> u64 {
        match self {
            Self::Truth => honest,
            Self::Word(word) => word,
            Self::Header { kind, length } => u64::from(kind % 5) << 32 | u64::from(length),
            Self::Near(distance) => honest.wrapping_add_signed(distance.into()),
            Self::Bit(bit) => honest ^ 1 << (bit % 64),
        }
    }
}

/// Answers the reads of one side with lies, and remembers what it answered.
#[derive(Clone, Debug, Default)]
pub struct Liar(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    lies: VecDeque<Lie>,
    heard: Vec<(usize, u64)>,
    lied: bool,
}

impl Liar {
    /// `heap` as this peer shows it.
    pub fn shows(&self, heap: &Heap) -> Hostile {
        let liar = self.clone();
        Hostile::new(heap.clone(), move |read| liar.state().answer(read.word, read.honest))
    }

    /// The next reads are answered with these, those that follow truthfully.
    pub fn prepare(&self, lies: impl IntoIterator<Item = Lie>) {
        self.state().lies = lies.into_iter().collect();
    }

    /// The words that were read, and what was answered, since this was last asked.
    pub fn heard(&self) -> Vec<(usize, u64)> {
        std::mem::take(&mut self.state().heard)
    }

    /// Whether any answer so far was not the truth.
    pub fn lied(&self) -> bool {
        self.state().lied
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn answer(&mut self, word: usize, honest: u64) -> u64 {
        let answer = self.lies.pop_front().unwrap_or(Lie::Truth).instead_of(honest);
        self.heard.push((word, answer));
        self.lied |= answer != honest;
        answer
    }
}

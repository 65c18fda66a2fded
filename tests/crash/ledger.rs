//! What a victim notes of its own progress, in a page that outlives it.

use std::fs::{self, OpenOptions};
use std::os::fd::AsFd;
use std::path::Path;

use twinring::memory::{Mapped, Memory, Ordering, Own};

const BYTES: usize = 4096;
const BEGUN: usize = 0;
const DONE: usize = 1;
const TORN: usize = 2;

/// It counts before and after each step, so the truth lies between the two.
pub struct Ledger(Own<Mapped>);

impl Ledger {
    /// Makes the page.
    pub fn create(path: &Path) -> Self {
        fs::write(path, [0; BYTES]).expect("a page");
        Self::open(path)
    }

    /// The same page, in another process.
    pub fn open(path: &Path) -> Self {
        let file = OpenOptions::new().read(true).write(true).open(path).expect("a page");
        Self(Mapped::writable(file.as_fd(), BYTES).expect("a mapping"))
    }

    /// Nothing begun, nothing done.
    pub fn clear(&self) {
        [BEGUN, DONE, TORN].into_iter().for_each(|word| self.0.store(word, 0, Ordering::Release));
    }

    fn read(&self, word: usize) -> u64 {
        self.0.load(word, Ordering::Acquire)
    }

    /// The number of the step that begins. Release, like the rest: no step moves over it, so a kill finds them in order.
    pub fn begin(&self) -> u64 {
        let number = self.read(BEGUN);
        self.0.store(BEGUN, number + 1, Ordering::Release);
        number
    }

    /// It is done.
    pub fn end(&self) {
        self.0.store(DONE, self.read(DONE) + 1, Ordering::Release);
    }

    /// Notes something that is not what was sent.
    pub fn torn(&self) {
        self.0.store(TORN, 1, Ordering::Release);
    }

    pub fn begun(&self) -> u64 {
        self.read(BEGUN)
    }

    pub fn done(&self) -> u64 {
        self.read(DONE)
    }

    pub fn is_torn(&self) -> bool {
        self.read(TORN) != 0
    }
}

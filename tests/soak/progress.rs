//! How far a process has come that may be killed at any moment: a word of a file that both map.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{MmapOptions, MmapRaw};

pub struct Progress(MmapRaw);

impl Progress {
    /// Of the file at `path`, which is made if there is none.
    pub fn at(path: &Path) -> Self {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path).expect("a file");
        file.set_len(8).expect("room for a word");
        Self(MmapOptions::new().len(8).map_raw(&file).expect("a mapping"))
    }

    pub fn set(&self, number: u64) {
        self.word().store(number, Ordering::Release);
    }

    pub fn get(&self) -> u64 {
        self.word().load(Ordering::Acquire)
    }

    fn word(&self) -> &AtomicU64 {
        // SAFETY: the mapping has a page, so the word is aligned; both processes use it as an atomic.
        unsafe { AtomicU64::from_ptr(self.0.as_mut_ptr().cast()) }
    }
}

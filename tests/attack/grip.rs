//! A writable mapping of one's own half, behind the library's back.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{FallocateFlags, MemfdFlags, fallocate, fcntl_add_seals, ftruncate, memfd_create};

use crate::raw::{HEADER, SEALS, SHAPE};

/// Where the words of `docs/PROTOCOL.md` stand.
pub const HEAD: usize = 128 / 8;
pub const DATA_ANNOUNCED: usize = 256 / 8;
pub const ROOM_ANNOUNCED: usize = 384 / 8;
pub const DATA_RUNG: usize = 512 / 8;
pub const ROOM_RUNG: usize = 640 / 8;
pub const RING: usize = 4096 / 8;

/// The words of a half that can be written.
pub struct Grip {
    base: usize,
    words: usize,
    /// What keeps them mapped, if this did it.
    _mapping: Option<MmapRaw>,
}

impl Grip {
    /// The half that the library has made for the only connection of this process.
    pub fn of_the_library() -> Self {
        let maps = fs::read_to_string("/proc/self/maps").expect("the mappings of this process");
        let ours = |line: &&str| line.contains("memfd:twinring") && line.contains(" rw-s ");
        let found: Vec<_> = maps.lines().filter(ours).collect();
        let [line] = found[..] else { panic!("expected one half of ours, found {found:?}") };
        let (start, rest) = line.split_once('-').expect("a range");
        let (end, _) = rest.split_once(' ').expect("a range");
        let [start, end] = [start, end].map(|text| usize::from_str_radix(text, 16).expect("an address"));
        Self { base: start, words: (end - start) / 8, _mapping: None }
    }

    /// A half of [`SHAPE`], and its descriptor, as an honest side makes them.
    pub fn make() -> (Self, OwnedFd) {
        let file = memfd_create("attacker", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).expect("a memory file");
        ftruncate(&file, SHAPE.bytes).expect("its size");
        fallocate(&file, FallocateFlags::empty(), 0, SHAPE.bytes).expect("its pages");
        let map = MmapOptions::new().len(SHAPE.bytes as usize).map_raw(&file).expect("a mapping");
        let grip = Self { base: map.as_mut_ptr() as usize, words: SHAPE.bytes as usize / 8, _mapping: Some(map) };
        (0..).zip(HEADER).for_each(|(word, value)| grip.store(word, value));
        fcntl_add_seals(file.as_fd(), SEALS).expect("its seals");
        (grip, file)
    }

    pub fn words(&self) -> usize {
        self.words
    }

    /// Where a word lies.
    pub fn address(&self, word: usize) -> *mut u64 {
        assert!(word < self.words, "word {word} of {}", self.words);
        (self.base + word * 8) as *mut u64
    }

    fn word(&self, word: usize) -> &AtomicU64 {
        // SAFETY: within the mapping, which lives as long as the connection or this; only ever used as atomics here, and what
        // the library thinks of it is the attacker's own trouble: it never reads its own half.
        unsafe { AtomicU64::from_ptr(self.address(word)) }
    }

    pub fn load(&self, word: usize) -> u64 {
        self.word(word).load(Ordering::Relaxed)
    }

    pub fn store(&self, word: usize, value: u64) {
        self.word(word).store(value, Ordering::Release);
    }
}

/// Where the other side's half is mapped, for reading, in a process with one connection.
pub fn their_half() -> usize {
    let maps = fs::read_to_string("/proc/self/maps").expect("the mappings of this process");
    let theirs = |line: &&str| line.contains("memfd:twinring") && line.contains(" r--s ");
    let line = maps.lines().find(theirs).expect("the other side's half");
    usize::from_str_radix(line.split('-').next().expect("a range"), 16).expect("an address")
}

//! Words of a mapping: a half of a region, or a private page.
//!
//! What this file assumes, and who keeps it true:
//! - `base` points to `words` aligned words that stay mapped as long as its mapping lives: [`Mapping`] unmaps on drop.
//! - The pages exist and cannot go away: the memfd is sealed against shrinking and punching before it is passed on
//!   (`os/memfd.rs`), and populated here, so no access faults.
//! - A word of this side's half is written by this side only; words of the peer's half are mapped read-only and reached
//!   through [`Foreign`], which cannot store. So a fault by a store through the wrong view cannot happen.
//! - A forked child has no such mapping (`DONTFORK`) and must not touch it: [`Mapped::private`] pages tell it so.
#![allow(unsafe_code)]

use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering, compiler_fence, fence};
use core::{fmt, slice};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::{Arc, OnceLock};

use memmap2::{Advice, MmapOptions, MmapRaw};

use super::{Foreign, Memory, Own, WORD, copy};
use crate::os::clock::Deadline;
use crate::os::{futex, membarrier};

/// A mapping of shared or private pages.
#[derive(Clone)]
pub struct Mapped {
    base: *mut u8,
    words: usize,
    /// Whether other processes map it too.
    shared: bool,
    mapping: Arc<Mapping>,
}

// SAFETY: the pointer is to a mapping that `mapping` keeps alive on whatever thread, and everything done through it is
// atomic or under the contracts above.
unsafe impl Send for Mapped {}
// SAFETY: as above; all methods that take `&self` and are safe are atomic.
unsafe impl Sync for Mapped {}

/// Keeps the pages mapped.
struct Mapping {
    map: ManuallyDrop<MmapRaw>,
    process: u32,
    /// What stands in for the futexes of its words, if anything does.
    bell: Option<Box<dyn Bell>>,
    /// What is done where waking is refused.
    mute: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// What stands in for the futexes of a private mapping whose other side is no thread that sleeps on them.
pub trait Bell: Send + Sync {
    /// In place of waking whoever sleeps on `word`; `false` if the futex has to be woken.
    fn wake(&self, word: usize) -> bool;

    /// In place of sleeping while `unchanged`, until the deadline; may return early. `false` if the futex has to be slept on.
    fn sleep(&self, unchanged: &dyn Fn() -> bool, deadline: Deadline) -> bool;
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // In a forked child nothing is mapped there, or something else by now: leave it alone.
        if self.process == std::process::id() {
            // SAFETY: dropped once, here, and not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.map) }
        }
    }
}

/// Pages that could not be mapped.
#[derive(Debug)]
pub struct MapError {
    bytes: usize,
    step: &'static str,
    source: io::Error,
}

impl MapError {
    /// What the system said.
    #[must_use]
    pub fn reason(&self) -> &io::Error {
        &self.source
    }
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {} {} bytes of memory", self.step, self.bytes)
    }
}

impl std::error::Error for MapError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl Mapped {
    /// Maps the first `bytes` of a memfd for writing, and populates it.
    ///
    /// # Errors
    ///
    /// If the memory cannot be had.
    pub fn writable(file: BorrowedFd<'_>, bytes: usize) -> Result<Own<Self>, MapError> {
        let map = options(bytes).map_raw(file.as_raw_fd());
        Self::shared(map, bytes, Advice::PopulateWrite).map(Own::new)
    }

    /// The same, which forked children map as well: for words that are no part of a region.
    ///
    /// # Errors
    ///
    /// If the memory cannot be had.
    pub(crate) fn inherited(file: BorrowedFd<'_>, bytes: usize) -> Result<Own<Self>, MapError> {
        let map = options(bytes).map_raw(file.as_raw_fd());
        Self::populated(map, bytes, Advice::PopulateWrite).map(Own::new)
    }

    /// Maps the first `bytes` of a peer's memfd for reading, and populates it.
    ///
    /// # Errors
    ///
    /// If the memory cannot be had.
    pub fn read_only(file: BorrowedFd<'_>, bytes: usize) -> Result<Foreign<Self>, MapError> {
        let map = options(bytes).map_raw_read_only(file.as_raw_fd());
        Self::shared(map, bytes, Advice::PopulateRead).map(Foreign::new)
    }

    /// A page for this process alone, of zeros in every child that it forks.
    ///
    /// # Errors
    ///
    /// If the memory cannot be had.
    pub fn private(bytes: usize) -> Result<Own<Self>, MapError> {
        Self::wiped(bytes, None).map(Own::new)
    }

    /// The same with something that stands in for its futexes.
    ///
    /// # Errors
    ///
    /// If the memory cannot be had.
    pub fn private_with(bytes: usize, bell: impl Bell + 'static) -> Result<Own<Self>, MapError> {
        Self::wiped(bytes, Some(Box::new(bell))).map(Own::new)
    }

    /// Says what to do from now on where a sandbox, closed around this process, refuses to have sleepers woken.
    pub(crate) fn when_mute(&self, otherwise: impl Fn() + Send + Sync + 'static) {
        // The first one counts: a mapping belongs to one connection.
        let _ = self.mapping.mute.set(Box::new(otherwise));
    }

    fn wiped(bytes: usize, bell: Option<Box<dyn Bell>>) -> Result<Self, MapError> {
        let error = |step| move |source| MapError { bytes, step, source };
        let map = MmapRaw::from(options(bytes).map_anon().map_err(error("map"))?);
        // SAFETY: the range is that of a fresh anonymous private mapping; wiping it concerns children only.
        let wiped =
            unsafe { rustix::mm::madvise(map.as_mut_ptr().cast(), map.len(), rustix::mm::Advice::LinuxWipeOnFork) };
        wiped.map_err(io::Error::from).map_err(error("mark as wiped on fork"))?;
        Ok(Self::new(map, bytes, false, bell))
    }

    fn shared(map: io::Result<MmapRaw>, bytes: usize, populate: Advice) -> Result<Self, MapError> {
        let error = |step| move |source| MapError { bytes, step, source };
        let map = map.map_err(error("map"))?;
        map.advise(Advice::DontFork).map_err(error("keep from children"))?;
        Self::populated(Ok(map), bytes, populate)
    }

    fn populated(map: io::Result<MmapRaw>, bytes: usize, populate: Advice) -> Result<Self, MapError> {
        let error = |step| move |source| MapError { bytes, step, source };
        let map = map.map_err(error("map"))?;
        match map.advise(populate) {
            // A kernel older than 5.14 does not know the advice; the file is allocated in any case.
            Err(unknown) if unknown.kind() == io::ErrorKind::InvalidInput => {}
            result => result.map_err(error("populate"))?,
        }
        Ok(Self::new(map, bytes, true, None))
    }

    fn new(map: MmapRaw, bytes: usize, shared: bool, bell: Option<Box<dyn Bell>>) -> Self {
        let base = map.as_mut_ptr();
        let mapping =
            Arc::new(Mapping { map: ManuallyDrop::new(map), process: std::process::id(), bell, mute: OnceLock::new() });
        Self { base, words: bytes / WORD, shared, mapping }
    }

    /// The atomic at `word`.
    #[inline(always)]
    fn word(&self, word: usize) -> &AtomicU64 {
        // SAFETY: `address` checked it.
        unsafe { AtomicU64::from_ptr(self.address(word)) }
    }

    #[inline(always)]
    fn address(&self, word: usize) -> *mut u64 {
        if word >= self.words {
            outside(word, 1, self.words);
        }
        // SAFETY: `word` is within the mapping.
        unsafe { self.base.cast::<u64>().add(word) }
    }

    /// A pointer to `len` bytes at `offset`, all of which are mapped, and the rest of the last word with them.
    #[inline(always)]
    fn bytes(&self, offset: usize, len: usize) -> *mut u8 {
        let bytes = self.words * WORD;
        if len > bytes || offset > bytes - len {
            outside(offset, len, bytes);
        }
        // SAFETY: within the mapping, or one past its end if `len` is 0.
        unsafe { self.base.add(offset) }
    }

    /// The half of the word that the kernel compares: its low 32 bits.
    fn futex(&self, word: usize) -> futex::Word {
        let low = usize::from(cfg!(target_endian = "big"));
        // SAFETY: either half of a word within the mapping.
        let address = unsafe { self.address(word).cast::<u32>().add(low) };
        futex::Word { address, shared: self.shared }
    }
}

/// A wrong index is a bug of ours, never a peer's doing: what a peer says is checked before it becomes an index. The
/// numbers come by value, so that the fast path need not have them in memory.
#[cold]
#[inline(never)]
fn outside(start: usize, length: usize, size: usize) -> ! {
    panic!("access to {length} at {start} of {size}")
}

fn options(bytes: usize) -> MmapOptions {
    let mut options = MmapOptions::new();
    options.len(bytes);
    options
}

impl Memory for Mapped {
    #[inline]
    fn words(&self) -> usize {
        self.words
    }

    #[inline(always)]
    fn load(&self, word: usize, order: Ordering) -> u64 {
        // Only relaxed loads are promised to work on read-only pages ("Atomic accesses to read-only memory" in the
        // standard library's docs), so an acquire is a relaxed load and a fence: the same instruction on x86-64.
        let value = self.word(word).load(Ordering::Relaxed);
        if order != Ordering::Relaxed {
            fence(order);
        }
        value
    }

    #[inline(always)]
    fn store(&self, word: usize, value: u64, order: Ordering) {
        self.word(word).store(value, order);
    }

    #[inline]
    fn exchange(&self, word: usize, current: u64, new: u64) -> bool {
        self.word(word).compare_exchange(current, new, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    #[inline(always)]
    fn copy_in(&self, offset: usize, from: &[u8]) {
        let to = self.bytes(offset, from.len());
        // SAFETY: checked; own half, so nobody else writes there; `from` is another allocation.
        unsafe { copy::to_shared(from.as_ptr(), to, from.len()) }
    }

    #[inline(always)]
    fn copy_out(&self, offset: usize, to: &mut [u8]) {
        let skip = offset % WORD;
        if skip == 0 {
            let from = self.bytes(offset, to.len());
            // SAFETY: checked and aligned; `to` is another allocation.
            unsafe { copy::from_shared(from, to.as_mut_ptr(), to.len()) }
        } else if !to.is_empty() {
            // Up to the next word, then the rest.
            let (head, rest) = to.split_at_mut(to.len().min(WORD - skip));
            let word = self.word(offset / WORD).load(Ordering::Relaxed).to_ne_bytes();
            head.copy_from_slice(&word[skip..skip + head.len()]);
            self.copy_out(offset + head.len(), rest);
        }
    }

    #[inline]
    fn fence(&self) {
        fence(Ordering::SeqCst);
    }

    #[inline]
    fn light_fence(&self) {
        compiler_fence(Ordering::SeqCst);
    }

    fn heavy_fence(&self) -> bool {
        let everywhere = membarrier::heavy();
        if !everywhere {
            fence(Ordering::SeqCst);
        }
        everywhere
    }

    fn sleep(&self, word: usize, expected: u64, private: (&Self, usize, u64), deadline: Deadline) {
        // The kernel compares 32 bits; the doorbell never uses two numbers that differ only above them.
        let low = |value: u64| value as u32;
        if let Some(bell) = &self.mapping.bell {
            let same = |memory: &Self, word, value| low(memory.load(word, Ordering::Acquire)) == low(value);
            let unchanged = || same(self, word, expected) && same(private.0, private.1, private.2);
            if bell.sleep(&unchanged, deadline) {
                return;
            }
        }
        let words = [(self.futex(word), low(expected)), (private.0.futex(private.1), low(private.2))];
        futex::wait(words, deadline);
    }

    fn wake(&self, word: usize) {
        let rung = self.mapping.bell.as_ref().is_some_and(|bell| bell.wake(word));
        if !rung && !futex::wake(self.futex(word)) {
            self.mapping.mute.get().into_iter().for_each(|otherwise| otherwise());
        }
    }

    #[inline]
    fn drain(&self) {
        fence(Ordering::SeqCst);
    }

    #[inline]
    fn prefetch_read(&self, offset: usize) {
        copy::prefetch_read(self.base.wrapping_add(offset));
    }

    #[inline]
    fn prefetch_write(&self, offset: usize) {
        copy::prefetch_write(self.base.wrapping_add(offset));
    }
}

impl Own<Mapped> {
    /// A pointer to `len` bytes at `offset` of this side's memory.
    pub(crate) fn pointer(&self, offset: usize, len: usize) -> NonNull<u8> {
        // SAFETY: within a mapping, or one past its end: not null.
        unsafe { NonNull::new_unchecked(self.bytes(offset, len)) }
    }

    /// Lends `len` bytes at `offset` of this side's half for writing in place.
    ///
    /// The caller is the producer, whose bytes of the ring nobody else in this process touches, and lends what it has
    /// reserved: the peer, which maps the same pages elsewhere and read-only, does not look before the commit.
    pub(crate) fn lend(&mut self, offset: usize, len: usize) -> &mut [u8] {
        let start = self.bytes(offset, len);
        // SAFETY: checked; unique in this process for as long as `self` is borrowed, as said above.
        unsafe { slice::from_raw_parts_mut(start, len) }
    }
}

impl Foreign<Mapped> {
    /// Copies the `len` bytes at `offset`, a multiple of a word, to the end of `to`.
    #[inline]
    pub(crate) fn append(&self, offset: usize, len: usize, to: &mut Vec<u8>) {
        assert!(offset % WORD == 0, "{offset} is not the start of a word");
        let from = self.raw().bytes(offset, len);
        to.reserve(len);
        let (end, length) = (to.spare_capacity_mut().as_mut_ptr().cast::<u8>(), to.len());
        // SAFETY: `from` is mapped for `len` bytes and the rest of the last word, as `bytes` checked, and starts a word; `end`
        // has room for `len`, as was just reserved; a private buffer and a mapping do not overlap.
        unsafe { copy::from_shared(from, end, len) };
        // SAFETY: there was room, and it was just filled.
        unsafe { to.set_len(length + len) };
    }

    /// A pointer to `len` bytes at `offset` of the peer's half.
    pub(crate) fn pointer(&self, offset: usize, len: usize) -> *const u8 {
        self.raw().bytes(offset, len)
    }

    /// The `len` bytes at `offset` of the peer's half.
    ///
    /// # Safety
    ///
    /// The peer does not write them while the slice lives. An honest peer does not write a frame that has not been
    /// released; a lying one can.
    pub(crate) unsafe fn slice(&self, offset: usize, len: usize) -> &[u8] {
        // SAFETY: mapped, as `pointer` checked, and not written meanwhile, as the caller promises.
        unsafe { slice::from_raw_parts(self.pointer(offset, len), len) }
    }
}

impl fmt::Debug for Mapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapped").field("words", &self.words).field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapping").field("process", &self.process).finish_non_exhaustive()
    }
}

//! What is said where the kernel refuses, and what is done without.

use std::os::fd::{AsFd, OwnedFd};

use nix::libc::{EINVAL, EPERM, MADV_POPULATE_READ, MADV_POPULATE_WRITE, SYS_madvise, SYS_membarrier};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::thread::{MembarrierCommand, membarrier};
use twinring::memory::{Mapped, Memory, Ordering};

use crate::process::Child;
use crate::refusing::{answer_where, refuse};

const BYTES: usize = 4096;

fn file() -> OwnedFd {
    let file = memfd_create("twinring-test", MemfdFlags::CLOEXEC).expect("a memory file");
    ftruncate(&file, BYTES as u64).expect("its size");
    file
}

/// Why the file cannot be mapped for writing, or for reading.
fn why(writes: bool) -> Option<String> {
    let file = file();
    let mapped =
        if writes { Mapped::writable(file.as_fd(), BYTES).err() } else { Mapped::read_only(file.as_fd(), BYTES).err() };
    mapped.map(|error| error.to_string())
}

fn populate(writes: bool) -> (u8, u64) {
    (2, if writes { MADV_POPULATE_WRITE } else { MADV_POPULATE_READ } as u64)
}

#[test]
fn pages_that_cannot_be_had_are_an_error() {
    Child::start("may not populate", &[]).finish();
}

/// A process that cannot have pages before it uses them.
pub fn may_not_populate() {
    for writes in [false, true] {
        assert_eq!(why(writes), None);
        answer_where(SYS_madvise, populate(writes), EPERM);
        assert_eq!(why(writes).as_deref(), Some("could not populate 4096 bytes of memory"));
    }
}

#[test]
fn a_kernel_that_does_not_know_how_to_populate_is_done_without() {
    Child::start("knows no populate", &[]).finish();
}

/// A process whose kernel is from before 5.14.
pub fn knows_no_populate() {
    for writes in [false, true] {
        answer_where(SYS_madvise, populate(writes), EINVAL);
        assert_eq!(why(writes), None);
    }
    let file = file();
    let mapped = Mapped::writable(file.as_fd(), BYTES).expect("memory");
    mapped.store(1, 7, Ordering::Relaxed);
    assert_eq!(mapped.load(1, Ordering::Relaxed), 7);
}

#[test]
fn a_heavy_fence_says_whether_it_was_one() {
    let possible = membarrier(MembarrierCommand::GlobalExpedited).is_ok();
    assert_eq!(Mapped::private(8).expect("a page").heavy_fence(), possible);
    Child::start("has no membarrier", &[]).finish();
}

/// A process that the kernel refuses it.
pub fn has_no_membarrier() {
    refuse(SYS_membarrier);
    assert!(!Mapped::private(8).expect("a page").heavy_fence());
}

//! Both ends of a ring on one thread, in the kind of memory that the library uses.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use twinring::memory::{Mapped, WORD};
use twinring::ring::{Consumer, Geometry, Producer};

/// Words in the ring: as many as a connection has by default.
const CAPACITY: usize = (1 << 20) / WORD;

/// The part of it that a consumer withholds, as in a connection.
const LAZY: usize = CAPACITY / 8;

/// One page, for the consumer's head.
const PAGE: usize = 4096;

/// A ring without doorbells: the producer's memory holds it, the consumer's the head.
pub fn ring() -> (Producer<Mapped>, Consumer<Mapped>) {
    let geometry = Geometry::new(0, 0, CAPACITY as u64, LAZY as u64);
    let (ring, head) = (memory(CAPACITY * WORD), memory(PAGE));
    let write = |file: &OwnedFd, bytes| Mapped::writable(file.as_fd(), bytes).expect("memory");
    let read = |file: &OwnedFd, bytes| Mapped::read_only(file.as_fd(), bytes).expect("memory");
    let producer = Producer::new(write(&ring, CAPACITY * WORD), read(&head, PAGE), geometry);
    let consumer = Consumer::new(write(&head, PAGE), read(&ring, CAPACITY * WORD), geometry);
    (producer, consumer)
}

fn memory(bytes: usize) -> OwnedFd {
    let file = memfd_create("twinring-bench", MemfdFlags::CLOEXEC).expect("a memfd");
    ftruncate(&file, bytes as u64).expect("memory");
    file
}

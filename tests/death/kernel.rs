//! What the kernel keeps a hostile peer from: it holds the descriptor of our half, and can only read it.
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::thread;

use memmap2::MmapOptions;
use rustix::fs::{FallocateFlags, SealFlags, fallocate, fcntl_add_seals};
use rustix::io::Errno;
use rustix::mm::{MprotectFlags, mprotect};
use tempfile::TempDir;
use twinring::connection::wire::Message;
use twinring::memory::{Mapped, Ordering};
use twinring::region::MAGIC;
use twinring::{Connection, Options};

use crate::raw;
use crate::waits::LONG;

/// A connection of ours, and what its peer, which speaks the handshake by hand, holds of it.
fn peer_by_hand() -> (Connection, OwnedFd, OwnedFd, usize) {
    let directory = TempDir::new().expect("a directory");
    let mut listener = Options::new().ring_capacity(1 << 16).bind(directory.path().join("socket")).expect("a listener");
    let path = listener.path().to_owned();
    let peer = thread::spawn(move || {
        let socket = raw::client(&path);
        let (shape, file) = raw::greet(&socket);
        let mine = raw::honest_half();
        let half = Message::Half(raw::SHAPE);
        raw::send(&socket, &half.encode(), &raw::with(&mine));
        let ready = raw::receive_message(&socket).expect("READY").0;
        assert_eq!(ready, Message::Ready);
        (socket, file, shape.bytes as usize)
    });
    let connection = listener.accept_timeout(LONG).expect("a client");
    let (socket, file, bytes) = peer.join().expect("the peer");
    (connection, socket, file, bytes)
}

#[test]
fn a_peer_cannot_write_our_half() {
    let (_connection, _socket, file, bytes) = peer_by_hand();
    refused(&file, bytes);
}

#[test]
fn nor_can_anybody_it_passes_the_descriptor_to() {
    let (_connection, _socket, file, bytes) = peer_by_hand();
    let (from, to) = raw::pair();
    raw::send(&from, b"have this", &raw::with(&file));
    let (_, mut passed) = raw::receive(&to).expect("a packet");
    refused(&passed.pop().expect("a descriptor"), bytes);
}

/// Tries everything that would change the half.
fn refused(file: &OwnedFd, bytes: usize) {
    let readable = Mapped::read_only(file.as_fd(), bytes).expect("reading is what it is for");
    assert_eq!(readable.load(0, Ordering::Relaxed), MAGIC);
    assert!(Mapped::writable(file.as_fd(), bytes).is_err(), "mapped for writing");
    reopened(file, bytes);
    protected(file, bytes);
    let file = File::from(file.try_clone().expect("a duplicate"));
    let denied = |what: &str, result: std::io::Result<()>| {
        let error = result.expect_err(what);
        assert_eq!(Errno::from_io_error(&error), Some(Errno::PERM), "{what}: {error}");
    };
    denied("written", file.write_all_at(b"hostile!", 0));
    denied("shrunk", file.set_len(4096));
    denied("shrunk to nothing", file.set_len(0));
    denied("grown", file.set_len(bytes as u64 * 2));
    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    denied("a hole punched", fallocate(&file, hole, 0, 4096).map_err(Into::into));
    denied("zeroed", fallocate(&file, FallocateFlags::ZERO_RANGE, 0, 4096).map_err(not_supported_is_refused));
    denied("sealed further", fcntl_add_seals(&file, SealFlags::WRITE).map_err(Into::into));
    assert_eq!(readable.load(0, Ordering::Relaxed), MAGIC, "the half has changed");
}

fn not_supported_is_refused(errno: Errno) -> std::io::Error {
    if errno == Errno::OPNOTSUPP { Errno::PERM.into() } else { errno.into() }
}

/// A descriptor opened anew through `/proc` is no better.
fn reopened(file: &OwnedFd, bytes: usize) {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    // Opening may be refused as well: then that is that.
    let Ok(mut file) = OpenOptions::new().read(true).write(true).open(path) else { return };
    assert!(Mapped::writable(file.as_fd(), bytes).is_err(), "mapped for writing after opening it anew");
    assert!(file.write_all(b"hostile!").is_err(), "written after opening it anew");
}

/// A mapping for reading cannot be made writable.
fn protected(file: &OwnedFd, bytes: usize) {
    let map = MmapOptions::new().len(bytes).map_raw_read_only(file).expect("a mapping");
    let flags = MprotectFlags::READ | MprotectFlags::WRITE;
    // SAFETY: the mapping is this function's own, and nothing refers to its bytes.
    let changed = unsafe { mprotect(map.as_mut_ptr().cast(), bytes, flags) };
    assert_eq!(changed, Err(Errno::ACCESS), "made writable");
}

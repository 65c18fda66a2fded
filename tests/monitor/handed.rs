//! What is handed out: counters alone, and nobody can write there.
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use memmap2::MmapOptions;
use rustix::fs::{FallocateFlags, SealFlags, fallocate, fcntl_add_seals};
use rustix::mm::{MprotectFlags, mprotect};
use twinring::ledger::layout::MAGIC;
use twinring::memory::{Mapped, Ordering};

use crate::counted::busy_owner;
use crate::raw;

/// The socket of a process's monitor.
pub fn socket_of(pid: u32) -> PathBuf {
    let listener = twinring::Listener::bind(format!("monitor-test-{}-{pid}", std::process::id())).expect("a listener");
    listener.path().parent().expect("the user's directory").join(format!("monitor/{pid}.sock"))
}

/// What a process hands out to whoever asks by hand, and the connection over which it did.
fn handed_out(pid: u32) -> (OwnedFd, usize, OwnedFd) {
    let socket = raw::client(&socket_of(pid));
    let (packet, mut descriptors) = raw::receive(&socket).expect("a packet");
    assert_eq!((packet.len(), descriptors.len()), (16, 1));
    assert_eq!(packet[..8], MAGIC.to_le_bytes());
    let bytes = u64::from_le_bytes(packet[8..].try_into().expect("eight bytes"));
    (descriptors.pop().expect("a descriptor"), bytes as usize, socket)
}

#[test]
fn writing_to_what_was_handed_out_fails_in_every_way() {
    let (child, _connection, _directory) = busy_owner();
    let (file, bytes, _socket) = handed_out(child.id());
    let readable = Mapped::read_only(file.as_fd(), bytes).expect("reading is what it is for");
    assert_eq!(readable.load(0, Ordering::Relaxed), MAGIC);
    assert!(Mapped::writable(file.as_fd(), bytes).is_err(), "mapped for writing");
    reopened(&file, bytes);
    protected(&file, bytes);
    let file = File::from(file);
    let refused = |what: &str, done: bool| assert!(!done, "{what}");
    refused("written", file.write_all_at(b"hostile!", 0).is_ok());
    refused("shrunk", file.set_len(4096).is_ok());
    refused("grown", file.set_len(bytes as u64 * 2).is_ok());
    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    refused("a hole punched", fallocate(&file, hole, 0, 4096).is_ok());
    refused("zeroed", fallocate(&file, FallocateFlags::ZERO_RANGE, 0, 4096).is_ok());
    refused("sealed further", fcntl_add_seals(&file, SealFlags::WRITE).is_ok());
    assert_eq!(readable.load(0, Ordering::Relaxed), MAGIC, "the ledger has changed");
}

/// Opened anew through `/proc`, with the right to write that its owner has, it is no better.
fn reopened(file: &OwnedFd, bytes: usize) {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let Ok(mut file) = OpenOptions::new().read(true).write(true).open(path) else { return };
    assert!(Mapped::writable(file.as_fd(), bytes).is_err(), "mapped for writing after opening it anew");
    assert!(file.write_all(b"hostile!").is_err(), "written after opening it anew");
    assert!(file.set_len(0).is_err(), "shrunk after opening it anew");
    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    assert!(fallocate(&file, hole, 0, 4096).is_err(), "a hole punched after opening it anew");
}

/// A mapping for reading cannot be made writable.
fn protected(file: &OwnedFd, bytes: usize) {
    let map = MmapOptions::new().len(bytes).map_raw_read_only(file).expect("a mapping");
    let flags = MprotectFlags::READ | MprotectFlags::WRITE;
    // SAFETY: the mapping is this function's own, and nothing refers to its bytes.
    let changed = unsafe { mprotect(map.as_mut_ptr().cast(), bytes, flags) };
    assert!(changed.is_err(), "made writable");
}

#[test]
fn no_message_is_in_it() {
    let (child, _connection, _directory) = busy_owner();
    let (file, bytes, _socket) = handed_out(child.id());
    let mut content = vec![0; bytes];
    File::from(file).read_exact_at(&mut content, 0).expect("its bytes");
    for said in [&b"secret"[..], b"message"] {
        assert!(!content.windows(said.len()).any(|bytes| bytes == said), "{said:?} is in it");
    }
    // What is known to be there is found in that way.
    assert!(content.windows(6).any(|bytes| bytes == b"socket"), "not even the endpoint's name");
}

//! Handshakes with descriptors that are no half, too many of them, at the wrong time, and in pieces.

use std::fs::{self, OpenOptions};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::libc;
use rustix::event::epoll::{self, CreateFlags};
use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::io::Errno;
use twinring::connection::wire::Message;
use twinring::region::Half;
use twinring::{End, RecvTimeoutError};

use crate::alone;
use crate::asking::ask;
use crate::gate::Gate;
use crate::raw::{self, HEADER, SEALS, SHAPE};
use crate::waits::LONG;

/// A descriptor opened anew, in another way.
fn reopened(file: &OwnedFd, flags: i32) -> OwnedFd {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let (read, write) = (flags != libc::O_WRONLY, flags == libc::O_WRONLY);
    OpenOptions::new().read(read).write(write).custom_flags(flags).open(path).expect("a descriptor").into()
}

/// Memory that not even the kernel can read; none where it does not know such.
fn secret() -> Option<OwnedFd> {
    let raw = ask(libc::SYS_memfd_secret, &[0]).ok()?;
    // SAFETY: the kernel has just made it, and nobody else owns it.
    let secret = unsafe { OwnedFd::from_raw_fd(raw as i32) };
    ftruncate(&secret, SHAPE.bytes).expect("its size");
    Some(secret)
}

/// Huge pages that nobody has.
fn huge() -> Option<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING | MemfdFlags::HUGETLB | MemfdFlags::HUGE_2MB;
    let file = memfd_create("huge", flags).ok()?;
    ftruncate(&file, HUGE.bytes).expect("its size");
    fcntl_add_seals(&file, SEALS).expect("its seals");
    Some(file)
}

const HUGE: Half = Half { bytes: 2 << 20, ring: 1 << 20 };

/// A file of the size of a half, where the file system knows seals.
fn on_shared_memory() -> Option<OwnedFd> {
    let file = tempfile::tempfile_in("/dev/shm").ok()?;
    file.set_len(SHAPE.bytes).expect("its size");
    Some(file.into())
}

#[test]
fn no_other_descriptor_is_taken_for_a_half() {
    let _alone = alone();
    let mut gate = Gate::open();
    let no_memory = "expected a sealed memory file";
    let wrong: Vec<(&str, Half, Option<OwnedFd>, &str)> = vec![
        ("the end of a pipe", SHAPE, Some(nix::unistd::pipe().expect("a pipe").1), no_memory),
        ("an eventfd", SHAPE, Some(eventfd(0, EventfdFlags::CLOEXEC).expect("an event")), no_memory),
        ("an epoll instance", SHAPE, Some(epoll::create(CreateFlags::CLOEXEC).expect("an epoll")), no_memory),
        ("a directory", SHAPE, Some(fs::File::open("/").expect("the root").into()), no_memory),
        ("a half by its path only", SHAPE, Some(reopened(&raw::honest_half(), libc::O_PATH)), no_memory),
        ("a half that cannot be read", SHAPE, Some(reopened(&raw::honest_half(), libc::O_WRONLY)), "out of memory"),
        ("secret memory", SHAPE, secret(), no_memory),
        ("a file of shared memory", SHAPE, on_shared_memory(), "seals lack"),
        ("huge pages that nobody has", HUGE, huge(), "of it are not"),
        (
            "a half of huge pages that are ordinary",
            HUGE,
            Some(raw::half(HUGE.bytes, HEADER, SEALS)),
            "the size of a half",
        ),
    ];
    for (what, shape, file, expected) in wrong {
        match file {
            Some(file) => gate.refuses(what, shape, &[file], expected),
            None => eprintln!("left out, because this kernel has none: {what}"),
        }
    }
    gate.stands();
}

#[test]
fn a_socket_that_passes_itself_is_no_half_and_nothing_is_left_of_it() {
    let _alone = alone();
    let mut gate = Gate::open();
    for _ in 0..10 {
        let client = gate.greeted();
        raw::send(&client, &Message::Half(SHAPE).encode(), &[client.as_fd()]);
        gate.fails();
    }
    gate.stands();
}

/// Neither it nor anybody else can write it: it is silent, and no danger.
#[test]
fn a_half_that_is_sealed_against_writing_says_nothing() {
    let _alone = alone();
    let mut gate = Gate::open();
    let file = raw::half(SHAPE.bytes, HEADER, SEALS | SealFlags::WRITE);
    let (client, connection) = gate.accepts(&file);
    let (mut sender, mut receiver) = connection.split();
    sender.send(b"anybody there?").expect("room");
    let silent = receiver.recv_timeout(std::time::Duration::from_millis(5)).err();
    assert_eq!(silent, Some(RecvTimeoutError::Timeout));
    drop(client);
    assert_eq!(receiver.recv_timeout(LONG).err(), Some(RecvTimeoutError::Ended(End::Disconnected)));
    drop((sender, receiver, file));
    gate.stands();
}

/// Our own half, passed back: what is said comes back, which any peer could do.
#[test]
fn our_own_half_in_place_of_the_peers_is_an_echo() {
    let _alone = alone();
    let mut gate = Gate::open();
    let client = raw::client(gate.path());
    raw::send(&client, &raw::hello(), &[]);
    assert!(gate.listener.accept_timeout(std::time::Duration::from_millis(1)).is_err());
    let Some((Message::Welcome { half, .. }, Some(file))) = raw::receive_message(&client) else { panic!("no WELCOME") };
    raw::send(&client, &Message::Half(half).encode(), &raw::with(&file));
    drop(file);
    let (mut sender, mut receiver) = gate.listener.accept_timeout(LONG).expect("a fit half").split();
    for number in 0..10_000_u32 {
        sender.send_timeout(&number.to_le_bytes(), LONG).expect("room");
        assert_eq!(receiver.recv_timeout(LONG).expect("the same").to_vec(), number.to_le_bytes());
    }
    drop((sender, receiver, client));
    gate.stands();
}

#[test]
fn any_number_of_descriptors_but_one_is_refused() {
    let _alone = alone();
    let mut gate = Gate::open();
    let file = raw::honest_half();
    for count in 0..=253 {
        if count == 1 {
            drop(gate.accepts(&file));
            continue;
        }
        let client = gate.greeted();
        raw::send(&client, &Message::Half(SHAPE).encode(), &vec![file.as_fd(); count]);
        gate.fails();
    }
    drop(file);
    gate.stands();
}

#[test]
fn the_beginning_of_a_half_with_its_descriptor_is_refused() {
    let _alone = alone();
    let mut gate = Gate::open();
    let (file, message) = (raw::honest_half(), Message::Half(SHAPE).encode());
    for length in 1..message.len() {
        let client = gate.greeted();
        raw::send(&client, &message[..length], &raw::with(&file));
        gate.fails();
    }
    drop(file);
    gate.stands();
}

/// Where the kernel knows how to keep them away it does; elsewhere they are refused.
#[test]
fn a_descriptor_with_a_message_that_has_none_is_refused_at_each_point() {
    let _alone = alone();
    let mut gate = Gate::open();
    let file = raw::honest_half();
    let client = raw::client(gate.path());
    assert!(matches!(raw::try_send(&client, &raw::hello(), &raw::with(&file)), Ok(()) | Err(Errno::PERM)));
    drop(client);
    gate.fails();
    for message in [raw::hello(), Message::Ready.encode(), Message::Refused { reason: "no".into() }.encode()] {
        let client = gate.greeted();
        raw::send(&client, &message, &raw::with(&file));
        gate.fails();
    }
    drop(file);
    gate.stands();
}

#[test]
fn a_crowd_that_leaves_at_each_point_leaves_nothing_behind() {
    let _alone = alone();
    let mut gate = Gate::open();
    let file = raw::honest_half();
    for _ in 0..30 {
        drop(raw::client(gate.path()));
        gate.fails();
        drop(gate.greeted());
        gate.fails();
        let client = gate.greeted();
        raw::send(&client, &Message::Half(SHAPE).encode(), &raw::with(&file));
        drop(client);
        // It may be noticed before the answer is sent, or after.
        gate.settles();
    }
    drop(file);
    gate.stands();
}

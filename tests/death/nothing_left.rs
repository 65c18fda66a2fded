//! A thousand connections, and nothing of them left. Each process that counts is one of its own, because a test beside
//! this one holds descriptors too.

use std::fs;
use std::path::PathBuf;
use std::thread;

use tempfile::TempDir;
use twinring::{Connection, End, Listener};

use crate::leaks::Held;
use crate::process::{self, Child};
use crate::waits::{LONG, until};

const CONNECTS: usize = 1000;

#[test]
fn of_a_thousand_connections_within_a_process_nothing_is_left() {
    let directory = TempDir::new().expect("a directory");
    Child::start("alone", &[("SOCKET", directory.path().join("socket").as_os_str())]).finish();
    assert_eq!(fs::read_dir(&directory).expect("the directory").count(), 0, "a socket or a lock is left");
}

#[test]
fn of_a_thousand_connections_between_processes_nothing_is_left() {
    let directory = TempDir::new().expect("a directory");
    let socket = directory.path().join("socket");
    let listener = Child::start("listener", &[("SOCKET", socket.as_os_str())]);
    Child::start("connector", &[("SOCKET", socket.as_os_str())]).finish();
    listener.finish();
    assert_eq!(fs::read_dir(&directory).expect("the directory").count(), 0, "a socket or a lock is left");
}

/// Both ends, in two threads.
pub fn alone() {
    let before = Held::now();
    let mut listener = bind();
    let connecting = thread::spawn(|| (0..CONNECTS).for_each(|_| ask(connect())));
    let mut most = 0;
    for _ in 0..CONNECTS {
        answer(listener.accept_timeout(LONG).expect("a client"));
        most = most.max(Held::now().descriptors - before.descriptors);
    }
    connecting.join().expect("the connecting thread");
    assert!(most < 40, "{most} descriptors were open for one connection at a time");
    drop(listener);
    nothing_is_left(before);
}

/// The listening process.
pub fn listener() {
    let before = Held::now();
    let mut listener = bind();
    for _ in 0..CONNECTS {
        answer(listener.accept_timeout(LONG).expect("a client"));
    }
    drop(listener);
    nothing_is_left(before);
}

/// The connecting process.
pub fn connector() {
    let before = Held::now();
    (0..CONNECTS).for_each(|_| ask(connect()));
    nothing_is_left(before);
}

fn nothing_is_left(before: Held) {
    // A thread that was joined leaves the list a moment later.
    until("threads to leave", || Held::now().threads <= before.threads);
    assert_eq!(Held::now(), before, "left over after {CONNECTS} connections");
}

fn socket() -> PathBuf {
    process::argument("SOCKET").into()
}

fn bind() -> Listener {
    crate::options().ring_capacity(1 << 14).bind(socket()).expect("a listener")
}

fn connect() -> Connection {
    crate::options().ring_capacity(1 << 14).connect(socket(), LONG).expect("a listener")
}

fn ask(connection: Connection) {
    let (mut sender, mut receiver) = connection.split();
    sender.send(b"question").expect("room");
    assert_eq!(receiver.recv().expect("an answer").to_vec(), b"answer");
}

fn answer(connection: Connection) {
    let (mut sender, mut receiver) = connection.split();
    assert_eq!(receiver.recv().expect("a question").to_vec(), b"question");
    sender.send(b"answer").expect("room");
    assert_eq!(receiver.recv().err(), Some(End::Closed));
}

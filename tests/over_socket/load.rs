//! Much at once: floods both ways, the largest messages, a stopped peer, many connections beside a busy one.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use twinring::{Connection, End, SendTimeoutError};

use crate::content;
use crate::process::{self, Child};
use crate::waits::{LONG, until};

/// A process that sends back what comes, and our end of the connection to it.
fn other_process(ring: usize) -> (TempDir, Child, Connection) {
    let directory = TempDir::new().expect("a directory");
    let mut listener = crate::options().ring_capacity(ring).bind(directory.path().join("socket")).expect("a listener");
    let ring = ring.to_string();
    let arguments = [("SOCKET", listener.path().as_os_str()), ("RING", ring.as_ref())];
    let child = Child::start("echo", &arguments);
    let connection = listener.accept_timeout(LONG).expect("a client");
    (directory, child, connection)
}

/// That process.
pub fn echo() {
    let socket = PathBuf::from(process::argument("SOCKET"));
    let options = crate::options().ring_capacity(process::number("RING") as usize);
    let (mut sender, mut receiver) = options.connect(socket, LONG).expect("a listener").split();
    while let Ok(message) = receiver.recv() {
        if sender.send(&message.to_vec()).is_err() {
            break;
        }
    }
}

#[test]
fn a_flood_both_ways_loses_nothing() {
    const MESSAGES: u64 = 50_000;
    let (_directory, child, connection) = other_process(1 << 14);
    let (mut sender, mut receiver) = connection.split();
    let flooding = thread::spawn(move || {
        let mut message = Vec::new();
        for number in 0..MESSAGES {
            content::fill(number, &mut message);
            sender.send_timeout(&message, LONG).expect("room");
        }
        sender
    });
    let mut scratch = Vec::new();
    for number in 0..MESSAGES {
        let echo = receiver.recv_timeout(LONG).expect("an echo").to_vec();
        assert!(content::is(number, &echo, &mut scratch), "echo {number} differs");
    }
    drop(flooding.join().expect("the flood"));
    assert_eq!(receiver.recv().err(), Some(End::Closed));
    drop(receiver);
    child.finish();
}

#[test]
fn the_largest_messages_cross_whole() {
    let (_directory, _child, connection) = other_process(1 << 24);
    let (mut sender, mut receiver) = connection.split();
    let largest = sender.largest();
    assert!(largest > 7_000_000, "{largest}");
    let message: Vec<u8> = (0..largest).map(|at| (at / 3) as u8).collect();
    for length in [largest, largest - 1, 32_760, 32_761, 32_768, 65_536] {
        sender.send(&message[..length]).expect("room");
        assert!(receiver.recv_timeout(LONG).expect("an echo").to_vec() == message[..length], "{length} bytes");
    }
}

#[test]
fn a_peer_that_is_stopped_costs_deadlines_and_nothing_else() {
    let (_directory, child, connection) = other_process(1 << 14);
    let (mut sender, mut receiver) = connection.split();
    let pid = Pid::from_raw(child.id() as i32);
    kill(pid, Signal::SIGSTOP).expect("a process to stop");
    let mut sent = 0_u64;
    let started = Instant::now();
    let error = loop {
        match sender.send_timeout(&[sent as u8; 1000], Duration::from_millis(200)) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error, SendTimeoutError::Timeout);
    assert!(started.elapsed() < LONG && sent > 10, "{sent}");
    kill(pid, Signal::SIGCONT).expect("a process to go on");
    for number in 0..sent {
        assert_eq!(receiver.recv_timeout(LONG).expect("an echo").to_vec(), [number as u8; 1000]);
    }
    drop(sender);
    assert_eq!(receiver.recv().err(), Some(End::Closed));
}

/// One thread carries for all whose users are elsewhere, and a flood gets no more than its turn.
#[test]
fn a_busy_connection_does_not_starve_another() {
    let (_one, busy, flood) = other_process(1 << 16);
    let (_two, _calm, calm) = other_process(1 << 16);
    let (mut sender, mut receiver) = flood.split();
    let flooding = thread::spawn(move || while sender.send(&[0; 4000]).is_ok() {});
    // Taken off by looks that never sleep: the thread of the process carries.
    let taking = thread::spawn(move || while receiver.recv().is_ok() {});
    let (mut sender, mut receiver) = calm.split();
    let mut slowest = Duration::ZERO;
    for _ in 0..200 {
        let started = Instant::now();
        sender.send(b"calm").expect("room");
        assert_eq!(receiver.recv_timeout(LONG).expect("an echo").len(), 4);
        slowest = slowest.max(started.elapsed());
    }
    println!("the slowest of 200 calm round trips: {slowest:?}");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    drop(busy);
    flooding.join().expect("the flood");
    taking.join().expect("who takes it");
}

#[test]
fn one_thread_carries_for_all() {
    let pairs: Vec<_> = (0..50).map(|_| crate::options().ring_capacity(4096).pair().expect("a pair")).collect();
    assert_eq!(carriers(), 1, "threads that carry 50 pairs");
    drop(pairs);
}

#[test]
fn thousands_of_connections_come_and_go() {
    for _ in 0..3000 {
        let (mut here, mut there) = crate::options().ring_capacity(4096).pair().expect("a pair");
        here.ends().0.send(b"hello").expect("room");
        assert_eq!(there.ends().1.recv().expect("a message").to_vec(), b"hello");
    }
    until("one thread that carries, or none", || carriers() <= 1);
    // The other tests of this process hold some.
    until("their descriptors to be closed", || fs::read_dir("/proc/self/fd").expect("descriptors").count() < 1000);
}

/// How many threads of this process carry.
pub fn carriers() -> usize {
    tasks().count()
}

/// The first of them, by its place under `/proc`.
pub fn carrier() -> Option<String> {
    tasks().next().map(|task| task.display().to_string())
}

fn tasks() -> impl Iterator<Item = PathBuf> {
    let all = fs::read_dir("/proc/self/task").expect("the threads").flatten().map(|entry| entry.path());
    let name = |task: &PathBuf| fs::read_to_string(task.join("comm")).unwrap_or_default();
    all.filter(move |task| name(task).trim() == "twinring-wire")
}

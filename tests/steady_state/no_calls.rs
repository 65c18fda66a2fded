//! Spinning sends and receives under a filter that kills on any system call but the one that ends the process.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};
use tempfile::TempDir;
use twinring::{Connection, End, Options, WaitStrategy};

use crate::content;
use crate::process::{self, Child};
use crate::waits::LONG;

const ROUNDS: u64 = 4_000;

/// A part that has gone through ends by this, which no panic and no test harness does.
const WELL: i32 = 42;

/// From here on this thread can compute, and end the process.
fn close_the_kernel() {
    let architecture = std::env::consts::ARCH.try_into().expect("a processor with a filter");
    let rules = BTreeMap::from([(nix::libc::SYS_exit_group, Vec::new())]);
    let filter = SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, architecture);
    let program: BpfProgram = filter.expect("a filter").try_into().expect("a program");
    apply_filter(&program).expect("a kernel with filters");
}

fn leave(code: i32) -> ! {
    // SAFETY: nothing of this process is to run any more: that is what it is for.
    unsafe { nix::libc::_exit(code) }
}

fn spinning() -> Options {
    Options::new().ring_capacity(1 << 14).wait(WaitStrategy::Spin)
}

#[test]
fn the_filter_kills_whoever_calls() {
    let status = Child::start("filtered caller", &[]).wait();
    assert_eq!(status.signal(), Some(Signal::SIGSYS as i32), "{status}");
}

/// Does under the filter what nobody may.
pub fn caller() {
    close_the_kernel();
    thread::yield_now();
    leave(WELL);
}

#[test]
fn two_spinning_threads_make_no_system_call() {
    let status = Child::start("filtered threads", &[]).wait();
    assert_eq!(status.code(), Some(WELL), "{status}");
}

/// Both ends, each in a thread under the filter.
pub fn threads() {
    let (here, there) = spinning().pair().expect("a pair");
    thread::spawn(move || -> () { answer(there) });
    ask(here);
}

#[test]
fn two_spinning_processes_make_no_system_call() {
    let directory = TempDir::new().expect("a directory");
    let socket = directory.path().join("socket");
    let answerer = Child::start("filtered answerer", &[("SOCKET", socket.as_os_str())]);
    let asker = Child::start("filtered asker", &[("SOCKET", socket.as_os_str())]);
    let asked = asker.wait();
    assert_eq!(asked.code(), Some(WELL), "asking: {asked}");
    let answered = answerer.wait();
    assert_eq!(answered.code(), Some(WELL), "answering: {answered}");
}

/// One process.
pub fn answerer() {
    let mut listener = spinning().bind(socket()).expect("a listener");
    answer(listener.accept_timeout(LONG).expect("a client"));
}

/// The other.
pub fn asker() {
    ask(spinning().connect(socket(), LONG).expect("a listener"));
}

fn socket() -> PathBuf {
    process::argument("SOCKET").into()
}

/// Round trips, then a stream that fills the ring, then the end.
fn ask(connection: Connection) -> ! {
    let (mut sender, mut receiver) = connection.split();
    let (mut message, mut buffer) = (Vec::with_capacity(content::LONGEST), [0; content::LONGEST]);
    close_the_kernel();
    for number in 0..ROUNDS {
        content::fill(number, &mut message);
        sender.send(&message).expect("room");
        let length = receiver.recv_into(&mut buffer).expect("an answer");
        check(buffer[..length] == message[..]);
    }
    for number in 0..ROUNDS {
        content::fill(number, &mut message);
        sender.send_deadline(&message, Instant::now() + LONG).expect("room");
    }
    check(receiver.recv_timeout(LONG).is_ok_and(|message| message.is_empty()));
    check(receiver.recv_timeout(Duration::from_millis(5)).is_err());
    leave(WELL)
}

/// The other side of [`ask`].
fn answer(connection: Connection) -> ! {
    let (mut sender, mut receiver) = connection.split();
    let (mut message, mut buffer) = (Vec::with_capacity(content::LONGEST), [0; content::LONGEST]);
    close_the_kernel();
    for number in 0..2 * ROUNDS {
        let length = receiver.recv_into(&mut buffer).expect("a question");
        check(content::is(number % ROUNDS, &buffer[..length], &mut message));
        if number < ROUNDS {
            sender.send(&buffer[..length]).expect("room");
        }
    }
    sender.send(&[]).expect("room");
    // It stays under the filter until the asker is gone.
    check(receiver.recv().err() == Some(End::Disconnected));
    leave(WELL)
}

/// A panic would make system calls: a failure under the filter ends like this instead.
fn check(right: bool) {
    if !right {
        leave(1);
    }
}

//! A pair that has nothing to say costs nothing.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use tempfile::TempDir;
use twinring::{Connection, Options, WaitStrategy};

use crate::process::{self, Child};
use crate::waits::{LONG, own_number, strategy, until_asleep};

const IDLE: Duration = Duration::from_secs(10);

/// The processor time that one process may use in that time, in microseconds: its test harness runs too.
const LITTLE: i64 = 10_000;

#[test]
fn an_idle_parked_pair_uses_no_processor() {
    let (_directories, children): (Vec<_>, Vec<_>) =
        [WaitStrategy::Park, WaitStrategy::SpinThenPark].map(pair).into_iter().unzip();
    for mut child in children.into_iter().flatten() {
        let used = child.hear();
        println!("{used} µs of processor time in {IDLE:?}");
        assert!(used.parse::<i64>().expect("a number") <= LITTLE, "{used} µs in {IDLE:?} of nothing");
        child.finish();
    }
}

fn pair(wait: WaitStrategy) -> (TempDir, [Child; 2]) {
    let directory = TempDir::new().expect("a directory");
    let (socket, wait) = (directory.path().join("socket"), format!("{wait:?}"));
    let arguments = [("SOCKET", socket.as_os_str()), ("WAIT", OsStr::new(&wait))];
    let children = ["idle listener", "idle connector"].map(|part| Child::start(part, &arguments));
    (directory, children)
}

/// One process.
pub fn listener() {
    let mut listener = options().bind(socket()).expect("a listener");
    idle(listener.accept_timeout(LONG).expect("a client"));
}

/// The other.
pub fn connector() {
    idle(options().connect(socket(), LONG).expect("a listener"));
}

fn options() -> Options {
    Options::new().wait(strategy(process::argument("WAIT").to_str().expect("a name")))
}

fn socket() -> PathBuf {
    process::argument("SOCKET").into()
}

/// Waits for a message for a long time, and says what it cost. In the end both wake the other, to show that they slept and
/// were not dead.
fn idle(connection: Connection) {
    let (mut sender, mut receiver) = connection.split();
    let (tell, told) = std::sync::mpsc::channel();
    let waiting = thread::spawn(move || {
        tell.send(own_number()).expect("a listener");
        let message = receiver.recv().expect("a message").to_vec();
        (message, receiver.counters().sleeps)
    });
    until_asleep(told.recv().expect("the number of the thread"));
    let before = used();
    thread::sleep(IDLE);
    process::say(&(used() - before).to_string());
    sender.send(b"good morning").expect("room");
    let (message, sleeps) = waiting.join().expect("the waiting thread");
    assert_eq!(message, b"good morning");
    assert!((1..=3).contains(&sleeps), "slept {sleeps} times");
}

/// The processor time of this process so far, in microseconds.
fn used() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the use of this process");
    usage.user_time().num_microseconds() + usage.system_time().num_microseconds()
}

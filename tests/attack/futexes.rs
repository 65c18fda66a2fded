//! A peer that wakes, moves and locks whoever sleeps on its words, by every operation that the kernel has.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::libc;
use tempfile::TempDir;
use twinring::{
    CallError, Connection, End, Halt, Listener, Options, Receiver, RecvTimeoutError, Session, SessionOptions,
    WaitStrategy,
};

use crate::asking::{answer, ask};
use crate::grip::{DATA_RUNG, Grip, RING, ROOM_RUNG, their_half};
use crate::process::{self, Child};
use crate::raw_hello::say_hello;
use crate::waits::LONG;

const WAKE: usize = libc::FUTEX_WAKE as usize;
const REQUEUE: usize = libc::FUTEX_REQUEUE as usize;
const CMP_REQUEUE: usize = libc::FUTEX_CMP_REQUEUE as usize;
const WAKE_OP: usize = libc::FUTEX_WAKE_OP as usize;
const LOCK_PI: usize = libc::FUTEX_LOCK_PI as usize;
const UNLOCK_PI: usize = libc::FUTEX_UNLOCK_PI as usize;
const TRYLOCK_PI: usize = libc::FUTEX_TRYLOCK_PI as usize;
const CMP_REQUEUE_PI: usize = libc::FUTEX_CMP_REQUEUE_PI as usize;

/// The number of the system call, of which `libc` knows nothing yet.
const FUTEX_REQUEUE: i64 = 456;

const ALL: usize = i32::MAX as usize;

/// A word of its own half at which nobody ever wakes anybody.
const NOWHERE: usize = RING - 8;

/// Messages that come while the storm lasts.
const MESSAGES: u64 = 100;

/// A process that is late has had other things to do; one that hangs is later.
const SLACK: Duration = Duration::from_secs(10);

/// All that can be done to who sleeps on the word.
fn storm(grip: &Grip, word: usize) {
    let (from, to) = (grip.address(word) as usize, grip.address(NOWHERE) as usize);
    let value = grip.load(word) as u32 as usize;
    // What comes of each does not matter.
    let futex = |arguments: &[usize]| ask(libc::SYS_futex, arguments).is_ok();
    futex(&[from, WAKE, ALL]);
    futex(&[from, REQUEUE, 0, ALL, to]);
    futex(&[from, CMP_REQUEUE, 0, ALL, to, value]);
    futex(&[from, WAKE_OP, ALL, ALL, to, 0]);
    futex(&[from, CMP_REQUEUE_PI, 1, ALL, to, value]);
    futex(&[from, TRYLOCK_PI]);
    let past = [0_i64; 2];
    futex(&[from, LOCK_PI, 0, past.as_ptr() as usize]);
    futex(&[from, UNLOCK_PI]);
    // By the newer call, from the one word to the other: each is an address, a value and the size.
    let waiters = [[value, from, 2], [0, to, 2]];
    let _ = ask(FUTEX_REQUEUE, &[waiters.as_ptr() as usize, 0, 0, ALL]);
}

/// Moves whoever sleeps on the word to where nobody wakes it; whether there was somebody.
fn moved(grip: &Grip, word: usize) -> bool {
    let (from, to) = (grip.address(word) as usize, grip.address(NOWHERE) as usize);
    ask(libc::SYS_futex, &[from, REQUEUE, 0, ALL, to]).is_ok_and(|moved| moved > 0)
}

fn options() -> Options {
    Options::new().ring_capacity(1 << 14).wait(WaitStrategy::Park)
}

/// Plays the attacker, until it is killed.
pub fn moves_waiters() {
    let connection = options().connect(PathBuf::from(process::argument("SOCKET")), LONG).expect("the victim");
    let grip = Grip::of_the_library();
    match process::argument("DEED").to_str() {
        Some("storm") => storms(connection, &grip),
        Some("move") => moves(connection, &grip),
        _ => moves_for_ever(connection, &grip),
    }
}

fn storms(connection: Connection, grip: &Grip) {
    let (mut sender, _receiver) = connection.split();
    let over = AtomicBool::new(false);
    // What is read-only stays so for the kernel's operations.
    let word = their_half() + DATA_RUNG * 8;
    let from = grip.address(DATA_RUNG) as usize;
    assert_eq!(answer(libc::SYS_futex, &[from, WAKE_OP, ALL, ALL, word, 0]), libc::EFAULT, "wrote our half");
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                [DATA_RUNG, ROOM_RUNG].into_iter().for_each(|word| storm(grip, word));
            }
        });
        for number in 0..MESSAGES {
            thread::sleep(Duration::from_millis(1));
            sender.send_timeout(&number.to_le_bytes(), LONG).expect("room");
        }
        process::await_word();
        over.store(true, Ordering::Relaxed);
    });
}

/// Once: then a message, of which nobody is told.
fn moves(connection: Connection, grip: &Grip) {
    let (mut sender, _receiver) = connection.split();
    while !moved(grip, DATA_RUNG) {}
    sender.send(b"who hears this?").expect("room");
    process::say("moved");
    process::await_word();
    while !moved(grip, DATA_RUNG) {}
    process::say("moved");
    process::await_word();
}

/// Who answers nothing but hello.
fn moves_for_ever(connection: Connection, grip: &Grip) {
    let (mut sender, _receiver) = connection.split();
    say_hello(&mut sender);
    loop {
        moved(grip, DATA_RUNG);
    }
}

/// An attacker that does this, and the connection to it.
fn attacker(deed: &str) -> (TempDir, Listener, Child, Connection) {
    let directory = TempDir::new().expect("a directory");
    let mut listener = options().bind(directory.path().join("socket")).expect("a listener");
    let child = Child::start("moves waiters", &[("SOCKET", listener.path().as_os_str()), ("DEED", deed.as_ref())]);
    let connection = listener.accept_timeout(LONG).expect("the attacker");
    (directory, listener, child, connection)
}

/// What comes within a moment, which no peer makes longer.
fn hears(receiver: &mut Receiver, moment: Duration) -> Option<Vec<u8>> {
    let started = Instant::now();
    let heard = match receiver.recv_timeout(moment) {
        Ok(message) => Some(message.to_vec()),
        Err(RecvTimeoutError::Timeout) => None,
        Err(other) => panic!("{other}"),
    };
    assert!(started.elapsed() < moment + SLACK, "late by {:?}", started.elapsed() - moment);
    heard
}

#[test]
fn messages_and_deadlines_are_noticed_whatever_a_peer_does_to_its_futexes() {
    let _together = crate::together();
    let (_directory, _listener, mut child, connection) = attacker("storm");
    let (_sender, mut receiver) = connection.split();
    let mut next = 0_u64;
    let started = Instant::now();
    while next < MESSAGES {
        if let Some(message) = hears(&mut receiver, Duration::from_millis(20)) {
            assert_eq!(message, next.to_le_bytes());
            next += 1;
        }
        assert!(started.elapsed() < LONG, "{next} of {MESSAGES} messages");
    }
    child.kill();
    assert_eq!(receiver.recv().err(), Some(End::Disconnected));
}

/// The peer can have us sleep through its own message, for as long as we were willing to sleep: that harms nobody but itself.
/// Its death, and what this process says, come by a word that it cannot reach.
#[test]
fn a_sleeper_that_is_moved_away_wakes_by_its_deadline_and_by_a_death() {
    let _together = crate::together();
    let (_directory, _listener, mut child, connection) = attacker("move");
    let (_sender, mut receiver) = connection.split();
    let started = Instant::now();
    let moment = Duration::from_millis(400);
    let first = hears(&mut receiver, moment);
    let slept = started.elapsed();
    assert_eq!(child.hear(), "moved");
    // It lies there, whether it was found at the deadline or is now.
    let message = first.or_else(|| hears(&mut receiver, Duration::ZERO));
    assert_eq!(message.as_deref(), Some(&b"who hears this?"[..]));
    eprintln!("a sleeper that was moved away slept for {slept:?} of {moment:?}");
    thread::scope(|scope| {
        let sleeps = scope.spawn(|| receiver.recv().map(|message| message.to_vec()));
        child.go_on();
        assert_eq!(child.hear(), "moved");
        child.kill();
        assert_eq!(sleeps.join().expect("no panic"), Err(End::Disconnected));
    });
}

#[test]
fn callers_of_a_peer_that_moves_them_away_keep_their_deadlines() {
    let _together = crate::together();
    let (_directory, _listener, _child, connection) = attacker("move for ever");
    let session = Session::new(connection, &SessionOptions::new(), ()).expect("a session");
    let started = Instant::now();
    thread::scope(|scope| {
        for moment in [50, 100, 150, 200].map(Duration::from_millis) {
            let session = &session;
            scope.spawn(move || {
                let answer = session.call_timeout(1, b"never answered", moment);
                assert_eq!(answer, Err(CallError::NoReply(Halt::Timeout)), "{moment:?}");
                assert!(started.elapsed() < moment + SLACK, "late by {:?}", started.elapsed() - moment);
            });
        }
    });
    // Its own thread sleeps there too, and is called away.
    drop(session);
    assert!(started.elapsed() < SLACK, "it took {:?} to leave", started.elapsed());
}

//! Clients by hand against a real listener.

use std::os::fd::{AsFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use twinring::connection::wire::{Features, Message};
use twinring::{AcceptError, End, Listener, Options};

use crate::alone;
use crate::halves;
use crate::leaks::Held;
use crate::raw::{self, SHAPE};

const LONG: Duration = Duration::from_secs(30);

/// Lets the listener look at what has come.
const MOMENT: Duration = Duration::from_millis(1);

fn bind(handshake: Duration) -> (TempDir, Listener) {
    let directory = TempDir::new().expect("a directory");
    let options = Options::new().ring_capacity(4096).largest_peer_ring(1 << 20).handshake_timeout(handshake);
    let listener = options.bind(directory.path().join("socket")).expect("a listener");
    (directory, listener)
}

/// Lets the listener work until it has counted `failed` failures.
fn until_failed(listener: &mut Listener, failed: u64) {
    let started = Instant::now();
    while listener.counters().failed < failed {
        assert!(matches!(listener.accept_timeout(MOMENT), Err(AcceptError::Timeout)), "accepted a hostile client");
        assert!(started.elapsed() < LONG, "{:?}, expected {failed} failures", listener.counters());
    }
    assert_eq!(listener.counters().failed, failed);
}

/// An honest client is accepted, and both say something.
fn serves(listener: &mut Listener) {
    let path = listener.path().to_owned();
    let client = thread::spawn(move || twinring::connect(path, LONG).expect("an honest listener"));
    let (mut sender, _receiver) = listener.accept_timeout(LONG).expect("an honest client").split();
    sender.send(b"welcome").expect("room");
    let (_, mut receiver) = client.join().expect("the client").split();
    assert_eq!(receiver.recv().expect("a message").to_vec(), b"welcome");
    drop(sender);
    assert_eq!(receiver.recv().err(), Some(End::Closed));
}

/// Why the listener hung up, as it told the client; empty if it only hung up.
fn reason(client: &OwnedFd) -> String {
    match raw::receive_message(client) {
        Some((Message::Refused { reason }, None)) => reason,
        Some(other) => panic!("expected a refusal, got {other:?}"),
        None => String::new(),
    }
}

#[test]
fn a_client_by_hand_that_is_honest_is_accepted() {
    let _alone = alone();
    let (_directory, mut listener) = bind(LONG);
    let path = listener.path().to_owned();
    let client = thread::spawn(move || {
        let client = raw::client(&path);
        raw::greet(&client);
        raw::send(&client, &Message::Half(SHAPE).encode(), &raw::with(&raw::honest_half()));
        assert_eq!(raw::receive_message(&client).expect("an answer").0, Message::Ready);
        client
    });
    let (_, mut receiver) = listener.accept_timeout(LONG).expect("it keeps to the protocol").split();
    drop(client.join().expect("the client"));
    assert_eq!(receiver.recv().err(), Some(End::Disconnected), "it left without a word");
}

#[test]
fn what_is_no_hello_is_a_failure() {
    let _alone = alone();
    let (_directory, mut listener) = bind(LONG);
    let before = Held::lasting();
    let hello = raw::hello();
    let mut cases = vec![vec![0x5a; 20], b"GET / HTTP/1.1\r\n\r\n".to_vec(), vec![0; 16], vec![0xff; 1000], vec![7]];
    cases.extend((1..hello.len()).map(|length| hello[..length].to_vec()));
    cases.push([&hello[..], &[0]].concat());
    cases.push([&hello[..], &[0; 600]].concat());
    cases.push([b"twinrinG", &hello[8..]].concat());
    cases.push(with_byte(&hello, 8, 99));
    cases.push(with_byte(&hello, 10, 1));
    cases.push(with_byte(&hello, 12, 9));
    for (case, bytes) in cases.iter().enumerate() {
        let client = raw::client(listener.path());
        raw::send(&client, bytes, &[]);
        until_failed(&mut listener, case as u64 + 1);
        reason(&client);
    }
    assert_eq!(Held::lasting(), before);
    serves(&mut listener);
}

fn with_byte(bytes: &[u8], at: usize, value: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] = value;
    bytes
}

#[test]
fn what_is_out_of_turn_is_a_failure_and_said() {
    let _alone = alone();
    let (_directory, mut listener) = bind(LONG);
    let before = Held::lasting();
    let later = Message::Hello { oldest: 7, newest: 9, features: Features(0) };
    let first = [
        (Message::Ready.encode(), vec![], "expected HELLO"),
        (Message::Half(SHAPE).encode(), vec![raw::honest_half()], "expected HELLO"),
        (raw::welcome(SHAPE), vec![raw::honest_half()], "expected HELLO"),
        (later.encode(), vec![], "versions 7 to 9"),
        // Broken before it is known what it says, so it is only hung up on.
        (raw::hello(), vec![raw::honest_half()], ""),
        (Message::Refused { reason: "no".into() }.encode(), vec![], ""),
    ];
    let mut failed = 0;
    for (bytes, files, expected) in first {
        let client = raw::client(listener.path());
        raw::send(&client, &bytes, &files.iter().map(AsFd::as_fd).collect::<Vec<_>>());
        failed += 1;
        until_failed(&mut listener, failed);
        assert_reason(&client, expected);
    }
    let second = [
        (raw::hello(), vec![], "expected HALF"),
        (Message::Ready.encode(), vec![], "expected HALF"),
        (raw::welcome(SHAPE), vec![raw::honest_half()], "expected HALF"),
        (vec![1, 2, 3], vec![], ""),
    ];
    for (bytes, files, expected) in second {
        let client = greeted(&mut listener);
        raw::send(&client, &bytes, &files.iter().map(AsFd::as_fd).collect::<Vec<_>>());
        failed += 1;
        until_failed(&mut listener, failed);
        assert_reason(&client, expected);
    }
    assert_eq!(Held::lasting(), before);
    serves(&mut listener);
}

/// A client that has its welcome.
fn greeted(listener: &mut Listener) -> OwnedFd {
    let client = raw::client(listener.path());
    raw::send(&client, &raw::hello(), &[]);
    assert!(matches!(listener.accept_timeout(MOMENT), Err(AcceptError::Timeout)));
    let welcome = raw::receive_message(&client).expect("an answer");
    assert!(matches!(welcome, (Message::Welcome { .. }, Some(_))), "{welcome:?}");
    client
}

fn assert_reason(client: &OwnedFd, expected: &str) {
    let reason = reason(client);
    assert!(reason.contains(expected), "{reason:?} lacks {expected:?}");
}

#[test]
fn an_unfit_half_is_a_failure() {
    let _alone = alone();
    let (_directory, mut listener) = bind(LONG);
    let before = Held::lasting();
    for (case, bad) in halves::bad().into_iter().enumerate() {
        let client = greeted(&mut listener);
        let files: Vec<_> = bad.files.iter().map(AsFd::as_fd).collect();
        raw::send(&client, &Message::Half(bad.announced).encode(), &files);
        until_failed(&mut listener, case as u64 + 1);
        let reason = reason(&client);
        // A packet that is broken as such is only hung up on.
        let expected = if bad.files.len() == 1 { bad.reason } else { "" };
        assert!(reason.contains(expected), "case {case}: {reason:?} lacks {expected:?}");
    }
    assert_eq!(Held::lasting(), before);
    serves(&mut listener);
}

#[test]
fn leaving_in_the_middle_is_a_failure() {
    let _alone = alone();
    let (_directory, mut listener) = bind(LONG);
    let before = Held::lasting();
    drop(raw::client(listener.path()));
    until_failed(&mut listener, 1);
    drop(greeted(&mut listener));
    until_failed(&mut listener, 2);
    let client = raw::client(listener.path());
    raw::send(&client, &raw::hello(), &[]);
    drop(client);
    until_failed(&mut listener, 3);
    assert_eq!(Held::lasting(), before);
    serves(&mut listener);
}

#[test]
fn a_silent_client_holds_up_nobody() {
    let _alone = alone();
    let (_directory, mut listener) = bind(LONG);
    let silent = [raw::client(listener.path()), greeted(&mut listener)];
    let started = Instant::now();
    serves(&mut listener);
    assert!(started.elapsed() < LONG / 2, "held up for {:?}", started.elapsed());
    assert_eq!(listener.counters().failed, 0, "they still have time");
    drop(silent);
}

#[test]
fn a_crowd_of_silent_clients_is_dropped_in_time() {
    let _alone = alone();
    let (_directory, mut listener) = bind(Duration::from_millis(100));
    let before = Held::lasting();
    let crowd: Vec<_> = (0..100).map(|_| raw::client(listener.path())).collect();
    serves(&mut listener);
    until_failed(&mut listener, 100);
    for client in &crowd {
        assert!(raw::receive(client).is_none_or(|(_, files)| files.is_empty()));
    }
    drop(crowd);
    assert_eq!(Held::lasting(), before);
}

#[test]
fn a_refusal_in_control_characters_is_made_harmless() {
    let _alone = alone();
    let (ours, theirs) = raw::pair();
    let refused = Message::Refused { reason: "\u{1b}[2Jgo\naway".into() };
    raw::send(&ours, &refused.encode(), &[]);
    let error = twinring::connect_over(theirs, LONG).expect_err("it refused");
    let text = error.to_string();
    assert!(text.contains("go") && !text.contains(char::is_control), "{text:?}");
}

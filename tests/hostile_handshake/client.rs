//! Clients by hand against a real listener.

use std::os::fd::{AsFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use twinring::connection::wire::{Features, Message};
use twinring::region::Half;
use twinring::{AcceptError, End, Listener, Options};

use crate::alone;
use crate::halves;
use crate::leaks::Held;
use crate::raw::{self, SHAPE};
use crate::waits::until;

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

/// Lets the listener work until it has counted `declined` clients that refused it, and no failure.
fn until_declined(listener: &mut Listener, declined: u64) {
    let started = Instant::now();
    while listener.counters().declined < declined {
        assert!(matches!(listener.accept_timeout(MOMENT), Err(AcceptError::Timeout)), "accepted who refused it");
        assert!(started.elapsed() < LONG, "{:?}, expected {declined} refusals", listener.counters());
    }
    assert_eq!((listener.counters().declined, listener.counters().failed), (declined, 0));
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
fn a_half_is_no_larger_than_its_ring_needs() {
    let _alone = alone();
    let (_directory, mut listener) = bind(LONG);
    let client = raw::client(listener.path());
    raw::send(&client, &raw::hello(), &[]);
    assert!(matches!(listener.accept_timeout(MOMENT), Err(AcceptError::Timeout)));
    let Some((Message::Welcome { half, .. }, Some(_))) = raw::receive_message(&client) else { panic!("no WELCOME") };
    assert_eq!(half, Half { bytes: 4096 + 4096, ring: 4096 });
}

#[test]
fn what_is_no_hello_is_a_failure_and_said() {
    let _alone = alone();
    let (_directory, mut listener) = bind(LONG);
    let before = Held::lasting();
    let hello = raw::hello();
    let http = b"GET / HTTP/1.1\r\n\r\n".to_vec();
    let begins = "malformed message: expected to begin with 0x676e69726e697774, came 0x";
    let mut cases = vec![
        (vec![0x5a; 20], format!("{begins}5a5a5a5a5a5a5a5a")),
        (http, begins.to_owned()),
        (vec![0; 16], format!("{begins}0")),
        (vec![0xff; 1000], "malformed packet: expected at most 576 bytes".to_owned()),
        ([&hello[..], &[0]].concat(), "malformed message: expected a body of 8 bytes, came 9".to_owned()),
        ([&hello[..], &[0; 600]].concat(), "malformed packet: expected at most 576 bytes".to_owned()),
        ([b"twinrinG", &hello[8..]].concat(), format!("{begins}476e69726e697774")),
        (with_byte(&hello, 8, 99), "malformed message: expected kind 1 to 5, came 99".to_owned()),
        (with_byte(&hello, 10, 1), "malformed message: expected 0 in a reserved field".to_owned()),
        (with_byte(&hello, 12, 9), "malformed message: expected a body of 9 bytes, came 8".to_owned()),
    ];
    cases.extend((1..hello.len()).map(|length| {
        let short = format!("malformed message: expected at least 16 bytes, came {length}");
        let body = format!("malformed message: expected a body of 8 bytes, came {}", length.saturating_sub(16));
        (hello[..length].to_vec(), if length < 16 { short } else { body })
    }));
    for (case, (bytes, expected)) in cases.iter().enumerate() {
        let client = raw::client(listener.path());
        raw::send(&client, bytes, &[]);
        until_failed(&mut listener, case as u64 + 1);
        assert_reason(&client, expected);
    }
    until("nothing to be left", || Held::lasting().is_within(before));
    serves(&mut listener);
}

fn with_byte(bytes: &[u8], at: usize, value: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] = value;
    bytes
}

/// The kernel keeps descriptors away where none are due; where it does not know how to, they are a failure that is said.
#[test]
fn a_descriptor_that_is_not_due_does_not_come() {
    let _alone = alone();
    let (_directory, mut listener) = bind(LONG);
    let before = Held::lasting();
    let client = raw::client(listener.path());
    match raw::try_send(&client, &raw::hello(), &raw::with(&raw::honest_half())) {
        Err(refused) => assert_eq!(refused, rustix::io::Errno::PERM),
        Ok(()) => {
            until_failed(&mut listener, 1);
            assert_reason(&client, "malformed packet: expected no descriptor with HELLO, came 1");
        }
    }
    drop(client);
    until_failed(&mut listener, 1);
    until("nothing to be left", || Held::lasting().is_within(before));
    serves(&mut listener);
}

#[test]
fn what_is_out_of_turn_is_a_failure_and_said() {
    let _alone = alone();
    let (_directory, mut listener) = bind(LONG);
    let before = Held::lasting();
    let later = Message::Hello { oldest: 7, newest: 9, features: Features(0) };
    let first = [
        (Message::Ready.encode(), "message out of order: expected HELLO, came READY"),
        (Message::Half(raw::CARRIED).encode(), "message out of order: expected HELLO, came HALF"),
        (raw::welcome(raw::CARRIED), "message out of order: expected HELLO, came WELCOME"),
        (later.encode(), "expected version 1, came 7 to 9"),
    ];
    let mut failed = 0;
    for (bytes, expected) in first {
        let client = raw::client(listener.path());
        raw::send(&client, &bytes, &[]);
        failed += 1;
        until_failed(&mut listener, failed);
        assert_reason(&client, expected);
    }
    let second = [
        (raw::hello(), vec![], "message out of order: expected HALF, came HELLO"),
        (Message::Ready.encode(), vec![], "message out of order: expected HALF, came READY"),
        (raw::welcome(SHAPE), vec![raw::honest_half()], "message out of order: expected HALF, came WELCOME"),
        (vec![1, 2, 3], vec![], "malformed message: expected at least 16 bytes, came 3"),
    ];
    for (bytes, files, expected) in second {
        let client = greeted(&mut listener);
        raw::send(&client, &bytes, &files.iter().map(AsFd::as_fd).collect::<Vec<_>>());
        failed += 1;
        until_failed(&mut listener, failed);
        assert_reason(&client, expected);
    }
    let client = greeted(&mut listener);
    raw::send(&client, &Message::Half(SHAPE).encode(), &raw::with(&raw::honest_half()));
    raw::send(&client, b"too soon", &[]);
    until_failed(&mut listener, failed + 1);
    assert_reason(&client, "a packet before its turn");
    drop(client);
    until("what came to be closed", || Held::lasting().is_within(before));
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

/// # Panics
///
/// If the listener told the client anything else, or nothing, before it hung up.
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
        assert!(reason.contains(bad.reason), "case {case}: {reason:?} lacks {:?}", bad.reason);
    }
    until("what came to be closed", || Held::lasting().is_within(before));
    serves(&mut listener);
}

#[test]
fn a_client_that_refuses_its_listener_is_no_failure() {
    let _alone = alone();
    let (_directory, mut listener) = bind(LONG);
    let before = Held::lasting();
    let refused = Message::Refused { reason: "a stranger".into() }.encode();
    // In place of HELLO, as who does not like the listener; and of HALF, as who does not like its half.
    for declined in 1..=2 {
        let client = if declined == 1 { raw::client(listener.path()) } else { greeted(&mut listener) };
        raw::send(&client, &refused, &[]);
        until_declined(&mut listener, declined);
        assert_eq!(reason(&client), "", "who has refused need not be told");
    }
    until("nothing to be left", || Held::lasting().is_within(before));
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
    until("nothing to be left", || Held::lasting().is_within(before));
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
    until("nothing to be left", || Held::lasting().is_within(before));
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

//! The two sides agree on what carries the messages, or say why not.

use std::thread;

use tempfile::TempDir;
use twinring::connection::wire::{Features, Message};
use twinring::{AcceptError, ConnectError, Connection, HandshakeError, Options, Transport};

use crate::raw;
use crate::waits::LONG;

const WISHES: [Transport; 3] = [Transport::SharedMemory, Transport::Socket, Transport::Any];

/// A listener that wishes `ours` and a client that wishes `theirs`.
fn meet(ours: Transport, theirs: Transport) -> Result<(Connection, Connection), (HandshakeError, u64)> {
    let directory = TempDir::new().expect("a directory");
    let mut listener = Options::new().transport(ours).bind(directory.path().join("socket")).expect("a listener");
    let path = listener.path().to_owned();
    let client = thread::spawn(move || Options::new().transport(theirs).connect(path, LONG));
    loop {
        match listener.accept_timeout(std::time::Duration::from_millis(5)) {
            Ok(accepted) => return Ok((accepted, client.join().expect("the client").expect("a connection"))),
            Err(AcceptError::Timeout) if !client.is_finished() => {}
            Err(_) => break,
        }
    }
    match client.join().expect("the client") {
        Err(ConnectError::Handshake(error)) => Err((error, listener.counters().failed)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn wishes_that_agree_connect_and_others_say_so() {
    use Transport::{Any, SharedMemory};
    for (ours, theirs) in WISHES.into_iter().flat_map(|ours| WISHES.map(|theirs| (ours, theirs))) {
        let expected = match (ours, theirs) {
            (Any, Any) => Some(SharedMemory),
            (Any, other) | (other, Any) => Some(other),
            (one, other) => (one == other).then_some(one),
        };
        match (meet(ours, theirs), expected) {
            (Ok((mut here, mut there)), Some(expected)) => {
                assert_eq!((here.transport(), there.transport()), (expected, expected), "{ours:?}, {theirs:?}");
                here.ends().0.send(b"hello").expect("room");
                assert_eq!(there.ends().1.recv().expect("a message").to_vec(), b"hello");
            }
            (Err((error, failed)), None) => {
                let HandshakeError::Refused { reason } = error else { panic!("{ours:?}, {theirs:?}: {error:?}") };
                assert_eq!(reason, format!("expected messages over {ours}, came {theirs}"));
                assert_eq!(failed, 1);
            }
            (other, expected) => panic!("{ours:?}, {theirs:?}: {other:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn shared_memory_is_what_is_not_chosen() {
    let (here, there) = twinring::pair().expect("a pair");
    assert_eq!((here.transport(), there.transport()), (Transport::SharedMemory, Transport::SharedMemory));
}

/// As it was spoken before there was a choice: the bits are ignored, and shared memory comes back.
#[test]
fn a_listener_that_knows_no_choice_is_refused() {
    let directory = TempDir::new().expect("a directory");
    let server = raw::server(&directory.path().join("socket"));
    let path = directory.path().join("socket");
    let client = thread::spawn(move || crate::options().connect(path, LONG));
    let socket = raw::accept(&server);
    let hello = raw::receive_message(&socket).expect("HELLO").0;
    let features = Features(Features::CARRIES | Features::UNSHARED);
    assert!(matches!(hello, Message::Hello { features: said, .. } if said.has(features.0)), "{hello:?}");
    raw::send(&socket, &raw::welcome(raw::SHAPE), &raw::with(&raw::honest_half()));
    let error = client.join().expect("the client").map(drop).expect_err("it wants the socket");
    let expected = HandshakeError::Transport { ours: Transport::Socket, theirs: Transport::SharedMemory }.to_string();
    assert_eq!(error.to_string(), expected);
    let Some((Message::Refused { reason }, None)) = raw::receive_message(&socket) else { panic!("no refusal") };
    assert_eq!(reason, "expected messages over the socket, came shared memory");
}

#[test]
fn no_memory_and_no_descriptor_goes_over() {
    let (ours, theirs) = raw::introduced_pair();
    let accepting = thread::spawn(move || crate::options().accept_over(theirs, LONG));
    let (half, _) = raw::greet_carried(&ours);
    assert_eq!(half.bytes, 0);
    raw::send(&ours, &Message::Half(raw::CARRIED).encode(), &[]);
    assert!(matches!(raw::receive_message(&ours), Some((Message::Ready, None))));
    let connection = accepting.join().expect("a thread").expect("a connection");
    assert_eq!(connection.transport(), Transport::Socket);
}

#[test]
fn a_descriptor_with_a_half_that_is_not_shared_is_refused() {
    let (ours, theirs) = raw::introduced_pair();
    let accepting = thread::spawn(move || crate::options().accept_over(theirs, LONG));
    raw::greet_carried(&ours);
    raw::send(&ours, &Message::Half(raw::CARRIED).encode(), &raw::with(&raw::honest_half()));
    let error = accepting.join().expect("a thread").map(drop).expect_err("it shares nothing");
    let expected = "expected no descriptor with a half that is not shared, came 1";
    assert!(matches!(&error, HandshakeError::Protocol(text) if text.contains(expected)), "{error:?}");
}

#[test]
fn what_is_announced_is_checked() {
    let bad = [
        (raw::SHAPE, "the size of a half that is not shared"),
        (twinring::region::Half { bytes: 0, ring: 5000 }, "the size of a ring"),
        (twinring::region::Half { bytes: 0, ring: 1 << 40 }, "the size of a ring"),
        (twinring::region::Half { bytes: 0, ring: 0 }, "the size of a ring"),
    ];
    for (half, what) in bad {
        let (ours, theirs) = raw::introduced_pair();
        let accepting = thread::spawn(move || crate::options().accept_over(theirs, LONG));
        raw::greet_carried(&ours);
        let file = raw::honest_half();
        let along = raw::with(&file);
        raw::send(&ours, &Message::Half(half).encode(), if half.bytes > 0 { &along } else { &[] });
        let error = accepting.join().expect("a thread").map(drop).expect_err("a lie");
        assert!(matches!(error, HandshakeError::Corrupt(corrupt) if corrupt.what.starts_with(what)), "{error:?}");
    }
}

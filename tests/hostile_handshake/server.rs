//! Listeners by hand against a real connector.

use std::os::fd::{AsFd, OwnedFd};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use twinring::connection::wire::{Features, Message};
use twinring::{ConnectError, Connection, HandshakeError, Options};

use crate::alone;
use crate::halves;
use crate::leaks::Held;
use crate::raw::{self, SHAPE};
use crate::waits::until;

/// Longer than any answer takes.
const LONG: Duration = Duration::from_secs(30);

/// Connects to a server that takes HELLO and does `serve` with the socket.
fn connect(serve: impl FnOnce(&OwnedFd) + Send) -> Result<Connection, HandshakeError> {
    connect_within(LONG, serve)
}

fn connect_within(timeout: Duration, serve: impl FnOnce(&OwnedFd) + Send) -> Result<Connection, HandshakeError> {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("socket");
    let server = raw::server(&path);
    thread::scope(|scope| {
        let serving = scope.spawn(|| {
            let client = raw::accept(&server);
            let hello = raw::receive_message(&client).expect("HELLO").0;
            assert!(matches!(hello, Message::Hello { oldest: 1, newest: 1, .. }), "{hello:?}");
            serve(&client);
            client
        });
        let options = Options::new().ring_capacity(4096).largest_peer_ring(1 << 20);
        let result = options.connect(&*path, timeout);
        // The server's socket lives until here, so that hanging up is no answer by accident.
        drop(serving.join().expect("the server"));
        result.map_err(|error| match error {
            ConnectError::Handshake(error) => error,
            other => panic!("{other}"),
        })
    })
}

fn failure(serve: impl FnOnce(&OwnedFd) + Send) -> HandshakeError {
    connect(serve).map(drop).expect_err("a hostile server")
}

#[test]
fn a_server_by_hand_that_is_honest_is_connected_to() {
    let _alone = alone();
    let connection = connect(|client| {
        raw::send(client, &raw::welcome(SHAPE), &raw::with(&raw::honest_half()));
        let (half, file) = raw::receive_message(client).expect("a half");
        assert!(matches!(half, Message::Half(_)) && file.is_some());
        raw::send(client, &Message::Ready.encode(), &[]);
    });
    assert_eq!(connection.expect("it keeps to the protocol").peer().pid, Some(std::process::id()));
}

#[test]
fn an_answer_that_is_no_message_is_an_error() {
    let _alone = alone();
    let before = Held::lasting();
    let welcome = raw::welcome(SHAPE);
    let cut = (1..welcome.len()).step_by(3).map(|length| (welcome[..length].to_vec(), ""));
    let cases = [
        (vec![0x5a; 40], "expected to begin with"),
        ([&welcome[..], &[0]].concat(), "expected a body of 24 bytes, came 25"),
        ([&welcome[..], &[0; 900]].concat(), "expected at most 576 bytes"),
        (raw::hello(), "message out of order: expected WELCOME, came HELLO"),
        (Message::Ready.encode(), "message out of order: expected WELCOME, came READY"),
    ];
    for (bytes, expected) in cases.into_iter().chain(cut) {
        let error = failure(|client| {
            raw::send(client, &bytes, &[]);
            // The connector says why it hangs up, as a listener does.
            let told = raw::receive_message(client).expect("a refusal").0;
            assert!(matches!(&told, Message::Refused { reason } if reason.contains(expected)), "{told:?}");
        });
        let text = error.to_string();
        assert!(matches!(error, HandshakeError::Protocol(_)), "{error:?}");
        assert!(text.contains("broke the protocol") && text.contains(expected), "{text:?} lacks {expected:?}");
    }
    until("nothing to be left", || Held::lasting().is_within(before));
}

#[test]
fn an_unfit_half_is_an_error() {
    let _alone = alone();
    let bad = halves::bad();
    for (case, bad) in bad.into_iter().enumerate() {
        let before = Held::lasting();
        let error = failure(|client| {
            let files: Vec<_> = bad.files.iter().map(AsFd::as_fd).collect();
            raw::send(client, &raw::welcome(bad.announced), &files);
        });
        let text = error.to_string();
        assert!(text.contains(bad.reason), "case {case}: {text:?} lacks {:?}", bad.reason);
        let right = match bad.files.len() {
            1 => matches!(error, HandshakeError::Half(_) | HandshakeError::Corrupt(_)),
            _ => matches!(error, HandshakeError::Protocol(_)),
        };
        assert!(right, "case {case}: {error:?}");
        until("what came to be closed", || Held::lasting().is_within(before));
    }
}

#[test]
fn another_version_is_an_error() {
    let _alone = alone();
    let error = failure(|client| {
        let welcome = Message::Welcome { version: 2, features: Features(0), half: SHAPE };
        raw::send(client, &welcome.encode(), &raw::with(&raw::honest_half()));
    });
    assert!(matches!(error, HandshakeError::Version { oldest: 2, newest: 2 }), "{error:?}");
}

#[test]
fn what_is_not_ready_is_an_error() {
    let _alone = alone();
    let before = Held::lasting();
    let error = failure(|client| {
        raw::send(client, &raw::welcome(SHAPE), &raw::with(&raw::honest_half()));
        raw::receive_message(client).expect("a half");
        raw::send(client, &raw::hello(), &[]);
    });
    assert!(error.to_string().contains("expected READY"), "{error}");
    let error = failure(|client| {
        raw::send(client, &raw::welcome(SHAPE), &raw::with(&raw::honest_half()));
        // The kernel may keep it from being sent once the half has come.
        let _ = raw::try_send(client, b"before its turn", &[]);
    });
    assert!(matches!(error, HandshakeError::Protocol(_)), "{error}");
    // What came before its turn is closed by another thread.
    until("nothing to be left", || Held::lasting().is_within(before));
}

#[test]
fn a_refusal_and_a_hang_up_are_told_apart() {
    let _alone = alone();
    let error = failure(|client| {
        raw::send(client, &Message::Refused { reason: "closed on Sundays".into() }.encode(), &[]);
    });
    assert!(matches!(&error, HandshakeError::Refused { reason } if reason == "closed on Sundays"), "{error:?}");
    let shut = |client: &OwnedFd| rustix::net::shutdown(client, rustix::net::Shutdown::Both).expect("a hang-up");
    let error = failure(shut);
    assert!(matches!(error, HandshakeError::HungUp), "{error:?}");
    let error = failure(|client| {
        raw::send(client, &raw::welcome(SHAPE), &raw::with(&raw::honest_half()));
        raw::receive_message(client).expect("a half");
        shut(client);
    });
    assert!(matches!(error, HandshakeError::HungUp), "{error:?}");
}

#[test]
fn silence_is_a_timeout() {
    let _alone = alone();
    let before = Held::lasting();
    let error = connect_within(Duration::from_millis(50), |_| ()).map(drop).expect_err("nobody answered");
    assert!(matches!(error, HandshakeError::Timeout { due: "WELCOME" }), "{error:?}");
    let error = connect_within(Duration::from_millis(50), |client| {
        // It may have given up by then.
        let _ = raw::try_send(client, &raw::welcome(SHAPE), &raw::with(&raw::honest_half()));
    });
    assert!(matches!(error.map(drop), Err(HandshakeError::Timeout { due: "READY" })));
    until("nothing to be left", || Held::lasting().is_within(before));
}

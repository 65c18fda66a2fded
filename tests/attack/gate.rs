//! A listener in this process, and clients by hand that come to it with something wrong.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use twinring::connection::wire::Message;
use twinring::region::Half;
use twinring::{AcceptError, Connection, Listener, Options};

use crate::leaks::Held;
use crate::raw::{self, SHAPE};
use crate::waits::{LONG, until};

/// A listener, and what this process held before anybody came.
pub struct Gate {
    pub listener: Listener,
    held: Held,
    _directory: TempDir,
}

impl Gate {
    pub fn open() -> Self {
        let directory = TempDir::new().expect("a directory");
        let options = Options::new().ring_capacity(4096).largest_peer_ring(1 << 20).handshake_timeout(LONG);
        let listener = options.bind(directory.path().join("socket")).expect("a listener");
        Self { listener, held: Held::lasting(), _directory: directory }
    }

    pub fn path(&self) -> &Path {
        self.listener.path()
    }

    /// Lets the listener work until one more has failed.
    pub fn fails(&mut self) {
        let (started, failed) = (Instant::now(), self.listener.counters().failed);
        while self.listener.counters().failed == failed {
            let accepted = self.listener.accept_timeout(Duration::from_millis(1));
            assert!(matches!(accepted, Err(AcceptError::Timeout)), "accepted a hostile client");
            assert!(started.elapsed() < LONG, "{:?}", self.listener.counters());
        }
        assert_eq!(self.listener.counters().failed, failed + 1);
    }

    /// Lets the listener work until one more was accepted or has failed, whichever; it has left by now.
    pub fn settles(&mut self) {
        let settled = |gate: &Self| gate.listener.counters().failed + gate.listener.counters().accepted;
        let before = settled(self);
        until("a client to be done with", || {
            drop(self.listener.accept_timeout(Duration::from_millis(1)));
            settled(self) > before
        });
    }

    /// A client that has its welcome: its half is due.
    pub fn greeted(&mut self) -> OwnedFd {
        let client = raw::client(self.path());
        raw::send(&client, &raw::hello(), &[]);
        assert!(matches!(self.listener.accept_timeout(Duration::from_millis(1)), Err(AcceptError::Timeout)));
        let welcome = raw::receive_message(&client).expect("an answer");
        assert!(matches!(welcome, (Message::Welcome { .. }, Some(_))), "{welcome:?}");
        client
    }

    /// A client comes with these in place of its half, and is told why they will not do.
    pub fn refuses(&mut self, what: &str, shape: Half, files: &[OwnedFd], expected: &str) {
        let client = self.greeted();
        let files: Vec<_> = files.iter().map(AsFd::as_fd).collect();
        raw::send(&client, &Message::Half(shape).encode(), &files);
        self.fails();
        match raw::receive_message(&client) {
            Some((Message::Refused { reason }, None)) => {
                assert!(reason.contains(expected), "{what}: {reason:?} lacks {expected:?}");
            }
            other => panic!("{what}: expected a refusal, got {other:?}"),
        }
    }

    /// A client by hand that keeps to the protocol, with this file.
    pub fn accepts(&mut self, file: &OwnedFd) -> (OwnedFd, Connection) {
        let client = self.greeted();
        raw::send(&client, &Message::Half(SHAPE).encode(), &raw::with(file));
        let connection = self.listener.accept_timeout(LONG).expect("it keeps to the protocol");
        assert!(matches!(raw::receive_message(&client), Some((Message::Ready, None))), "no READY");
        (client, connection)
    }

    /// Nothing is left of those who came, and an honest client is served.
    pub fn stands(&mut self) {
        until("what came to be closed", || Held::lasting() == self.held);
        let path = self.path().to_owned();
        let client = thread::spawn(move || twinring::connect(path, LONG).expect("an honest listener"));
        let (mut sender, _receiver) = self.listener.accept_timeout(LONG).expect("an honest client").split();
        sender.send(b"welcome").expect("room");
        let (_sender, mut receiver) = client.join().expect("the client").split();
        assert_eq!(receiver.recv_timeout(LONG).expect("a message").to_vec(), b"welcome");
    }
}

//! Whose death is watched of a socket that neither side has connected: inherited, or passed on by a process that made the pair and
//! is none of the two.
//!
//! The kernel calls the maker of a pair the peer of both ends, also with a pidfd (`SO_PEERPIDFD`). Who is at the other end is said
//! by the packets of the handshake (`SCM_CREDENTIALS`), and that process is watched; the maker is only if it is that process.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::net::{RecvFlags, recv};
use tempfile::TempDir;
use twinring::{Connection, End, RecvTimeoutError};

use crate::process::{self, Child};
use crate::raw;
use crate::waits::LONG;

/// Long enough for a death to be known.
const SOON: Duration = Duration::from_millis(300);

/// A death is known sooner than this.
const AT_ONCE: Duration = Duration::from_secs(5);

/// The process that makes a pair, and passes both ends on. Told to, it uses the second one itself, in which it is the peer.
pub fn maker() {
    let (one, other) = raw::pair();
    let to = raw::client(&PathBuf::from(process::argument("SOCKET")));
    raw::send(&to, b"a pair", &[raw::with(&one), raw::with(&other)].concat());
    drop(one);
    // Until what was sent is received, or this process is killed.
    if recv(&to, &mut [0_u8; 1], RecvFlags::empty()).is_ok_and(|(received, _)| received == 1) {
        let mut connection = crate::options().connect_over(other, LONG).expect("who was passed the first end");
        echo_one(&mut connection);
        thread::park();
    }
    loop {
        thread::park();
    }
}

fn echo_one(connection: &mut Connection) {
    let message = connection.ends().1.recv_timeout(LONG).expect("a message").to_vec();
    connection.ends().0.send(&message).expect("room");
}

/// A pair that another process has made, that process, and the socket to it.
struct Given {
    ours: OwnedFd,
    other: OwnedFd,
    maker: Child,
    to_maker: OwnedFd,
    _directory: TempDir,
}

fn given() -> Given {
    let directory = TempDir::new().expect("a directory");
    let place = directory.path().join("socket");
    let server = raw::server(&place);
    let maker = Child::start("maker", &[("SOCKET", place.as_os_str())]);
    let to_maker = raw::accept(&server);
    let (_, mut ends) = raw::receive(&to_maker).expect("a pair");
    let (other, ours) = (ends.pop().expect("two ends"), ends.pop().expect("two ends"));
    Given { ours, other, maker, to_maker, _directory: directory }
}

/// A process that inherits this end, and does that with it; we keep it as well.
pub fn heir(part: &str, end: &OwnedFd) -> Child {
    let inherited = fcntl_dupfd_cloexec(end, 0).expect("a descriptor");
    fcntl_setfd(&inherited, FdFlags::empty()).expect("a descriptor that is inherited");
    Child::start(part, &[("DESCRIPTOR", inherited.as_raw_fd().to_string().as_ref())])
}

fn echoed(connection: &mut Connection) {
    connection.ends().0.send(b"who is there?").expect("room");
    assert_eq!(connection.ends().1.recv_timeout(LONG).expect("an echo").to_vec(), b"who is there?");
}

fn assert_ends_at_once(connection: &mut Connection, since: Instant) {
    let end = connection.ends().1.recv_timeout(LONG).map(|message| message.to_vec());
    assert_eq!(end, Err(RecvTimeoutError::Ended(End::Disconnected)));
    assert!(since.elapsed() < AT_ONCE, "known after {:?}", since.elapsed());
}

/// Nobody else's end is taken for the peer's.
fn assert_lives(connection: &mut Connection) {
    let nothing = connection.ends().1.recv_timeout(SOON).map(|message| message.to_vec());
    assert_eq!(nothing, Err(RecvTimeoutError::Timeout));
}

#[test]
fn of_a_pair_that_a_third_process_made_the_user_is_watched_and_not_the_maker() {
    for maker_dies_first in [true, false] {
        let Given { ours, other, mut maker, .. } = given();
        if maker_dies_first {
            maker.kill();
            maker.reap();
        }
        let mut child = heir("heir", &other);
        let mut connection = crate::options().accept_over(ours, LONG).expect("the heir");
        assert_eq!(connection.peer().pid, Some(child.id()), "the maker is not the peer");
        echoed(&mut connection);
        if !maker_dies_first {
            maker.kill();
            maker.reap();
        }
        assert_lives(&mut connection);
        let since = Instant::now();
        child.kill();
        // We hold the other end ourselves, so that nothing but the process itself tells of its death.
        assert_ends_at_once(&mut connection, since);
        drop(other);
    }
}

#[test]
fn of_a_pair_whose_maker_uses_the_other_end_the_maker_is_watched() {
    let Given { ours, other, mut maker, to_maker, .. } = given();
    raw::send(&to_maker, b"!", &[]);
    let mut connection = crate::options().accept_over(ours, LONG).expect("the maker");
    assert_eq!(connection.peer().pid, Some(maker.id()));
    echoed(&mut connection);
    let since = Instant::now();
    maker.kill();
    assert_ends_at_once(&mut connection, since);
    drop(other);
}

//! Two processes: content, credentials, refusals, inherited sockets.

use std::ffi::OsStr;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::path::PathBuf;
use std::thread;

use rustix::io::{FdFlags, fcntl_setfd};
use tempfile::TempDir;
use twinring::{AcceptError, ConnectError, Connection, Credentials, Decision, End, HandshakeError, Listener};

use crate::content;
use crate::process::{self, Child};
use crate::raw;
use crate::waits::{LONG, STRATEGIES, strategy};

fn socket() -> PathBuf {
    process::argument("SOCKET").into()
}

#[test]
fn an_echo_of_all_sizes_comes_back_from_another_process() {
    for (wait, theirs) in STRATEGIES.into_iter().zip(STRATEGIES.into_iter().rev()) {
        let directory = TempDir::new().expect("a directory");
        let options = crate::options().ring_capacity(1 << 16).wait(wait);
        let mut listener = options.bind(directory.path().join("socket")).expect("a listener");
        let theirs = format!("{theirs:?}");
        let arguments = [("SOCKET", listener.path().as_os_str()), ("WAIT", OsStr::new(&theirs))];
        let mut child = Child::start("echo", &arguments);
        let connection = listener.accept_timeout(LONG).expect("a client");
        let peer = connection.peer();
        assert_eq!(peer, Credentials { pid: Some(child.id()), ..Credentials::own() });
        assert_eq!(child.hear(), format!("{:?}", Credentials::own()), "whom the other side sees");
        echoed(connection);
        child.finish();
    }
}

/// Every size that a copy may treat differently, and the largest.
fn echoed(connection: Connection) {
    let (mut sender, mut receiver) = connection.split();
    let largest = sender.largest();
    let sizes = (0..300).chain([511, 512, 1023, 4096, 8191, 8192, 16_383, 16_384, 16_385, largest - 1, largest]);
    for (number, size) in sizes.enumerate() {
        let message: Vec<u8> = (0..size).map(|at| (at * 7 + number) as u8).collect();
        sender.send(&message).expect("room");
        assert!(receiver.recv().expect("the echo").to_vec() == message, "the echo of {size} bytes differs");
    }
    let (mut message, mut scratch) = (Vec::new(), Vec::new());
    let mut expected = 0;
    for number in 0..2000 {
        content::fill(number, &mut message);
        sender.send(&message).expect("room");
        while let Ok(echo) = receiver.try_recv() {
            assert!(content::is(expected, &echo.to_vec(), &mut scratch), "echo {expected} differs");
            expected += 1;
        }
    }
    drop(sender);
    while let Ok(echo) = receiver.recv() {
        assert!(content::is(expected, &echo.to_vec(), &mut scratch), "echo {expected} differs");
        expected += 1;
    }
    assert_eq!(expected, 2000);
    assert_eq!(receiver.recv().err(), Some(End::Closed));
}

/// Sends back what comes.
pub fn echo() {
    let wait = strategy(process::argument("WAIT").to_str().expect("a name"));
    let connection = crate::options().wait(wait).connect(socket(), LONG).expect("a listener");
    process::say(&format!("{:?}", connection.peer()));
    send_back(connection);
}

fn send_back(connection: Connection) {
    let (mut sender, mut receiver) = connection.split();
    while let Ok(message) = receiver.recv() {
        sender.send(&message.to_vec()).expect("room");
    }
    // Over a socket, what it had no room for would end with this process.
    sender.finish().expect("somebody who receives it all");
}

/// Listens, and waits to be killed.
pub fn holds() {
    let listener = Listener::bind(socket()).expect("a listener");
    process::say("bound");
    process::await_word();
    drop(listener);
}

#[test]
fn a_listener_may_refuse_and_the_client_learns_why() {
    let directory = TempDir::new().expect("a directory");
    let refuse = |peer: &Credentials| Decision::Refuse(format!("no {} today", peer.pid.expect("a pid")));
    let mut listener = crate::options().authorise(refuse).bind(directory.path().join("socket")).expect("a listener");
    let path = listener.path().to_owned();
    let client = thread::spawn(move || crate::options().connect(path, LONG));
    while listener.counters().refused == 0 {
        let accepted = listener.accept_timeout(std::time::Duration::from_millis(1));
        assert!(matches!(accepted, Err(AcceptError::Timeout)), "{accepted:?}");
    }
    let error = client.join().expect("the client").map(drop).expect_err("it was refused");
    let expected = format!("no {} today", std::process::id());
    assert!(
        matches!(&error, ConnectError::Handshake(HandshakeError::Refused { reason }) if *reason == expected),
        "{error:?}"
    );
    assert_eq!((listener.counters().accepted, listener.counters().failed), (0, 0));
}

#[test]
fn a_client_may_refuse_its_listener() {
    let directory = TempDir::new().expect("a directory");
    let mut listener = Listener::bind(directory.path().join("socket")).expect("a listener");
    let path = listener.path().to_owned();
    let refuse = |_: &Credentials| Decision::Refuse("a stranger".into());
    let client = thread::spawn(move || crate::options().authorise(refuse).connect(path, LONG));
    while listener.counters().declined == 0 {
        let accepted = listener.accept_timeout(std::time::Duration::from_millis(1));
        assert!(matches!(accepted, Err(AcceptError::Timeout)), "{accepted:?}");
        assert_eq!(listener.counters().failed, 0, "to refuse is no failure");
    }
    let error = client.join().expect("the client").map(drop).expect_err("it refused");
    assert!(
        matches!(&error, ConnectError::Handshake(HandshakeError::Unauthorised { reason }) if reason == "a stranger"),
        "{error:?}"
    );
    let counters = listener.counters();
    assert_eq!((counters.accepted, counters.refused, counters.failed), (0, 0, 0), "{counters:?}");
}

#[test]
fn either_side_of_an_inherited_socket_may_refuse_and_the_other_learns_why() {
    let refuse = || crate::options().authorise(|_| Decision::Refuse("not you".into()));
    for accepting_refuses in [true, false] {
        let (here, there) = raw::pair();
        let (accepts, connects) =
            if accepting_refuses { (refuse(), crate::options()) } else { (crate::options(), refuse()) };
        let connecting = thread::spawn(move || connects.connect_over(here, LONG).map(drop));
        let accepted = accepts.accept_over(there, LONG).map(drop).expect_err("no connection");
        let connected = connecting.join().expect("the connector").expect_err("no connection");
        let (refuses, refused) = if accepting_refuses { (accepted, connected) } else { (connected, accepted) };
        assert!(matches!(&refuses, HandshakeError::Unauthorised { reason } if reason == "not you"), "{refuses:?}");
        assert!(matches!(&refused, HandshakeError::Refused { reason } if reason == "not you"), "{refused:?}");
    }
}

#[test]
fn another_user_is_refused_unless_allowed() {
    if !rustix::process::geteuid().is_root() {
        println!("left out: only root can become another user");
        return;
    }
    for allowed in [false, true] {
        let directory = TempDir::new_in("/tmp").expect("a directory");
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(directory.path(), open).expect("a mode");
        let options = crate::options().socket_mode(0o666);
        let options = if allowed { options.authorise(|_| Decision::Accept) } else { options };
        let mut listener = options.bind(directory.path().join("socket")).expect("a listener");
        let widely = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        std::fs::set_permissions(listener.path(), widely).expect("a mode");
        let mut child = Child::start("other user", &[("SOCKET", listener.path().as_os_str())]);
        if allowed {
            let peer = listener.accept_timeout(LONG).expect("an allowed user").peer();
            assert_eq!(peer, Credentials { pid: Some(child.id()), uid: Some(12_345), gid: Some(23_456) });
            assert_eq!(child.hear(), "connected");
        } else {
            while listener.counters().refused == 0 {
                let accepted = listener.accept_timeout(std::time::Duration::from_millis(1));
                assert!(matches!(accepted, Err(AcceptError::Timeout)), "{accepted:?}");
            }
            assert_eq!(child.hear(), "the peer refused: user 12345 is not user 0");
        }
        child.finish();
    }
}

/// Becomes somebody else and connects.
pub fn other_user() {
    nix::unistd::setgid(23_456.into()).expect("another group");
    nix::unistd::setuid(12_345.into()).expect("another user");
    let result = crate::options().authorise(|_| Decision::Accept).connect(socket(), LONG);
    process::say(&result.map_or_else(|error| error.to_string(), |_| "connected".to_owned()));
}

#[test]
fn an_inherited_socket_connects_and_tells_who_inherited_it() {
    for child_accepts in [false, true] {
        let (here, there) = raw::pair();
        // Only for the moment of the start; another child that inherits it too closes it at its end.
        fcntl_setfd(&there, FdFlags::empty()).expect("a descriptor to inherit");
        let number = std::os::fd::AsRawFd::as_raw_fd(&there).to_string();
        let accepts = OsStr::new(if child_accepts { "1" } else { "0" });
        let mut child = Child::start("inherits", &[("DESCRIPTOR", OsStr::new(&number)), ("ACCEPTS", accepts)]);
        drop(there);
        let options = crate::options();
        let connection = if child_accepts { options.connect_over(here, LONG) } else { options.accept_over(here, LONG) };
        let connection = connection.expect("the child");
        // The socket pair was made by this process: the socket would say so of both ends.
        assert_eq!(connection.peer(), Credentials { pid: Some(child.id()), ..Credentials::own() });
        assert_eq!(child.hear(), format!("{:?}", Credentials::own()));
        let (mut sender, mut receiver) = connection.split();
        sender.send(b"echo").expect("room");
        assert_eq!(receiver.recv().expect("an echo").to_vec(), b"echo");
        child.kill();
        assert_eq!(receiver.recv().err(), Some(End::Disconnected));
    }
}

/// Connects over what it inherited.
#[allow(unsafe_code)]
pub fn inherits() {
    let number = i32::try_from(process::number("DESCRIPTOR")).expect("a descriptor");
    // SAFETY: inherited for this, and owned by nobody else in this process.
    let socket = unsafe { OwnedFd::from_raw_fd(number) };
    let options = crate::options();
    let accepts = process::number("ACCEPTS") == 1;
    let connection = if accepts { options.accept_over(socket, LONG) } else { options.connect_over(socket, LONG) };
    let connection = connection.expect("the parent");
    process::say(&format!("{:?}", connection.peer()));
    send_back(connection);
}

#[test]
fn only_a_fitting_socket_is_adopted() {
    let (stream, _other) = std::os::unix::net::UnixStream::pair().expect("a pair");
    let error = twinring::connect_over(stream.into(), LONG).map(drop).expect_err("a stream is no packet socket");
    assert!(error.to_string().contains("SOCK_SEQPACKET"), "{error}");
    let file = std::fs::File::open("/dev/null").expect("the null device");
    let error = twinring::accept_over(file.into(), LONG).map(drop).expect_err("a file is no socket");
    assert!(matches!(error, HandshakeError::Setup(_)), "{error:?}");
    let (here, there) = raw::pair();
    drop(there);
    let error = twinring::accept_over(here, LONG).map(drop).expect_err("nobody is there");
    assert!(matches!(error, HandshakeError::HungUp), "{error:?}");
}

#[test]
fn a_listener_shows_that_somebody_waits() {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let directory = TempDir::new().expect("a directory");
    let listener = Listener::bind(directory.path().join("socket")).expect("a listener");
    let ready = |seconds| {
        let timeout = Timespec { tv_sec: seconds, tv_nsec: 0 };
        poll(&mut [PollFd::from_borrowed_fd(listener.as_fd(), PollFlags::IN)], Some(&timeout)).expect("a poll")
    };
    assert_eq!(ready(0), 0);
    let _client = raw::client(listener.path());
    assert_eq!(ready(30), 1);
}

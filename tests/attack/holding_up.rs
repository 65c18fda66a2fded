//! Descriptors that take for ever to close, passed at every point: nobody is held up by them.
//!
//! A TCP socket that lingers stands for all of those: a FUSE server's file, a file of a dead NFS server, a terminal.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use nix::libc;
use rustix::io::Errno;
use rustix::net::sockopt::{set_socket_linger, set_socket_recv_buffer_size};
use twinring::HandshakeError;
use twinring::connection::wire::Message;

use crate::alone;
use crate::asking::answer;
use crate::gate::Gate;
use crate::leaks::Held;
use crate::raw::{self, SHAPE};
use crate::waits::{LONG, until};

/// As long as who closes one would wait.
const LINGERS: Duration = Duration::from_secs(60);

/// Longer than anything takes that does not wait for one.
const SOON: Duration = Duration::from_secs(15);

/// A socket with something unsent, which lingers when it is closed by its last holder; and the end that takes nothing in.
fn lingering() -> (OwnedFd, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut lingers = TcpStream::connect(listener.local_addr().expect("its address")).expect("a stream");
    let (deaf, _) = listener.accept().expect("its other end");
    set_socket_recv_buffer_size(&deaf, 4096).expect("a small buffer");
    lingers.set_nonblocking(true).expect("a mode");
    while lingers.write(&[7; 1 << 16]).is_ok() {}
    set_socket_linger(&lingers, Some(LINGERS)).expect("an option");
    (lingers.into(), deaf)
}

/// Sends one that nobody else holds; what keeps it from closing.
fn passes(socket: &OwnedFd, bytes: &[u8]) -> (Result<(), Errno>, TcpStream) {
    let (lingers, deaf) = lingering();
    let sent = raw::try_send(socket, bytes, &raw::with(&lingers));
    if sent.is_err() {
        // Else this test would be held up.
        set_socket_linger(&lingers, None).expect("an option");
    }
    (sent, deaf)
}

/// Does it, and soon.
fn soon<T>(what: &str, act: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = act();
    assert!(started.elapsed() < SOON, "{what} took {:?}", started.elapsed());
    result
}

#[test]
fn what_comes_in_place_of_a_half_holds_up_no_listener() {
    let _alone = alone();
    let mut gate = Gate::open();
    let client = gate.greeted();
    let (sent, deaf) = passes(&client, &Message::Half(SHAPE).encode());
    sent.expect("a half is due");
    soon("to refuse it", || gate.fails());
    // From here on who waits to close it is let go.
    drop((deaf, client));
    gate.stands();
}

#[test]
fn what_comes_behind_a_half_holds_up_no_listener() {
    let _alone = alone();
    let mut gate = Gate::open();
    let (client, file) = (gate.greeted(), raw::honest_half());
    raw::send(&client, &Message::Half(SHAPE).encode(), &raw::with(&file));
    // Empty, as if it had hung up, and not.
    let (first, second) = (passes(&client, b""), passes(&client, b"and this"));
    assert_eq!((first.0, second.0), (Ok(()), Ok(())), "a half is due");
    soon("to refuse it", || gate.fails());
    drop((first.1, second.1, client, file));
    gate.stands();
}

#[test]
fn what_lies_in_the_socket_of_one_that_is_refused_holds_up_no_listener() {
    let _alone = alone();
    let mut gate = Gate::open();
    let client = gate.greeted();
    let deaf = [b"no message".as_slice(), b"nor this", b"nor that"].map(|bytes| passes(&client, bytes));
    drop(client);
    soon("to refuse it", || gate.fails());
    drop(deaf);
    gate.stands();
}

#[test]
fn a_stranger_holds_up_no_listener() {
    let _alone = alone();
    let mut gate = Gate::open();
    let client = raw::client(gate.path());
    let (sent, deaf) = passes(&client, &raw::hello());
    assert!(matches!(sent, Ok(()) | Err(Errno::PERM)), "{sent:?}");
    drop(client);
    soon("to refuse it", || gate.fails());
    drop(deaf);
    gate.stands();
}

/// Whether this kernel knows how to keep descriptors away: `SO_PASSRIGHTS`.
fn can_be_kept_away() -> bool {
    let (socket, _other) = raw::pair();
    let no = 0_i32;
    let arguments = [socket.as_raw_fd() as usize, libc::SOL_SOCKET as usize, 83, &raw const no as usize, 4];
    answer(libc::SYS_setsockopt, &arguments) == 0
}

#[test]
fn who_is_connected_can_pass_nothing_if_the_kernel_knows_how_to_keep_it_away() {
    let _alone = alone();
    let mut gate = Gate::open();
    let file = raw::honest_half();
    let (client, connection) = gate.accepts(&file);
    let (sent, deaf) = passes(&client, &[0]);
    if can_be_kept_away() {
        assert_eq!(sent, Err(Errno::PERM));
    } else {
        eprintln!("left out: this kernel is older than 6.16, whoever closes such a connection waits");
    }
    drop(deaf);
    soon("to hang up", || drop(connection));
    drop((client, file));
    gate.stands();
}

#[test]
fn what_comes_in_place_of_a_listeners_half_holds_up_no_connector() {
    let _alone = alone();
    let before = Held::lasting();
    let (ours, theirs) = raw::introduced_pair();
    let deaf = thread::scope(|scope| {
        let serving = scope.spawn(|| {
            assert!(matches!(raw::receive_message(&ours), Some((Message::Hello { .. }, None))), "no HELLO");
            let (sent, deaf) = passes(&ours, &raw::welcome(SHAPE));
            sent.expect("a half is due");
            deaf
        });
        let connected = soon("to refuse it", || twinring::connect_over(theirs, LONG).map(drop));
        assert!(matches!(connected, Err(HandshakeError::Half(_))), "{connected:?}");
        serving.join().expect("no panic")
    });
    drop((deaf, ours));
    until("what came to be closed", || Held::lasting() == before);
}

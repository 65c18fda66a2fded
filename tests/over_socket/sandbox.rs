//! A process that may not share memory: no memory files, no shared mappings.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};
use tempfile::TempDir;
use twinring::{Connection, End, Options, RecvTimeoutError, Transport};

use crate::process::{self, Child};
use crate::refusing::refuse;
use crate::waits::{LONG, until};

const WISHES: [Transport; 3] = [Transport::SharedMemory, Transport::Socket, Transport::Any];

/// From here on this process gets `EPERM` for memory files and shared mappings.
fn forbid_shared_memory() {
    let flags = |least: i32| {
        let operation = SeccompCmpOp::MaskedEq(libc::MAP_TYPE as u64);
        SeccompCondition::new(3, SeccompCmpArgLen::Dword, operation, least as u64).expect("a condition")
    };
    let shared = [libc::MAP_SHARED, libc::MAP_SHARED_VALIDATE];
    let mappings = shared.map(|kind| SeccompRule::new(vec![flags(kind)]).expect("a rule")).to_vec();
    let rules = BTreeMap::from([(libc::SYS_memfd_create, Vec::new()), (libc::SYS_mmap, mappings)]);
    let architecture = std::env::consts::ARCH.try_into().expect("a processor with a filter");
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, architecture).expect("a filter");
    let program: BpfProgram = filter.try_into().expect("a program");
    apply_filter_all_threads(&program).expect("a kernel with filters");
}

/// What a sandboxed process of that wish comes to with a free one of the other; either may be the listener.
fn play(sandboxed: Transport, free: Transport, sandboxed_listens: bool) -> (String, Result<Connection, String>) {
    let directory = TempDir::new().expect("a directory");
    let socket = directory.path().join("socket");
    let options = Options::new().transport(free);
    let (wish, listens) = (format!("{sandboxed:?}"), if sandboxed_listens { "1" } else { "0" });
    let mut listener = (!sandboxed_listens).then(|| options.bind(&*socket).expect("a listener"));
    let arguments = [("SOCKET", socket.as_os_str()), ("WISH", OsStr::new(&wish)), ("LISTENS", OsStr::new(listens))];
    let mut child = Child::start("sandboxed", &arguments);
    let connection = match &mut listener {
        Some(listener) => accept(listener),
        None => options.connect(&*socket, LONG).map_err(|error| error.to_string()),
    };
    let connection = connection.map(|mut connection| {
        connection.ends().0.send(b"from outside").expect("room");
        assert_eq!(connection.ends().1.recv_timeout(LONG).expect("an echo").to_vec(), b"from outside");
        connection
    });
    (child.hear(), connection)
}

/// The client, or how it failed.
fn accept(listener: &mut twinring::Listener) -> Result<Connection, String> {
    loop {
        match listener.accept_timeout(std::time::Duration::from_millis(50)) {
            Ok(connection) => return Ok(connection),
            Err(_) if listener.counters().failed + listener.counters().declined > 0 => return Err("no client".into()),
            Err(_) => {}
        }
    }
}

/// The sandboxed process: connects, echoes one message, says what came of it.
pub fn sandboxed() {
    forbid_shared_memory();
    let wish = process::argument("WISH");
    let wish = WISHES.into_iter().find(|known| wish == *format!("{known:?}")).expect("a wish");
    let (socket, options) = (PathBuf::from(process::argument("SOCKET")), Options::new().transport(wish));
    let connection = if process::number("LISTENS") == 1 {
        let mut listener = options.bind(socket).expect("a listener");
        accept(&mut listener)
    } else {
        options.connect(socket, LONG).map_err(|error| error.to_string())
    };
    let mut connection = match connection {
        Ok(connection) => connection,
        Err(error) => return process::say(&error),
    };
    let message = connection.ends().1.recv_timeout(LONG).expect("a message").to_vec();
    connection.ends().0.send(&message).expect("room");
    process::say(&connection.transport().to_string());
    assert_eq!(connection.ends().1.recv().err(), Some(End::Closed));
}

#[test]
fn without_shared_memory_the_socket_carries() {
    for (sandboxed, free) in [
        (Transport::Socket, Transport::Socket),
        (Transport::Socket, Transport::Any),
        (Transport::Any, Transport::Any),
        (Transport::Any, Transport::Socket),
    ] {
        for listens in [false, true] {
            let (said, connection) = play(sandboxed, free, listens);
            let connection = connection.unwrap_or_else(|error| panic!("{sandboxed:?}, {free:?}, {listens}: {error}"));
            assert_eq!((said.as_str(), connection.transport()), ("the socket", Transport::Socket));
        }
    }
}

#[test]
fn who_wants_shared_memory_or_nothing_is_told_that_there_is_none() {
    for sandboxed in [Transport::SharedMemory, Transport::Any] {
        let (said, connection) = play(sandboxed, Transport::SharedMemory, false);
        assert!(connection.is_err());
        let expected = match sandboxed {
            Transport::Any => "the peer refused: expected messages over shared memory, came the socket",
            _ => "could not get",
        };
        assert!(said.contains(expected), "{sandboxed:?}: {said}");
    }
    for (sandboxed, free) in [(Transport::SharedMemory, Transport::Any), (Transport::Any, Transport::SharedMemory)] {
        let (said, connection) = play(sandboxed, free, true);
        assert!(said == "no client" && connection.is_err_and(|error| error.contains("out of memory or descriptors")));
    }
}

/// What may not be sent is not lost without a word.
#[test]
fn who_may_send_no_more_learns_of_it() {
    Child::start("may not send", &[]).finish();
}

/// A process around which a sandbox closes while it is connected.
pub fn may_not_send() {
    let (mut here, mut there) = crate::options().pair().expect("a pair");
    here.ends().0.send(b"while it may").expect("room");
    refuse(libc::SYS_sendto);
    until("the end of sending", || here.ends().0.try_send(b"nothing").is_err());
    assert_eq!(there.ends().1.recv_timeout(LONG).expect("a message").to_vec(), b"while it may");
    assert_eq!(there.ends().1.recv_timeout(LONG).err(), Some(RecvTimeoutError::Ended(End::Disconnected)));
}

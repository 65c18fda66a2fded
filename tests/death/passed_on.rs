//! Programs that a peer starts, children that it forks, ends of its socket that others hold: none of them is the peer.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use tempfile::TempDir;
use twinring::{Connection, End, RecvTimeoutError, WaitStrategy};

use crate::process::{self, Child};
use crate::waits::{LONG, STRATEGIES};

/// A death is known sooner than this, also on a machine that stalls for a second; one that is missed never is.
const AT_ONCE: Duration = Duration::from_secs(10);

/// What a peer does beside answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// It becomes another program.
    Executes,
    /// It starts another program, which goes on.
    Starts,
    /// It forks children that end, some of them by dropping what is their parent's.
    Forks,
}

const DEEDS: [Deed; 3] = [Deed::Executes, Deed::Starts, Deed::Forks];

/// A program that does nothing for long.
fn idle() -> Command {
    let mut idle = Command::new("sleep");
    idle.arg("60");
    idle
}

/// Our end of a connection to a process that does that, once it has.
fn doer(deed: Deed, wait: WaitStrategy) -> (TempDir, Child, Connection, String) {
    let directory = TempDir::new().expect("a directory");
    let mut listener = crate::options().wait(wait).bind(directory.path().join("socket")).expect("a listener");
    let deed = format!("{deed:?}");
    let arguments = [("SOCKET", listener.path().as_os_str()), ("DEED", deed.as_ref())];
    let mut child = Child::start("doer", &arguments);
    let mut connection = listener.accept_timeout(LONG).expect("the doer");
    echoed(&mut connection);
    let said = child.hear();
    (directory, child, connection, said)
}

fn echoed(connection: &mut Connection) {
    connection.ends().0.send(b"still there?").expect("room");
    assert_eq!(connection.ends().1.recv_timeout(LONG).expect("an echo").to_vec(), b"still there?");
}

fn echo(connection: &mut Connection) {
    let message = connection.ends().1.recv_timeout(LONG).expect("a message").to_vec();
    connection.ends().0.send(&message).expect("room");
}

/// The process that does it.
pub fn doer_of_deeds() {
    let socket = PathBuf::from(process::argument("SOCKET"));
    let mut connection = crate::options().connect(socket, LONG).expect("a listener");
    echo(&mut connection);
    let deed = process::argument("DEED");
    match DEEDS.into_iter().find(|known| deed == *format!("{known:?}")).expect("a deed") {
        Deed::Executes => {
            process::say("executing");
            panic!("it is the same program: {}", idle().exec());
        }
        Deed::Starts => process::say(&idle().spawn().expect("a program").id().to_string()),
        Deed::Forks => process::say("forking"),
    }
    loop {
        if deed == "Forks" {
            connection = fork_twice(connection);
        }
        match connection.ends().1.recv_timeout(LONG).map(|message| message.to_vec()) {
            Ok(message) => connection.ends().0.send(&message).expect("room"),
            Err(error) => return assert_eq!(error, RecvTimeoutError::Ended(End::Closed)),
        }
    }
}

/// Two children: one that ends at once, one that drops the connection before.
fn fork_twice(connection: Connection) -> Connection {
    let mut connection = Some(connection);
    for drops in [false, true] {
        // SAFETY: the child drops a connection, which makes no lock its own, or nothing, and exits.
        match unsafe { fork() }.expect("a child") {
            ForkResult::Child => {
                drop(connection.take().filter(|_| drops));
                // SAFETY: nothing of this process is to run any more: that is what it is for.
                unsafe { nix::libc::_exit(0) }
            }
            ForkResult::Parent { child } => assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0))),
        }
    }
    connection.expect("it was taken in the children only")
}

/// That the end comes soon.
fn ended(mut connection: Connection, since: Instant) {
    let end = connection.ends().1.recv_timeout(LONG).map(|message| message.to_vec());
    assert_eq!(end, Err(RecvTimeoutError::Ended(End::Disconnected)));
    assert!(since.elapsed() < AT_ONCE, "known after {:?}", since.elapsed());
}

#[test]
fn a_peer_that_becomes_another_program_has_gone() {
    for wait in STRATEGIES {
        let (_directory, child, connection, said) = doer(Deed::Executes, wait);
        let since = Instant::now();
        assert_eq!(said, "executing");
        ended(connection, since);
        assert_eq!(kill(Pid::from_raw(child.id() as i32), None), Ok(()), "the process lives");
    }
}

#[test]
fn a_program_that_a_peer_starts_hides_no_death() {
    for wait in STRATEGIES {
        let (_directory, mut child, mut connection, started) = doer(Deed::Starts, wait);
        let started = Pid::from_raw(started.parse().expect("a pid"));
        echoed(&mut connection);
        let since = Instant::now();
        child.kill();
        ended(connection, since);
        assert_eq!(kill(started, Signal::SIGKILL), Ok(()), "the program had ended");
    }
}

#[test]
fn children_of_a_peer_that_end_change_nothing() {
    for wait in STRATEGIES {
        let (_directory, child, mut connection, _said) = doer(Deed::Forks, wait);
        for _ in 0..5 {
            echoed(&mut connection);
        }
        drop(connection);
        child.finish();
    }
}

#[test]
fn who_holds_both_ends_of_a_socket_learns_of_a_death_all_the_same() {
    let pair = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
    let (ours, theirs) = pair.expect("a pair of sockets");
    fcntl_setfd(&theirs, FdFlags::empty()).expect("a descriptor that is inherited");
    let number = theirs.as_raw_fd().to_string();
    let mut child = Child::start("heir", &[("DESCRIPTOR", number.as_ref())]);
    let mut connection = crate::options().accept_over(ours, LONG).expect("the heir");
    echoed(&mut connection);
    let since = Instant::now();
    child.kill();
    ended(connection, since);
    // Until here this process could have hung up in the heir's place.
    drop(theirs);
}

/// The socket that this process has inherited.
pub fn inherited() -> OwnedFd {
    let number = i32::try_from(process::number("DESCRIPTOR")).expect("a descriptor");
    // SAFETY: it was inherited for this, and nothing else in this process knows of it.
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// The process that inherits the socket, and stays.
pub fn heir() {
    let mut connection = crate::options().connect_over(inherited(), LONG).expect("the one who made it");
    echo(&mut connection);
    loop {
        thread::park();
    }
}

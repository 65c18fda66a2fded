//! A new process under the number of a dead one.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, pause};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter,
};
use tempfile::TempDir;
use twinring::connection::wire::Message;
use twinring::{AcceptError, Connection, End, HandshakeError, Listener, RecvTimeoutError, SetupError};

use crate::process::{self, Child};
use crate::waits::{LONG, until};
use crate::{given, passed_on, raw};

/// Long enough for a death to be known.
const SOON: Duration = Duration::from_millis(300);

/// A process with a number of our choice; none if that cannot be had here.
struct Namesake(Pid);

impl Namesake {
    fn of(number: i32) -> Option<Self> {
        for _ in 0..1000 {
            // Only where one may is the next number one's own to choose.
            fs::write("/proc/sys/kernel/ns_last_pid", (number - 1).to_string()).ok()?;
            // SAFETY: the child only pauses.
            let child = match unsafe { fork() }.expect("a child") {
                ForkResult::Child => loop {
                    pause();
                },
                ForkResult::Parent { child } => Self(child),
            };
            // Somebody else may have had it first, and let it go by now.
            if child.0.as_raw() == number {
                return Some(child);
            }
        }
        None
    }
}

impl Drop for Namesake {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGKILL);
        let _ = waitpid(self.0, None);
    }
}

/// The parent connects, and its child uses the connection, when the parent is dead and its number somebody else's.
pub fn connects_for_its_child() {
    let socket = raw::client(&PathBuf::from(process::argument("SOCKET")));
    // SAFETY: this process has no other thread that holds anything; the child connects, and ends.
    match unsafe { fork() }.expect("a child") {
        ForkResult::Parent { child } => process::say(&child.to_string()),
        ForkResult::Child => {
            process::await_word();
            // Where the death is known at once, this fails.
            let connected = crate::options().connect_over(socket, LONG);
            // Until the word that never comes: its end is ours.
            process::await_word();
            drop(connected);
        }
    }
}

/// Whether the connection is still there, as far as our side knows.
fn lives(connection: &mut Connection) -> bool {
    match connection.ends().1.recv_timeout(SOON).map(|message| message.to_vec()) {
        Err(RecvTimeoutError::Timeout) => true,
        Err(RecvTimeoutError::Ended(End::Disconnected)) => false,
        other => panic!("expected nothing or the end, came {other:?}"),
    }
}

/// Who comes, unless the death is known before they are connected.
fn accepted(listener: &mut Listener) -> Option<Connection> {
    let mut connection = None;
    until("the child of a dead process", || {
        connection = match listener.accept_timeout(Duration::from_millis(1)) {
            Err(AcceptError::Timeout) => None,
            accepted => Some(accepted.expect("a listener that goes on")),
        };
        connection.is_some() || listener.counters().failed == 1
    });
    connection
}

#[test]
fn a_process_with_the_number_of_a_dead_peer_is_not_taken_for_it() {
    let directory = TempDir::new().expect("a directory");
    let mut listener = crate::options().bind(directory.path().join("socket")).expect("a listener");
    let mut parent = Child::start("connects for its child", &[("SOCKET", listener.path().as_os_str())]);
    let number = parent.id() as i32;
    let orphan = Pid::from_raw(parent.hear().parse().expect("a pid"));
    parent.reap();
    let Some(namesake) = Namesake::of(number) else {
        println!("NOT TESTED: no number of a process can be chosen here (/proc/sys/kernel/ns_last_pid)");
        return;
    };
    parent.go_on();
    let Some(mut connection) = accepted(&mut listener) else {
        println!("the child of a dead process is not let in");
        return;
    };
    assert_eq!(connection.peer().pid, Some(number as u32), "whom the kernel names");
    let lived = lives(&mut connection);
    println!("the connection of a dead process's child {}", if lived { "lives" } else { "has ended" });
    drop(namesake);
    assert_eq!(lives(&mut connection), lived, "the end of a stranger was taken for the peer's");
    kill(orphan, Signal::SIGKILL).expect("the child");
    assert!(!lives(&mut connection), "the end of who used the connection was missed");
}

/// Says hello over a socket that it has inherited, and no more.
pub fn greets() {
    raw::send(&passed_on::inherited(), &raw::hello(), &[]);
    process::say("greeted");
    process::await_word();
}

/// Says welcome, and no more.
pub fn welcomes() {
    let socket = passed_on::inherited();
    assert!(matches!(raw::receive_message(&socket), Some((Message::Hello { .. }, None))), "no HELLO");
    raw::send(&socket, &raw::welcome(raw::SHAPE), &raw::with(&raw::honest_half()));
    process::say("welcomed");
    process::await_word();
}

/// Kills a process, and has a stranger in its place; none if that cannot be had here.
fn replaced(mut child: Child) -> Option<Namesake> {
    let number = child.id();
    child.kill();
    child.reap();
    let namesake = Namesake::of(number as i32);
    if namesake.is_none() {
        println!("NOT TESTED: no number of a process can be chosen here (/proc/sys/kernel/ns_last_pid)");
    }
    namesake
}

fn assert_unwatched(connected: Result<Connection, HandshakeError>, stranger: &Namesake) {
    match connected {
        Ok(mut connection) => {
            assert_eq!(connection.peer().pid, Some(stranger.0.as_raw() as u32), "whom the kernel names");
            assert!(!lives(&mut connection), "a stranger is watched");
        }
        // The death is known before they are connected, or the kernel has forgotten who it was.
        Err(HandshakeError::HungUp | HandshakeError::Setup(SetupError::Watch(_))) => {}
        Err(error) => panic!("{error}"),
    }
}

/// The kernel brings the process itself with its packet, not only its number.
fn brings_processes() -> bool {
    let brings = raw::is_linux(6, 5);
    if !brings {
        println!("NOT TESTED: this kernel brings numbers only");
    }
    brings
}

#[test]
fn a_process_with_the_number_of_one_that_died_in_the_handshake_is_not_watched() {
    let (ours, other) = raw::introduced_pair();
    let mut child = given::heir("greets", &other);
    assert_eq!(child.hear(), "greeted");
    let Some(stranger) = replaced(child).filter(|_| brings_processes()) else { return };
    let accepting = thread::spawn(move || crate::options().accept_over(ours, LONG));
    // Whoever holds the end of the dead one, as we do, can say the rest.
    assert!(matches!(raw::receive_message(&other), Some((Message::Welcome { .. }, Some(_)))), "no WELCOME");
    raw::send(&other, &Message::Half(raw::SHAPE).encode(), &raw::with(&raw::honest_half()));
    assert_unwatched(accepting.join().expect("a thread"), &stranger);
}

#[test]
fn nor_by_one_that_connects() {
    let (ours, other) = raw::introduced_pair();
    let mut child = given::heir("welcomes", &other);
    let connecting = thread::spawn(move || crate::options().connect_over(ours, LONG));
    assert_eq!(child.hear(), "welcomed");
    assert!(matches!(raw::receive_message(&other), Some((Message::Half(_), Some(_)))), "no HALF");
    let Some(stranger) = replaced(child).filter(|_| brings_processes()) else { return };
    raw::send(&other, &Message::Ready.encode(), &[]);
    assert_unwatched(connecting.join().expect("a thread"), &stranger);
}

/// Some kernels forget who connected a socket once it has ended; here a filter says so.
#[test]
fn a_peer_whom_the_kernel_has_forgotten_is_not_looked_for_by_its_number() {
    for errno in [nix::libc::ESRCH, nix::libc::EINVAL] {
        let directory = TempDir::new().expect("a directory");
        let socket = directory.path().join("socket");
        let errno = errno.to_string();
        let arguments = [("SOCKET", socket.as_os_str()), ("ERRNO", errno.as_ref())];
        let child = Child::start("has forgotten", &arguments);
        let connected = crate::options().connect(&*socket, LONG);
        assert!(connected.is_err(), "the other side watches whoever has our number: {connected:?}");
        child.finish();
    }
}

/// A listener to which the kernel says of every client that it has ended.
pub fn has_forgotten() {
    let mut listener = crate::options().bind(PathBuf::from(process::argument("SOCKET"))).expect("a listener");
    let option = SeccompCondition::new(2, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, nix::libc::SO_PEERPIDFD as u64);
    let rule = SeccompRule::new(vec![option.expect("a condition")]).expect("a rule");
    let rules = BTreeMap::from([(nix::libc::SYS_getsockopt, vec![rule])]);
    let answer = SeccompAction::Errno(process::number("ERRNO") as u32);
    let architecture = std::env::consts::ARCH.try_into().expect("a processor with a filter");
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, answer, architecture).expect("a filter");
    let program: BpfProgram = filter.try_into().expect("a program");
    apply_filter(&program).expect("a kernel with filters");
    while listener.counters().failed == 0 {
        match listener.accept_timeout(Duration::from_millis(1)) {
            Err(AcceptError::Timeout) => {}
            other => panic!("expected nobody, came {other:?}"),
        }
    }
}

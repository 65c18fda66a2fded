//! Forked children: inert with what they inherit, and no disguise for a dead parent.
#![allow(unsafe_code)]

use std::os::fd::AsFd;
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, pause};
use tempfile::TempDir;
use twinring::{
    Connection, End, Listener, Readiness, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
    WaitStrategy,
};

use crate::process::{self, Child};
use crate::waits::{LONG, STRATEGIES};

#[test]
fn a_forked_childs_handles_are_inert() {
    Child::start("owner and forked child", &[]).finish();
}

/// A process that connects, forks, and goes on.
pub fn owner() {
    for wait in STRATEGIES {
        let (mut here, mut there) = crate::options().wait(wait).pair().expect("a pair");
        echo(&mut here, &mut there);
        // SAFETY: the child uses what this test is about, allocates (which the C library makes fork-safe), and exits.
        let forked = unsafe { fork() }.expect("a child");
        let ForkResult::Parent { child } = forked else { exit_of(move || inert(here, there)) };
        let status = waitpid(child, None).expect("the child's end");
        assert_eq!(status, WaitStatus::Exited(child, 0), "{wait:?}: the child");
        echo(&mut here, &mut there);
        let (sender, receiver) = there.split();
        assert_eq!(here.ends().1.try_recv().err(), Some(TryRecvError::Empty), "{wait:?}: the child's drop reached us");
        drop((sender, receiver));
        assert_eq!(here.ends().1.recv().err(), Some(End::Closed), "{wait:?}");
    }
}

/// Runs the child's part and leaves at once, by a code that tells a panic apart.
pub fn exit_of(part: impl FnOnce()) -> ! {
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(part)).is_err();
    // SAFETY: nothing of this process is to run any more: that is what it is for.
    unsafe { nix::libc::_exit(i32::from(failed)) }
}

/// Everything, in the child.
fn inert(here: Connection, there: Connection) {
    let ((mut sender, mut receiver), (finishing, _receiver)) = (here.split(), there.split());
    assert_eq!(sender.send(b"x"), Err(SendError::Ended(End::Forked)));
    assert_eq!(sender.try_send(b"x"), Err(TrySendError::Ended(End::Forked)));
    assert_eq!(sender.send_deadline(b"x", Instant::now()), Err(SendTimeoutError::Ended(End::Forked)));
    assert_eq!(sender.send_vectored(&[]), Err(SendError::Ended(End::Forked)));
    assert_eq!(sender.reserve(8).map(drop), Err(SendError::Ended(End::Forked)));
    assert_eq!(sender.batch().push(b"x"), Err(SendError::Ended(End::Forked)));
    assert_eq!(receiver.recv().err(), Some(End::Forked));
    assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Ended(End::Forked)));
    assert_eq!(receiver.recv_deadline(Instant::now()).err(), Some(RecvTimeoutError::Ended(End::Forked)));
    assert_eq!(receiver.drain(5, |_| ()), Err(End::Forked));
    // `Err` is the answer of a side that spins.
    assert_ne!(receiver.arm(), Ok(Readiness::Armed), "nothing will come");
    assert_eq!(finishing.finish(), Err(End::Forked));
    assert!(sender.counters().messages > 0);
    let _ = receiver.as_fd();
}

#[test]
fn what_is_alive_across_a_fork_is_inert_in_the_child() {
    Child::start("owner of what is alive", &[]).finish();
}

/// A process that forks in the middle of a message, a reservation and a batch, and goes on with them.
pub fn owner_of_what_is_alive() {
    // So long that its room is given back at once.
    let large = [7; 200_000];
    for wait in STRATEGIES {
        let (here, there) = crate::options().wait(wait).pair().expect("a pair");
        let ((mut sender, mut back), (mut forth, mut receiver)) = (here.split(), there.split());
        forth.send(&large).expect("room");
        let message = back.recv().expect("a message");
        let mut reservation = forth.reserve(8).expect("room");
        let mut batch = sender.batch();
        batch.push(b"before").expect("room");
        // SAFETY: the child uses what this test is about, and exits.
        let forked = unsafe { fork() }.expect("a child");
        let ForkResult::Parent { child } = forked else {
            exit_of(move || {
                assert_eq!((message.len(), reservation.len()), (large.len(), 8));
                drop((message, reservation));
                assert_eq!(batch.push(b"in the child"), Err(SendError::Ended(End::Forked)));
                assert_eq!(batch.try_push(b"in the child"), Err(TrySendError::Ended(End::Forked)));
                batch.flush();
            })
        };
        assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)), "{wait:?}: the child");
        assert_eq!(message.to_vec(), large);
        reservation.write_at(0, b"reserved");
        reservation.commit();
        batch.push(b"after").expect("room");
        drop((message, batch));
        assert_eq!(back.try_recv().expect("a message").to_vec(), b"reserved");
        assert_eq!(receiver.try_recv().expect("a message").to_vec(), b"before");
        assert_eq!(receiver.try_recv().expect("a message").to_vec(), b"after");
        assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Empty), "{wait:?}: the child sent something");
    }
}

fn echo(here: &mut Connection, there: &mut Connection) {
    for (from, to) in [(0, 1), (1, 0)] {
        let sides = [&mut *here, &mut *there];
        sides[from].ends().0.send(b"still here").expect("room");
        assert_eq!(sides[to].ends().1.recv().expect("a message").to_vec(), b"still here");
    }
}

#[test]
fn a_child_that_holds_the_socket_open_does_not_hide_a_death() {
    for wait in [WaitStrategy::Spin, WaitStrategy::Park] {
        let directory = TempDir::new().expect("a directory");
        let mut listener = crate::options().wait(wait).bind(directory.path().join("socket")).expect("a listener");
        let mut owner = Child::start("leaves a child behind", &[("SOCKET", listener.path().as_os_str())]);
        let (_sender, mut receiver) = listener.accept_timeout(LONG).expect("the owner").split();
        let orphan = Orphan(Pid::from_raw(owner.hear().parse().expect("a pid")));
        owner.kill();
        let killed = Instant::now();
        assert_eq!(receiver.recv_timeout(LONG).err(), Some(RecvTimeoutError::Ended(End::Disconnected)), "{wait:?}");
        assert!(killed.elapsed().as_secs() < 1, "seen after {:?}", killed.elapsed());
        assert_eq!(kill(orphan.0, None), Ok(()), "the child still holds the socket");
    }
}

/// A process that connects, forks a child that keeps everything open, and waits to be killed.
pub fn leaves_a_child_behind() {
    let _connection = crate::options().connect(PathBuf::from(process::argument("SOCKET")), LONG).expect("a listener");
    // SAFETY: the child only pauses.
    match unsafe { fork() }.expect("a child") {
        ForkResult::Child => loop {
            pause();
        },
        ForkResult::Parent { child } => process::say(&child.to_string()),
    }
    loop {
        thread::park();
    }
}

/// A process that nobody waits for.
struct Orphan(Pid);

impl Drop for Orphan {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGKILL);
    }
}

#[test]
fn a_forked_childs_listener_leaves_the_socket() {
    let directory = TempDir::new().expect("a directory");
    let listener = Listener::bind(directory.path().join("socket")).expect("a listener");
    let path = listener.path().to_owned();
    // SAFETY: the child drops a listener, which makes at most system calls, and exits.
    let forked = unsafe { fork() }.expect("a child");
    let ForkResult::Parent { child } = forked else { exit_of(move || drop(listener)) };
    assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)));
    assert!(path.exists(), "the child removed its parent's socket");
    assert!(path.with_file_name("socket.lock").exists(), "the child removed its parent's lock");
    assert!(Listener::bind(&*path).is_err(), "the parent still listens");
}

//! The thread that carries where nobody of the user's does: when there is one, and what comes of a kernel that refuses it something.
//! Each in a process of its own, because there is one thread for all.

use std::fs;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::libc::{EPERM, SYS_epoll_ctl, SYS_epoll_pwait};
use twinring::carrier::stream;
use twinring::connection::wire::Opening;
use twinring::region::VERSION;
use twinring::{End, RecvTimeoutError, TryRecvError};

use crate::load::{carrier, carriers};
use crate::process::Child;
use crate::raw;
use crate::refusing::{answer_where, refuse};
use crate::waits::{LONG, call_of, rests, until};

#[test]
fn a_thread_that_has_ended_carries_for_nobody() {
    Child::start("keeps what has ended", &[]).finish();
}

/// A process that holds a connection after its end, and makes another.
pub fn keeps_what_has_ended() {
    let (peer, mut ended) = raw::carried();
    // It gives itself its name.
    until("a thread", || carriers() == 1);
    drop(peer);
    assert_eq!(ended.ends().1.recv_timeout(LONG).err(), Some(RecvTimeoutError::Ended(End::Disconnected)));
    until("the end of the thread", || carriers() == 0);
    let (_here, _there) = crate::options().pair().expect("a pair");
    until("another thread", || carriers() == 1);
}

#[test]
fn a_thread_that_may_not_wait_carries_for_nobody() {
    Child::start("may not wait", &[]).finish();
}

/// A process that may wait at first, and then not: what it has ends, and nothing more is had.
pub fn may_not_wait() {
    let (mut here, mut there) = crate::options().pair().expect("a pair");
    // More than is moved in a turn: it has not ended when the thread has.
    let (peer, _unread) = raw::carried();
    let frame = [&stream::data(1000)[..], &[9; 1000]].concat();
    (0..90).for_each(|_| raw::send(&peer, &frame, &[]));
    // Nobody reads, so it has to wait for room with some of that.
    until("the thread to rest", || {
        carrier().is_some_and(|task| rests(&task) && call_of(&task) == Some(SYS_epoll_pwait))
    });
    refuse(SYS_epoll_pwait);
    // The thread is called for that, and may not wait for more.
    here.ends().0.send(b"the first").expect("room");
    let mut first = None;
    until("the end", || match there.ends().1.try_recv() {
        Ok(message) => {
            first.get_or_insert(message.to_vec());
            false
        }
        Err(error) => {
            // What this thread takes off the socket itself calls nobody.
            let _ = here.ends().0.try_send(b"another");
            error == TryRecvError::Ended(End::Disconnected)
        }
    });
    assert_eq!(first.as_deref(), Some(&b"the first"[..]));
    let error = crate::options().pair().map(drop).expect_err("nobody carries");
    assert!(error.to_string().contains("could not carry messages over the socket"), "{error}");
}

#[test]
fn a_socket_that_cannot_be_watched_leaves_no_thread_behind() {
    Child::start("may not watch", &[]).finish();
}

/// A process that may watch everything but one socket.
pub fn may_not_watch() {
    let (here, mut there) = UnixStream::pair().expect("a pair");
    there.write_all(&Opening { version: VERSION, ring: 65536 }.encode()).expect("room");
    answer_where(SYS_epoll_ctl, (2, here.as_raw_fd() as u64), EPERM);
    let before = threads();
    let error = crate::options().over_stream(OwnedFd::from(here), LONG).map(drop).expect_err("nobody carries");
    assert!(error.to_string().contains("could not carry messages over the socket"), "{error}");
    until("the end of the thread", || threads() == before);
}

/// How many threads this process has, whatever they are called yet.
fn threads() -> usize {
    fs::read_dir("/proc/self/task").expect("the threads").count()
}

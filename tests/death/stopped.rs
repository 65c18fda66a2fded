//! A peer that is stopped for longer than every timeout: it has not died, and goes on as if nothing had been.

use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use tempfile::TempDir;
use twinring::{End, RecvTimeoutError, SendTimeoutError, Sender};

use crate::content;
use crate::process::{self, Child};
use crate::waits::{LONG, STRATEGIES};

const SOON: Duration = Duration::from_millis(50);

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id() as i32);
    kill(pid, signal).expect("a process to signal");
    if signal == Signal::SIGSTOP {
        // It has stopped when its only parent is told so.
        waitpid(pid, Some(WaitPidFlag::WUNTRACED)).expect("a stopped child");
    }
}

/// Sends, from message `next` on, until there is no room for long.
fn fill(sender: &mut Sender, next: &mut u64) {
    let mut message = Vec::new();
    loop {
        content::fill(*next, &mut message);
        match sender.send_timeout(&message, SOON) {
            Ok(()) => *next += 1,
            Err(error) => return assert_eq!(error, SendTimeoutError::Timeout),
        }
    }
}

#[test]
fn a_peer_that_is_stopped_for_long_has_not_died_and_goes_on() {
    for wait in STRATEGIES {
        let directory = TempDir::new().expect("a directory");
        let options = crate::options().ring_capacity(1 << 14).wait(wait);
        let mut listener = options.bind(directory.path().join("socket")).expect("a listener");
        let mut child = Child::start("counts", &[("SOCKET", listener.path().as_os_str())]);
        let (mut sender, mut receiver) = listener.accept_timeout(LONG).expect("a client").split();
        let mut next = 0;
        for _ in 0..3 {
            signal(&child, Signal::SIGSTOP);
            fill(&mut sender, &mut next);
            assert_eq!(receiver.recv_timeout(SOON).err(), Some(RecvTimeoutError::Timeout), "{wait:?}");
            signal(&child, Signal::SIGCONT);
            let mut message = Vec::new();
            content::fill(next, &mut message);
            sender.send_timeout(&message, LONG).expect("room");
            next += 1;
        }
        assert_eq!(sender.finish(), Ok(()), "{wait:?}");
        assert_eq!(child.hear(), next.to_string(), "{wait:?}: received");
        child.finish();
    }
}

/// The process that is stopped: receives until the end, and says how many came.
pub fn counts() {
    let options = crate::options().ring_capacity(1 << 14);
    let connection = options.connect(PathBuf::from(process::argument("SOCKET")), LONG).expect("a listener");
    let (_sender, mut receiver) = connection.split();
    let (mut count, mut scratch) = (0_u64, Vec::new());
    let end = loop {
        match receiver.recv() {
            Ok(message) => assert!(content::is(count, &message.to_vec(), &mut scratch), "message {count} is torn"),
            Err(end) => break end,
        }
        count += 1;
    };
    assert_eq!(end, End::Closed);
    process::say(&count.to_string());
}

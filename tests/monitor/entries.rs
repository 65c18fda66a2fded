//! Entries come and go with their connections.

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use twinring::{Connection, Monitor, MonitoredConnection, pair};

use crate::leaks::Held;
use crate::opened;
use crate::process::Child;

/// A monitor with room for two connections, alone in its process.
pub fn alone() {
    let before = Held::lasting();
    let threads = Held::now().threads;
    drop(pair().expect("a pair"));
    assert_eq!(Held::lasting(), before, "a process that did not ask has nothing of it");
    let early = pair().expect("a pair");
    let monitor = Monitor::start_for(2).expect("a monitor");
    let own = || opened(std::process::id());
    assert_eq!(own().connections(), [], "made before the monitor");
    drop(early);
    let counted = |ends: &mut (Connection, Connection)| ends.0.ends().0.send(b"one").expect("room");
    let mut first = pair().expect("a pair");
    counted(&mut first);
    let mut more = pair().expect("a pair beyond the ledger");
    counted(&mut more);
    assert_eq!(own().connections().len(), 2);
    assert_eq!(own().unlisted(), 2);
    assert_eq!(more.0.ends().0.counters().messages, 1, "it counts all the same");
    let ids = |seen: Vec<MonitoredConnection>| seen.into_iter().map(|seen| seen.id).collect::<Vec<_>>();
    let old = ids(own().connections());
    drop(first);
    assert_eq!(own().connections(), []);
    let second = pair().expect("a pair");
    let seen = own().connections();
    assert!(seen.iter().all(|seen| seen.sender.messages == 0 && seen.sender.wakes == 0), "{seen:?}");
    let new = ids(seen);
    assert!(new.len() == 2 && new.iter().all(|id| !old.contains(id)), "{old:?} {new:?}");
    let other = Monitor::start().expect("the same monitor");
    drop(monitor);
    assert_eq!(own().connections().len(), 2, "it lives as long as a handle");
    drop(other);
    assert!(crate::listed(std::process::id()).is_none());
    drop((second, more));
    assert_eq!((Held::lasting(), Held::now().threads), (before, threads), "something is left");
}

#[test]
fn entries_come_and_go_and_nothing_is_left() {
    Child::start("alone", &[]).finish();
}

/// Forks: the child has no part in what its parent shows.
pub fn parent_of_a_child() {
    let monitor = Monitor::start().expect("a monitor");
    let (mut here, there) = pair().expect("a pair");
    here.ends().0.send(b"before").expect("room");
    #[allow(unsafe_code)]
    // SAFETY: this process has no other thread of the test's at this point that holds a lock.
    match unsafe { fork() }.expect("a child") {
        ForkResult::Child => {
            here.ends().0.send(b"from the child").expect_err("inert");
            drop((here, there));
            let own = pair().expect("a pair of the child's own");
            drop((own, monitor));
            std::process::exit(0);
        }
        ForkResult::Parent { child } => {
            assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)));
        }
    }
    let seen = opened(std::process::id()).connections();
    assert_eq!(seen.iter().map(|seen| seen.sender.messages).sum::<u64>(), 1, "{seen:?}");
    assert_eq!(seen.len(), 2, "{seen:?}");
}

#[test]
fn a_forked_child_changes_nothing() {
    Child::start("parent of a child", &[]).finish();
}

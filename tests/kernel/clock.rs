//! By which clock it is waited: the monotonic one, which nobody can set.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::libc;
use tempfile::TempDir;

use crate::peer;
use crate::process::{self, Child};
use crate::scenario;
use crate::supervisor::{End, Made, supervise};
use crate::waits::LONG;

/// The clock of a wait that has a deadline, and which kind it is. Other calls that wait (`ppoll`, `epoll_pwait`) take the time
/// from now, which is counted on the monotonic clock by definition.
fn clock_of(asked: &Made) -> Option<(usize, u64)> {
    let [first, second, _, timeout, fifth, _] = asked.arguments;
    match asked.number {
        libc::SYS_futex_waitv if timeout != 0 => Some((0, fifth)),
        libc::SYS_futex => {
            let operation = second as i32 & libc::FUTEX_CMD_MASK;
            let by_date = second as i32 & libc::FUTEX_CLOCK_REALTIME != 0;
            let waits = [libc::FUTEX_WAIT, libc::FUTEX_WAIT_BITSET].contains(&operation) && timeout != 0;
            waits.then_some((1, if by_date { libc::CLOCK_REALTIME } else { libc::CLOCK_MONOTONIC } as u64))
        }
        libc::SYS_timerfd_create => Some((2, first)),
        libc::SYS_clock_nanosleep => Some((3, first)),
        _ => None,
    }
}

/// Plays the scenario, and looks at the clock of every wait.
pub fn by_which_clock() {
    static WAITS: [AtomicUsize; 4] = [const { AtomicUsize::new(0) }; 4];
    let socket = PathBuf::from(process::argument("SOCKET"));
    let end = supervise(
        None,
        LONG,
        move || scenario::play(&socket),
        |asked| {
            let (seen, clock) = clock_of(asked)?;
            WAITS[seen].fetch_add(1, Ordering::Relaxed);
            (clock != libc::CLOCK_MONOTONIC as u64).then(|| std::process::exit(3))
        },
    );
    assert_eq!(end, End::All);
    let counts = WAITS.iter().map(|count| count.load(Ordering::Relaxed).to_string());
    process::say(&counts.collect::<Vec<_>>().join(" "));
}

#[test]
fn no_wait_is_by_a_clock_that_can_be_set() {
    let directory = TempDir::new().expect("a directory");
    let socket = directory.path().join("socket");
    let _peer = peer::start(&socket);
    let mut child = Child::start("by which clock", &[("SOCKET", socket.as_os_str())]);
    let counts = child.try_hear();
    let status = child.wait();
    assert!(status.success(), "a wait by another clock: {status}");
    println!("futex_waitv, futex, timerfd_create, clock_nanosleep: {counts:?}");
    let counts: Vec<usize> = counts.expect("counts").split(' ').map(|count| count.parse().expect("a number")).collect();
    assert!(counts[..3].iter().all(|&count| count > 0), "{counts:?}");
}

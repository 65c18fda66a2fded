//! A sandbox that closes around a process once it is connected: each system call refused from then on.
//!
//! Whatever is refused, a connection goes on or ends: nobody waits without end for what cannot come, and no message is lost
//! without a word.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use tempfile::TempDir;

use crate::calls::OURS;
use crate::peer;
use crate::process::{self, Child};
use crate::scenario::{self, OUTCOMES};
use crate::supervisor::{End, Made, supervise};
use crate::tasks;

/// No case takes longer, or it hangs.
const MOST: Duration = Duration::from_secs(20);

/// Cases that are played at a time: most of their time is spent waiting.
const AT_A_TIME: usize = 6;

/// What is refused besides: sleeping and waking by futexes of words that processes share. The private ones are the standard
/// library's, which knows no way without them.
const FUTEX: (i64, &str) = (libc::SYS_futex, "futex");

/// Steps with the peer at a socket, and with a call of what is given once all is set up.
type Steps = fn(&Path, fn());

/// Who is in the sandbox.
const WHO: [(&str, Steps); 2] = [("threads", scenario::play_later), ("tasks", tasks::play_later)];

/// The part: connects, closes the sandbox, and says what came of each step.
pub fn closed() {
    static CLOSED: AtomicBool = AtomicBool::new(false);
    let socket = PathBuf::from(process::argument("SOCKET"));
    let calls: Vec<i64> = process::argument("CALLS").to_str().expect("numbers").split(' ').map(number).collect();
    let error = process::number("ERROR") as i32;
    let who = process::argument("WHO");
    let (_, play_later) = WHO.into_iter().find(|&(name, _)| name == who).expect("steps of that name");
    let only = if let [call] = calls[..] { Some(call) } else { None };
    let end = supervise(
        only,
        MOST,
        move || play_later(&socket, || CLOSED.store(true, Ordering::SeqCst)),
        |asked| {
            let refused = CLOSED.load(Ordering::SeqCst) && calls.contains(&asked.number) && is_ours(asked);
            refused.then_some(error)
        },
    );
    if end == End::Nobody {
        process::say("HANGS");
    }
    for (step, outcome) in OUTCOMES.lock().expect("no panic").iter() {
        if let Err(error) = outcome {
            process::say(&format!("{step}: {error}"));
        }
    }
    // Whoever hangs is not waited for.
    std::process::exit(0);
}

fn number(text: &str) -> i64 {
    text.parse().expect("a number")
}

/// Whether a call is this library's and not the allocator's, the standard library's, or that of a runtime for tasks.
fn is_ours(asked: &Made) -> bool {
    let [first, operation, _, _, file, _] = asked.arguments;
    match asked.number {
        libc::SYS_mmap => file as i32 != -1,
        libc::SYS_write => !tasks::is_of_runtimes(first),
        libc::SYS_futex => [libc::FUTEX_WAIT, libc::FUTEX_WAKE].contains(&(operation as i32)),
        _ => true,
    }
}

fn play(who: &str, calls: &str, error: Errno) -> Vec<String> {
    let directory = TempDir::new().expect("a directory");
    let socket = directory.path().join("socket");
    let _peer = peer::start(&socket);
    let error = (error as i32).to_string();
    let arguments = [("WHO", who), ("CALLS", calls), ("ERROR", &error)].map(|(name, text)| (name, OsStr::new(text)));
    let mut child = Child::start("closed", &[&arguments[..], &[("SOCKET", socket.as_os_str())]].concat());
    let mut said: Vec<_> = std::iter::from_fn(|| child.try_hear()).collect();
    let status = child.wait();
    if !status.success() {
        said.push(format!("ENDED by {status}"));
    }
    said
}

/// What is refused there may end a connection; everything else is done without.
const ENDING: [&str; 8] =
    ["epoll_ctl", "epoll_pwait", "futex", "futex futex_waitv", "recvfrom", "recvmsg", "sendto", "write"];

/// What is wrong with what came of a case.
fn faults(name: &str, error: Errno, said: Vec<String>) -> Vec<String> {
    let wrong = said.into_iter().filter(|line| !(ENDING.contains(&name) && is_end(line)));
    wrong.map(|line| format!("{name} refused by {error:?}: {line}")).collect()
}

/// Whether a step met the end of its connection, and said so.
fn is_end(line: &str) -> bool {
    let ends = ["the peer has died or hung up", "the peer has closed its end", "WRONG: the death: Err(Ended(Closed))"];
    ends.iter().any(|end| line.ends_with(end))
}

/// Refuses each call to them, and looks at what came of it.
fn refuse_each(who: &str) {
    let all = std::env::var_os("TWINRING_ERRORS").is_some_and(|which| which == "all");
    let errors = if all { [Errno::EPERM, Errno::ENOSYS].as_slice() } else { &[Errno::EPERM] };
    let futexes = format!("{} {}", libc::SYS_futex, libc::SYS_futex_waitv);
    let singles = OURS.iter().chain([&FUTEX]).map(|&(call, name)| (call.to_string(), name));
    let polls = format!("{} {}", libc::SYS_poll, libc::SYS_ppoll);
    let cases = singles.chain([(futexes, "futex futex_waitv"), (polls, "poll ppoll")]);
    let cases: Vec<_> = cases.flat_map(|case| errors.iter().map(move |&error| (case.clone(), error))).collect();
    let (left, wrong) = (Mutex::new(cases.into_iter()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let next = left.lock().expect("no panic").next();
                    let Some(((calls, name), error)) = next else { return };
                    let found = faults(name, error, play(who, &calls, error));
                    wrong.lock().expect("no panic").extend(found);
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no panic");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_refused_to_who_is_connected_is_done_without_or_the_end() {
    refuse_each("threads");
}

#[test]
fn what_is_refused_to_tasks_that_are_connected_is_done_without_or_the_end() {
    refuse_each("tasks");
}

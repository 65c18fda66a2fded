//! Signals: a process that is interrupted all the time, one that is stopped, and none that is ended by a pipe without a reader.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::ptrace;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, kill, sigaction};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use rustix::time::{ClockId, clock_gettime};
use tempfile::TempDir;
use twinring::{RecvTimeoutError, Transport, WaitStrategy};

use crate::peer;
use crate::process::{self, Child};
use crate::scenario::{self, OUTCOMES, options};
use crate::supervisor::{End, supervise};
use crate::waits::{LONG, STRATEGIES, own_number, strategy, until_asleep_in};

/// How many signals have been handled.
static HANDLED: AtomicU64 = AtomicU64::new(0);

/// What a process handles: nothing but a count, and its calls are not restarted.
extern "C" fn count(_: libc::c_int) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

/// Plays the whole scenario while each thread of this process gets a signal every 50 to 200 µs.
pub fn interrupted() {
    let action = SigAction::new(SigHandler::Handler(count), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler only counts.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.expect("a handler");
    let (over, socket) = (AtomicBool::new(false), PathBuf::from(process::argument("SOCKET")));
    thread::scope(|scope| {
        scope.spawn(|| {
            let own = own_number();
            while !over.load(Ordering::Relaxed) {
                interrupt_all_but(own);
                thread::sleep(Duration::from_micros(50));
            }
        });
        scope.spawn(|| {
            for _ in 0..process::number("ROUNDS") {
                scenario::converse_all(&socket);
            }
            scenario::play(&socket);
            over.store(true, Ordering::Relaxed);
        });
    });
    for (step, outcome) in OUTCOMES.lock().expect("no panic").iter() {
        // Signals are work, too: how busy it was says nothing here.
        let right = outcome.as_ref().err().is_none_or(|error| error == scenario::BUSY_LOOP);
        assert!(right, "{step}: {outcome:?}");
    }
    process::say(&HANDLED.load(Ordering::Relaxed).to_string());
}

fn interrupt_all_but(own: i32) {
    for task in std::fs::read_dir("/proc/self/task").expect("threads").flatten() {
        let number: i32 = task.file_name().to_str().and_then(|name| name.parse().ok()).expect("a number");
        if number != own {
            // It fails for one that has ended.
            // SAFETY: a signal that this process handles.
            unsafe { libc::syscall(libc::SYS_tgkill, std::process::id(), number, libc::SIGUSR1) };
        }
    }
}

#[test]
fn whoever_is_interrupted_all_the_time_loses_nothing_and_keeps_its_deadlines() {
    let directory = TempDir::new().expect("a directory");
    let socket = directory.path().join("socket");
    let _peer = peer::start(&socket);
    let mut child = Child::start("interrupted", &[("SOCKET", socket.as_os_str()), ("ROUNDS", OsStr::new("3"))]);
    let handled: u64 = child.hear().parse().expect("a number");
    println!("{handled} signals");
    assert!(handled > 2_000, "{handled} signals");
    child.finish();
}

/// The deadline of the wait that is stopped.
const DEADLINE: Duration = Duration::from_millis(1200);

/// Waits for nothing, and says when it began and when it ended, on the clock that all processes have in common.
pub fn waits() {
    let named = |name| process::argument(name).into_string().expect("a name");
    let transport = if named("TRANSPORT") == "Socket" { Transport::Socket } else { Transport::SharedMemory };
    let (here, _there) = options(transport).wait(strategy(&named("WAIT"))).pair().expect("a pair");
    let (_sender, mut receiver) = here.split();
    let (before, deadline) = (now(), Instant::now() + DEADLINE);
    process::say(&own_number().to_string());
    let outcome = receiver.recv_deadline(deadline).map(|message| message.len());
    let after = now();
    assert_eq!(outcome, Err(RecvTimeoutError::Timeout));
    process::say(&before.as_nanos().to_string());
    process::say(&after.as_nanos().to_string());
}

fn now() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// How a process is stopped, and goes on.
#[derive(Clone, Copy, Debug)]
enum Stop {
    Signal,
    Debugger,
}

/// Starts a wait, stops it in the middle for `stopped`, and says how long the wait and the time after the stop were.
fn stop(transport: Transport, wait: WaitStrategy, how: Stop, stopped: Duration) -> (Duration, Duration) {
    let (transport, named) = (format!("{transport:?}"), format!("{wait:?}"));
    let mut child = Child::start("waits", &[("TRANSPORT", OsStr::new(&transport)), ("WAIT", OsStr::new(&named))]);
    let thread: i32 = child.hear().parse().expect("a number");
    let (process, waiting) = (Pid::from_raw(child.id() as i32), Pid::from_raw(thread));
    if wait != WaitStrategy::Spin {
        until_asleep_in(&format!("/proc/{process}/task/{thread}"));
    }
    match how {
        Stop::Signal => kill(process, Signal::SIGSTOP).expect("a process"),
        Stop::Debugger => {
            ptrace::seize(waiting, ptrace::Options::empty()).expect("a debugger's rights");
            ptrace::interrupt(waiting).expect("a thread");
            waitpid(waiting, Some(nix::sys::wait::WaitPidFlag::__WALL)).expect("a stop");
        }
    }
    thread::sleep(stopped);
    let goes_on = now();
    match how {
        Stop::Signal => kill(process, Signal::SIGCONT).expect("a process"),
        Stop::Debugger => ptrace::detach(waiting, None).expect("a stopped thread"),
    }
    let moment = |text: String| Duration::from_nanos(text.parse().expect("a number"));
    let (before, after) = (moment(child.hear()), moment(child.hear()));
    child.finish();
    (after - before, after.saturating_sub(goes_on))
}

/// More than a wait takes to end on a busy machine.
const LATE: Duration = Duration::from_millis(800);

fn each_way(check: impl Fn(Transport, WaitStrategy, Stop) + Sync) {
    let check = &check;
    thread::scope(|scope| {
        for transport in [Transport::SharedMemory, Transport::Socket] {
            for how in [Stop::Signal, Stop::Debugger] {
                scope.spawn(move || STRATEGIES.into_iter().for_each(|wait| check(transport, wait, how)));
            }
        }
    });
}

#[test]
fn a_stop_that_outlasts_the_deadline_ends_the_wait_at_once() {
    each_way(|transport, wait, how| {
        let (waited, after) = stop(transport, wait, how, DEADLINE + Duration::from_millis(50));
        // On 64-bit Arm there is no `poll(2)`: who sleeps by polling has, after a stop, what was left before it.
        let polls = transport == Transport::Socket && wait != WaitStrategy::Spin && cfg!(target_arch = "aarch64");
        let most = if polls { DEADLINE + LATE } else { LATE };
        assert!(waited >= DEADLINE && after < most, "{transport:?} {wait:?} {how:?}: {waited:?}, {after:?} after it");
    });
}

#[test]
fn a_short_stop_moves_no_deadline_by_more_than_itself() {
    each_way(|transport, wait, how| {
        let (waited, _) = stop(transport, wait, how, DEADLINE / 10);
        assert!(waited >= DEADLINE && waited < DEADLINE + LATE, "{transport:?} {wait:?} {how:?}: {waited:?}");
    });
}

/// With the disposition that programs in C have, to be ended by `SIGPIPE`: sends to a peer that has died, in all ways.
pub fn without_a_reader() {
    // SAFETY: the default is no handler.
    unsafe { nix::sys::signal::signal(Signal::SIGPIPE, SigHandler::SigDfl) }.expect("the default");
    let socket = PathBuf::from(process::argument("SOCKET"));
    let connections = [Transport::SharedMemory, Transport::Socket]
        .map(|transport| options(transport).wait(WaitStrategy::Park).connect(&*socket, LONG).expect("a peer"));
    process::say("connected");
    process::await_word();
    for connection in connections {
        let (mut sender, mut receiver) = connection.split();
        let began = Instant::now();
        while sender.send(&[1; 1000]).is_ok() && receiver.try_recv().is_err() {
            assert!(began.elapsed() < LONG, "the death is not noticed");
            if receiver.arm().is_ok() && sender.try_send(&[]).is_err() {
                break;
            }
        }
    }
    process::say("lives");
}

#[test]
fn a_peer_that_has_died_is_no_signal() {
    let directory = TempDir::new().expect("a directory");
    let socket = directory.path().join("socket");
    let mut peer = peer::start(&socket);
    let mut child = Child::start("without a reader", &[("SOCKET", socket.as_os_str())]);
    assert_eq!(child.hear(), "connected");
    peer.kill();
    drop(peer);
    child.go_on();
    assert_eq!(child.hear(), "lives");
    child.finish();
}

/// Plays the scenario, and looks at the flags of every send.
pub fn sends() {
    static SENDS: AtomicU64 = AtomicU64::new(0);
    let socket = PathBuf::from(process::argument("SOCKET"));
    let call = process::number("CALL") as i64;
    let end = supervise(
        Some(call),
        LONG,
        move || scenario::play(&socket),
        |asked| {
            let flags = asked.arguments[if call == libc::SYS_sendto { 3 } else { 2 }] as i32;
            SENDS.fetch_add(1, Ordering::Relaxed);
            (flags & libc::MSG_NOSIGNAL == 0).then(|| std::process::exit(3))
        },
    );
    assert_eq!(end, End::All);
    process::say(&SENDS.load(Ordering::Relaxed).to_string());
}

#[test]
fn no_send_may_raise_a_signal() {
    for call in [libc::SYS_sendto, libc::SYS_sendmsg] {
        let directory = TempDir::new().expect("a directory");
        let socket = directory.path().join("socket");
        let _peer = peer::start(&socket);
        let call = call.to_string();
        let mut child = Child::start("sends", &[("SOCKET", socket.as_os_str()), ("CALL", OsStr::new(&call))]);
        let sends = child.try_hear();
        child.finish();
        assert!(sends.and_then(|sends| sends.parse::<u64>().ok()).is_some_and(|sends| sends > 10));
    }
}

//! A peer that is stopped in the middle of the handshake, on either side: the other one's deadline holds and says what was due;
//! who goes on too late is told so, who goes on in time connects, and nothing is left.
//!
//! The supervisor of its system calls stops it, as it is about to send a packet: the first is HELLO or WELCOME, the second
//! HALF or READY.

use std::ffi::OsStr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::signal::{Signal, kill, raise};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use tempfile::TempDir;
use twinring::{AcceptError, Connection, Options, Transport};

use crate::leaks::Held;
use crate::process::{self, Child};
use crate::scenario::{chain, options};
use crate::supervisor::{End, supervise};
use crate::waits::{LONG, until};

/// How long the other side waits for one that is stopped: longer than the steps before it take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(4);

/// A wait that has not ended by then never will.
const LATE: Duration = Duration::from_secs(20);

/// What is stopped, before which packet, over what; and what the other side waits for meanwhile.
#[derive(Clone, Copy, Debug)]
struct Case {
    does: &'static str,
    before: u64,
    due: &'static str,
    transport: Transport,
}

fn cases() -> impl Iterator<Item = Case> {
    let stops = [
        ("connects", 1, "HELLO"),
        ("connects", 2, "HALF"),
        ("accepts", 1, "WELCOME"),
        ("accepts", 2, "READY"),
        ("connects over", 1, "HELLO"),
        ("connects over", 2, "HALF"),
        ("accepts over", 1, "WELCOME"),
        ("accepts over", 2, "READY"),
    ];
    let over = move |transport| stops.map(|(does, before, due)| Case { does, before, due, transport });
    [Transport::SharedMemory, Transport::Socket].into_iter().flat_map(over)
}

/// The part of the one that is stopped: does what it is asked, and says what came of it.
pub fn stopped() {
    static OUTCOME: Mutex<Option<Result<(), String>>> = Mutex::new(None);
    let (before, mut packets, held) = (process::number("BEFORE"), 0, Held::lasting());
    let work = || *OUTCOME.lock().expect("no panic") = Some(act().and_then(echo));
    let end = supervise(Some(libc::SYS_sendmsg), LONG, work, |_| {
        packets += 1;
        if packets == before {
            // To this very thread, which so does not answer before the process goes on. The call that is held up is interrupted by
            // the stop; it is made again afterwards, and counted again.
            raise(Signal::SIGSTOP).expect("a signal");
        }
        None
    });
    assert_eq!(end, End::All);
    let outcome = OUTCOME.lock().expect("no panic").take().expect("an outcome");
    process::say(&outcome.err().unwrap_or("connected".to_owned()));
    // An inherited socket is used up.
    until("nothing to be left", || Held::lasting().descriptors <= held.descriptors && Held::lasting().mappings == 0);
}

fn act() -> Result<Connection, String> {
    let (does, socket) = (process::argument("DOES"), PathBuf::from(process::argument("SOCKET")));
    let options = options(if process::number("SHARES") == 1 { Transport::SharedMemory } else { Transport::Socket });
    match does.to_str() {
        Some("connects") => options.connect(socket, LONG).map_err(chain),
        Some("accepts") => accept(&options.handshake_timeout(LONG), &socket),
        Some("connects over") => options.connect_over(inherited(&socket), LONG).map_err(chain),
        Some("accepts over") => options.accept_over(inherited(&socket), LONG).map_err(chain),
        other => panic!("nobody does {other:?}"),
    }
}

fn inherited(number: &Path) -> OwnedFd {
    let number = number.to_str().and_then(|text| text.parse().ok()).expect("the number of a descriptor");
    // SAFETY: it was inherited for this, and nothing else here knows of it.
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// The first client that becomes a connection, or that one has failed.
fn accept(options: &Options, socket: &Path) -> Result<Connection, String> {
    let mut listener = options.bind(socket).map_err(chain)?;
    process::say("listens");
    while listener.counters().failed == 0 {
        match listener.accept_timeout(Duration::from_millis(10)) {
            Err(AcceptError::Timeout) => {}
            result => return result.map_err(chain),
        }
    }
    Err("a client failed".to_owned())
}

fn echo(connection: Connection) -> Result<(), String> {
    let (mut sender, mut receiver) = connection.split();
    let message = receiver.recv_timeout(LONG).map_err(chain)?.to_vec();
    sender.send(&message).map_err(chain)
}

/// The other side of [`echo`].
fn ask(connection: Connection) {
    let (mut sender, mut receiver) = connection.split();
    sender.send(b"still there").expect("a peer");
    assert_eq!(receiver.recv_timeout(LONG).expect("an echo").to_vec(), b"still there");
}

/// The other side of what is stopped.
enum Other {
    Listens(PathBuf),
    Connects(PathBuf),
    ConnectsOver(OwnedFd),
    AcceptsOver(OwnedFd),
}

impl Other {
    /// A connection, or why not in this time; a listener only counts.
    fn meet(self, options: &Options, patience: Duration) -> Result<Connection, String> {
        match self {
            Self::Connects(socket) => options.connect(socket, patience).map_err(chain),
            Self::ConnectsOver(socket) => options.connect_over(socket, patience).map_err(chain),
            Self::AcceptsOver(socket) => options.accept_over(socket, patience).map_err(chain),
            Self::Listens(socket) => accept(&options.clone().handshake_timeout(patience), &socket),
        }
    }
}

/// Starts the one that will be stopped.
fn start(case: Case, socket: &Path) -> (Child, Other) {
    // No other child may inherit what this one is to inherit.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().expect("no panic");
    if !case.does.ends_with("over") {
        return (play(case, socket.as_os_str()), other_at(case, socket));
    }
    let (here, there) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).expect("a pair");
    fcntl_setfd(&there, FdFlags::empty()).expect("a descriptor");
    let child = play(case, OsStr::new(&there.as_raw_fd().to_string()));
    (child, if case.does == "connects over" { Other::AcceptsOver(here) } else { Other::ConnectsOver(here) })
}

fn other_at(case: Case, socket: &Path) -> Other {
    if case.does == "connects" { Other::Listens(socket.into()) } else { Other::Connects(socket.into()) }
}

fn play(case: Case, socket: &OsStr) -> Child {
    let (before, shares) = (case.before.to_string(), u8::from(case.transport == Transport::SharedMemory).to_string());
    let arguments = [("DOES", case.does), ("BEFORE", &before), ("SHARES", &shares)];
    let mut arguments = arguments.map(|(name, value)| (name, OsStr::new(value))).to_vec();
    arguments.push(("SOCKET", socket));
    Child::start("stopped", &arguments)
}

/// Waits until it has stopped: its parent is told so.
fn await_stop(child: &Child) {
    let stopped = waitpid(Pid::from_raw(child.id() as i32), Some(WaitPidFlag::WUNTRACED)).expect("a child");
    assert!(matches!(stopped, WaitStatus::Stopped(..)), "{stopped:?}");
}

fn go_on(child: &Child) {
    kill(Pid::from_raw(child.id() as i32), Signal::SIGCONT).expect("a process");
}

/// It goes on once the other side has given up, or before.
fn meet(case: Case, late: bool) {
    let directory = TempDir::new().expect("a directory");
    let (mut child, other) = start(case, &directory.path().join("socket"));
    if case.does == "accepts" {
        assert_eq!(child.hear(), "listens");
    }
    let (options, patience) = (options(case.transport), if late { PATIENCE } else { LONG });
    let began = Instant::now();
    let (meets, met) = mpsc::channel();
    thread::spawn(move || drop(meets.send(other.meet(&options, patience))));
    let outcome = || met.recv_timeout(LATE).expect("a deadline that holds");
    await_stop(&child);
    if late {
        let error = outcome().map(drop).expect_err("it is stopped");
        let expected =
            if case.does == "connects" { "failed".to_owned() } else { format!("expected {}, nothing", case.due) };
        assert!(error.contains(&expected), "{case:?}: {error}");
        assert!(began.elapsed() >= PATIENCE, "{case:?}: {:?}", began.elapsed());
        go_on(&child);
        let said = child.hear();
        let known = ["the peer hung up during the handshake", "a client failed"];
        assert!(known.contains(&&*said), "{case:?}: {said}");
    } else {
        go_on(&child);
        ask(outcome().expect("a connection"));
        assert_eq!(child.hear(), "connected", "{case:?}");
    }
    child.finish();
}

/// The part of the other sides: all cases at once, because most of their time is spent waiting.
pub fn outlasts_stops() {
    let (late, held) = (process::number("LATE") == 1, Held::lasting());
    thread::scope(|scope| cases().for_each(|case| drop(scope.spawn(move || meet(case, late)))));
    until("nothing to be left", || Held::lasting().is_within(held));
}

fn outlast(late: &str) {
    Child::start("outlasts stops", &[("LATE", OsStr::new(late))]).finish();
}

#[test]
fn one_that_is_stopped_in_the_handshake_is_not_waited_for_and_is_told_so_when_it_goes_on() {
    outlast("1");
}

#[test]
fn one_that_is_stopped_in_the_handshake_and_goes_on_in_time_connects() {
    outlast("0");
}

//! SIGKILL at random moments.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tempfile::TempDir;
use twinring::memory::{Foreign, Mapped, Memory, Ordering, Own};
use twinring::{Connection, End, Listener, Readiness, SendError, TryRecvError, TrySendError, WaitStrategy};

use crate::content;
use crate::process::{self, Child};
use crate::waits::{LONG, STRATEGIES, strategy, until};

/// Kills in all, spread over the sides, the strategies, and victims that are busy or have fallen silent.
const KILLS: usize = 200;

/// The words of a victim's own page. It counts before and after each step, so the truth lies between the two.
const BEFORE: usize = 0;
const AFTER: usize = 1;
const TORN: usize = 2;
const PAGE: usize = 4096;

/// What is killed, and when.
#[derive(Clone, Copy, Debug)]
struct Scene {
    sender_dies: bool,
    wait: WaitStrategy,
    /// After how many messages the victim falls silent, so that the survivor is waiting when it dies.
    silent_after: u64,
    /// How long after the connection it is killed.
    delay: Duration,
}

#[test]
fn a_survivor_learns_of_death_and_has_what_was_committed() {
    let mut random = Random::new();
    let directory = TempDir::new().expect("a directory");
    let socket = directory.path().join("socket");
    let mut listener = crate::options().ring_capacity(1 << 16).bind(&*socket).expect("a listener");
    let mut latencies = Vec::new();
    for round in 0..KILLS {
        let scene = Scene {
            sender_dies: round % 2 == 0,
            wait: STRATEGIES[round / 2 % 3],
            silent_after: if round / 6 % 2 == 0 { u64::MAX } else { random.below(300) },
            delay: Duration::from_micros(random.below(4000)),
        };
        // The listener's own way of waiting is the survivor's.
        listener = rebound(listener, &socket, scene.wait);
        latencies.push(scene.play(&mut listener, &directory.path().join("page")));
    }
    latencies.sort();
    let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100];
    println!("seen after: median {:?}, 90 % {:?}, worst {:?}", at(50), at(90), at(100));
    assert!(at(50) < Duration::from_millis(100), "half of the deaths were seen only after {:?}", at(50));
    assert!(at(100) < Duration::from_secs(1), "a death was seen only after {:?}", at(100));
}

/// The same place, another strategy.
fn rebound(listener: Listener, socket: &Path, wait: WaitStrategy) -> Listener {
    drop(listener);
    crate::options().ring_capacity(1 << 16).wait(wait).bind(socket).expect("a listener")
}

impl Scene {
    /// Plays it; returns how long after the kill the survivor knew.
    fn play(&self, listener: &mut Listener, page: &Path) -> Duration {
        fs::write(page, [0; PAGE]).expect("a page");
        let victim = Child::start(
            "victim",
            &[
                ("SOCKET", listener.path().as_os_str()),
                ("PAGE", page.as_os_str()),
                ("SENDS", OsStr::new(if self.sender_dies { "1" } else { "0" })),
                ("SILENT_AFTER", OsStr::new(&self.silent_after.to_string())),
                ("WAIT", OsStr::new(&format!("{:?}", self.wait))),
            ],
        );
        let connection = listener.accept_timeout(LONG).expect("the victim");
        let killer = kill_after(victim, self.delay);
        let (count, known) = if self.sender_dies { receive_all(connection) } else { send_all(connection) };
        let (victim, killed) = killer.join().expect("the killer");
        // Reaped: it does not count any more.
        drop(victim);
        self.check(count, page);
        known.saturating_duration_since(killed)
    }

    fn check(&self, count: u64, page: &Path) {
        let page = read(page);
        let word = |word| page.load(word, Ordering::Relaxed);
        let (before, after) = (word(BEFORE), word(AFTER));
        assert_eq!(word(TORN), 0, "{self:?}: the victim received another message than was sent");
        if self.sender_dies {
            // What the socket had no room for dies with its sender.
            let least = if crate::SHARED { after } else { 0 };
            assert!((least..=before).contains(&count), "{self:?}: received {count}, committed {after} to {before}");
        } else {
            assert!(after <= count, "{self:?}: sent {count}, the victim received {after}");
        }
    }
}

fn kill_after(mut victim: Child, delay: Duration) -> JoinHandle<(Child, Instant)> {
    thread::spawn(move || {
        thread::sleep(delay);
        victim.kill();
        (victim, Instant::now())
    })
}

/// Receives until the end; returns how many, and when the end was known.
fn receive_all(connection: Connection) -> (u64, Instant) {
    let (mut sender, mut receiver) = connection.split();
    let (mut count, mut message, mut scratch) = (0, vec![0; content::LONGEST], Vec::new());
    let end = loop {
        match receiver.recv() {
            Ok(received) => {
                received.copy_to(&mut message);
                assert!(content::is(count, &message[..received.len()], &mut scratch), "message {count} is torn");
                count += 1;
            }
            Err(end) => break end,
        }
    };
    let known = Instant::now();
    assert_eq!(end, End::Disconnected);
    assert_eq!(sender.try_send(b"anybody?"), Err(TrySendError::Ended(End::Disconnected)));
    assert_eq!(receiver.recv().err(), Some(End::Disconnected), "the end is final");
    (count, known)
}

/// Sends until the end; returns how many, and when the end was known.
fn send_all(connection: Connection) -> (u64, Instant) {
    let (mut sender, mut receiver) = connection.split();
    let (mut count, mut message) = (0, Vec::new());
    let error = loop {
        content::fill(count, &mut message);
        match sender.send(&message) {
            Ok(()) => count += 1,
            Err(error) => break error,
        }
    };
    let known = Instant::now();
    assert_eq!(error, SendError::Ended(End::Disconnected));
    assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Ended(End::Disconnected)));
    (count, known)
}

/// What the victim does until it is killed.
pub fn victim() {
    let own = own_page(&process::argument("PAGE").into());
    let socket = PathBuf::from(process::argument("SOCKET"));
    let wait = strategy(process::argument("WAIT").to_str().expect("a name"));
    let connection = crate::options().ring_capacity(1 << 16).wait(wait).connect(socket, LONG).expect("the survivor");
    let (mut sender, mut receiver) = connection.split();
    let silent_after = process::number("SILENT_AFTER");
    let (mut message, mut scratch) = (Vec::new(), Vec::new());
    for number in 0..silent_after {
        // Release, both: neither moves over the commit, so a kill finds them in this order.
        if process::number("SENDS") == 1 {
            content::fill(number, &mut message);
            own.store(BEFORE, number + 1, Ordering::Release);
            sender.send(&message).expect("the survivor survives");
        } else {
            message = receiver.recv().expect("the survivor survives").to_vec();
            let torn = !content::is(number, &message, &mut scratch);
            own.store(TORN, u64::from(torn) | own.load(TORN, Ordering::Relaxed), Ordering::Release);
        }
        own.store(AFTER, number + 1, Ordering::Release);
    }
    loop {
        thread::park();
    }
}

/// A page of this process's own, which the file keeps when it dies.
fn own_page(path: &PathBuf) -> Own<Mapped> {
    let file = OpenOptions::new().read(true).write(true).open(path).expect("a page");
    Mapped::writable(file.as_fd(), PAGE).expect("a mapping")
}

fn read(path: &Path) -> Foreign<Mapped> {
    Mapped::read_only(File::open(path).expect("a page").as_fd(), PAGE).expect("a mapping")
}

#[test]
fn polling_shows_a_death() {
    let (_directory, child, connection) = silent_victim(WaitStrategy::Park);
    let (_sender, mut receiver) = connection.split();
    assert_eq!(receiver.arm(), Ok(Readiness::Armed));
    let (_child, killed) = kill_after(child, Duration::ZERO).join().expect("the killer");
    let timeout = Timespec { tv_sec: 30, tv_nsec: 0 };
    assert_eq!(poll(&mut [PollFd::new(&receiver, PollFlags::IN)], Some(&timeout)), Ok(1));
    assert!(killed.elapsed() < Duration::from_secs(1));
    assert_eq!(receiver.arm(), Ok(Readiness::Ready));
    assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Ended(End::Disconnected)));
}

#[test]
fn finishing_tells_that_the_receiver_died() {
    for wait in STRATEGIES {
        let (_directory, child, connection) = silent_victim(wait);
        let (mut sender, receiver) = connection.split();
        sender.send(b"nobody will receive this").expect("room");
        let killer = kill_after(child, Duration::from_millis(2));
        assert_eq!(sender.finish(), Err(End::Disconnected), "{wait:?}");
        drop((receiver, killer.join().expect("the killer")));
    }
}

#[test]
fn only_the_connection_of_the_dead_ends() {
    let (_one, mut dies, first) = silent_victim(WaitStrategy::Park);
    let (_two, _lives, second) = silent_victim(WaitStrategy::Park);
    let ((_, mut first), (mut sender, mut second)) = (first.split(), second.split());
    dies.kill();
    assert_eq!(first.recv().err(), Some(End::Disconnected));
    assert_eq!(second.try_recv().err(), Some(TryRecvError::Empty));
    sender.send(b"still there?").expect("the other one lives");
}

/// A connection to a process that says nothing.
fn silent_victim(wait: WaitStrategy) -> (TempDir, Child, Connection) {
    let directory = TempDir::new().expect("a directory");
    let page = directory.path().join("page");
    fs::write(&page, [0; PAGE]).expect("a page");
    let mut listener = crate::options().wait(wait).bind(directory.path().join("socket")).expect("a listener");
    let arguments = [
        ("SOCKET", listener.path().as_os_str()),
        ("PAGE", page.as_os_str()),
        ("SENDS", OsStr::new("1")),
        ("SILENT_AFTER", OsStr::new("0")),
        ("WAIT", OsStr::new("Park")),
    ];
    let child = Child::start("victim", &arguments);
    let connection = listener.accept_timeout(LONG).expect("the victim");
    (directory, child, connection)
}

#[test]
fn a_listener_that_was_killed_is_replaced() {
    let directory = TempDir::new().expect("a directory");
    let socket = directory.path().join("socket");
    let mut child = Child::start("listener", &[("SOCKET", socket.as_os_str())]);
    until("the listener", || socket.exists());
    child.kill();
    drop(child);
    assert!(socket.exists(), "a killed listener leaves its socket");
    let mut listener = Listener::bind(&*socket).expect("a stale socket is replaced");
    let client = thread::spawn(move || twinring::connect(socket, LONG));
    listener.accept_timeout(LONG).expect("a client");
    client.join().expect("the client's thread").expect("a listener");
}

/// xorshift64*: the moments of death differ from run to run.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let seed = RandomState::new().hash_one("death") | 1;
        println!("seed {seed}");
        Self(seed)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % limit
    }
}

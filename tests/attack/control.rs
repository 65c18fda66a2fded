//! The control socket: filled, flooded, half shut, closed while the half is still written, and shared with others.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{ForkResult, Pid, fork};
use rustix::net::{SendFlags, Shutdown, send, shutdown};
use twinring::connection::wire::Message;
use twinring::{Connection, End, Readiness, Receiver, RecvTimeoutError, TryRecvError};

use crate::alone;
use crate::gate::Gate;
use crate::grip::{DATA_ANNOUNCED, Grip, HEAD, RING};
use crate::process::{self, Child};
use crate::random::Random;
use crate::raw::{self, SHAPE};
use crate::scribble::WAYS;
use crate::waits::LONG;

/// Longer than anything takes that nobody can hold up.
const SOON: Duration = Duration::from_secs(10);

/// An attacker by hand: its half, its socket, and where it writes next.
struct Attacker {
    grip: Grip,
    socket: OwnedFd,
    at: usize,
}

impl Attacker {
    fn comes_to(gate: &mut Gate) -> (Self, Connection) {
        let (grip, file) = Grip::make();
        let (socket, connection) = gate.accepts(&file);
        (Self { grip, socket, at: 0 }, connection)
    }

    /// An honest frame of eight bytes.
    fn writes(&mut self, payload: u64) {
        let at = RING + self.at;
        self.grip.store(at + 1, payload);
        self.grip.store(at + 2, 0);
        self.grip.store(at, 1 << 32 | 8);
        self.at += 2;
    }

    /// A packet, if there is room for it.
    fn says(&self, bytes: &[u8]) -> bool {
        send(&self.socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL).is_ok()
    }
}

fn hears(receiver: &mut Receiver) -> u64 {
    let message = receiver.recv_timeout(LONG).expect("a message").to_vec();
    u64::from_le_bytes(message.try_into().expect("a number"))
}

/// It asks for a byte at each message, and never reads one.
#[test]
fn a_socket_that_is_never_read_holds_up_no_sender() {
    let _alone = alone();
    let mut gate = Gate::open();
    let (attacker, connection) = Attacker::comes_to(&mut gate);
    let (mut sender, receiver) = connection.split();
    let started = Instant::now();
    // Each message is two words long, and said to have been taken in.
    for number in 1..=20_000_u64 {
        attacker.grip.store(DATA_ANNOUNCED, 1 << 33 | (2 * number + 1));
        sender.send_timeout(&number.to_le_bytes(), SOON).expect("room");
        attacker.grip.store(HEAD, 2 * number);
    }
    assert!(started.elapsed() < SOON, "it took {:?}", started.elapsed());
    drop((sender, receiver, attacker));
    gate.stands();
}

#[test]
fn a_flood_of_junk_keeps_nobody_from_hearing_a_message() {
    let _alone = alone();
    let mut gate = Gate::open();
    let (mut attacker, connection) = Attacker::comes_to(&mut gate);
    let (_sender, mut receiver) = connection.split();
    let junk: [&[u8]; 4] = [&[0], &[1; 600], &[0xff; 16], &raw::hello()];
    let (started, mut sent) = (Instant::now(), 0);
    for number in 0..500 {
        while attacker.says(junk[sent % junk.len()]) {
            sent += 1;
        }
        attacker.writes(number);
        // As a user's loop does: it looks, and arms before it would sleep.
        while !matches!(receiver.arm().expect("this side may sleep"), Readiness::Ready) {}
        assert_eq!(hears(&mut receiver), number);
        // Some of the flood was taken off.
        let _ = receiver.arm();
    }
    assert!(started.elapsed() < SOON, "it took {:?}", started.elapsed());
    assert!(sent > 500, "no flood: {sent} packets");
    drop((receiver, _sender, attacker));
    gate.stands();
}

#[test]
fn a_socket_that_is_half_shut_is_an_end_or_nothing() {
    let _alone = alone();
    let mut gate = Gate::open();
    for (how, ends) in [(Shutdown::Read, false), (Shutdown::Write, true), (Shutdown::Both, true)] {
        let (mut attacker, connection) = Attacker::comes_to(&mut gate);
        let (mut sender, mut receiver) = connection.split();
        attacker.writes(7);
        shutdown(&attacker.socket, how).expect("a connected socket");
        assert_eq!(hears(&mut receiver), 7, "what was written before is heard");
        if ends {
            assert_eq!(receiver.recv_timeout(LONG).err(), Some(RecvTimeoutError::Ended(End::Disconnected)), "{how:?}");
        } else {
            sender.send_timeout(b"go on", LONG).expect("room");
            assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Empty), "{how:?}");
        }
    }
    gate.stands();
}

#[test]
fn descriptors_without_end_are_kept_away_or_closed() {
    let _alone = alone();
    let mut gate = Gate::open();
    let (mut attacker, connection) = Attacker::comes_to(&mut gate);
    let (sender, mut receiver) = connection.split();
    let file = raw::honest_half();
    let before = crate::leaks::Held::lasting();
    for number in 0..500 {
        let sent = raw::try_send(&attacker.socket, &[0], &vec![file.as_fd(); 100]);
        assert!(matches!(sent, Ok(()) | Err(rustix::io::Errno::PERM)), "{sent:?}");
        attacker.writes(number);
        while !matches!(receiver.arm().expect("this side may sleep"), Readiness::Ready) {}
        assert_eq!(hears(&mut receiver), number);
        let _ = receiver.arm();
    }
    assert_eq!(crate::leaks::Held::lasting(), before);
    drop((sender, receiver, attacker, file));
    gate.stands();
}

/// It closes its socket, keeps its half, and goes on writing: what it writes may still be heard, and then it is over.
#[test]
fn who_hangs_up_and_goes_on_writing_is_gone_once_it_stops() {
    let _alone = alone();
    let mut gate = Gate::open();
    let (mut attacker, connection) = Attacker::comes_to(&mut gate);
    let (mut sender, mut receiver) = connection.split();
    let (mine, _) = raw::pair();
    drop(std::mem::replace(&mut attacker.socket, mine));
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..3000 {
                attacker.writes(number);
            }
        });
        let mut heard = 0;
        let end = loop {
            match receiver.recv_timeout(LONG) {
                Ok(message) => assert_eq!(message.to_vec(), u64::to_le_bytes(heard)),
                Err(end) => break end,
            }
            heard += 1;
        };
        assert_eq!(end, RecvTimeoutError::Ended(End::Disconnected));
    });
    assert!(sender.send_timeout(b"anybody?", SOON).is_err(), "it has hung up");
    drop((sender, receiver, attacker));
    gate.stands();
}

/// Its ring is full of frames and has no end: who reads on goes round in it.
#[test]
fn what_a_dead_peer_has_left_is_one_ring_full_at_most() {
    let _alone = alone();
    let mut gate = Gate::open();
    let (attacker, connection) = Attacker::comes_to(&mut gate);
    let (sender, mut receiver) = connection.split();
    let frames = SHAPE.ring as usize / 16;
    (0..frames).for_each(|frame| attacker.grip.store(RING + 2 * frame, 1 << 32 | 8));
    drop(attacker.socket);
    let started = Instant::now();
    let end = loop {
        match receiver.recv_timeout(LONG) {
            Ok(_) => assert!(started.elapsed() < SOON, "messages without end"),
            Err(end) => break end,
        }
    };
    assert_eq!(end, RecvTimeoutError::Ended(End::Disconnected));
    drop((sender, receiver, attacker.grip));
    gate.stands();
}

/// Plays the attacker, by hand, whose half is still mapped in its child: both write, then it dies, and the child goes on.
pub fn forks_and_passes_on() {
    let socket = raw::client(&PathBuf::from(process::argument("SOCKET")));
    raw::greet(&socket);
    let (grip, file) = Grip::make();
    raw::send(&socket, &Message::Half(SHAPE).encode(), &raw::with(&file));
    assert!(matches!(raw::receive_message(&socket), Some((Message::Ready, None))), "no READY");
    let (_, way) = WAYS[process::number("WAY") as usize];
    let mut random = Random::new(process::number("WAY"));
    // SAFETY: the child uses memory that was mapped before and the kernel, and no lock that another thread might hold.
    match unsafe { fork() }.expect("a child") {
        ForkResult::Child => {
            // It is killed, if the test gets that far.
            let end = Instant::now() + Duration::from_secs(20);
            while Instant::now() < end {
                way(&grip, &mut random);
            }
            // SAFETY: ends this process alone.
            unsafe { libc::_exit(0) }
        }
        ForkResult::Parent { child } => {
            process::say(&child.to_string());
            let end = Instant::now() + Duration::from_millis(20);
            while Instant::now() < end {
                way(&grip, &mut random);
            }
        }
    }
}

#[test]
fn two_processes_that_write_one_half_are_one_liar_and_its_death_is_noticed() {
    let _alone = alone();
    let mut gate = Gate::open();
    for way in 0..WAYS.len() {
        let (socket, number) = (gate.path().to_owned(), way.to_string());
        let arguments = [("SOCKET", socket.as_os_str()), ("WAY", number.as_ref())];
        let mut child = Child::start("forks and passes on", &arguments);
        let (mut sender, mut receiver) = gate.listener.accept_timeout(LONG).expect("the attacker").split();
        let heir = Pid::from_raw(child.hear().parse().expect("a number"));
        let started = Instant::now();
        let end = loop {
            // Full, or over: what is said does not matter.
            let _ = sender.try_send(b"a word");
            match receiver.recv_timeout(Duration::from_millis(5)) {
                Err(RecvTimeoutError::Ended(end)) => break end,
                _ => assert!(started.elapsed() < LONG, "nothing was noticed"),
            }
        };
        assert!(matches!(end, End::Corrupt(_) | End::Disconnected | End::Closed), "{end:?}");
        drop((sender, receiver));
        // The heir holds the socket and the half all the while.
        kill(heir, Signal::SIGKILL).expect("it goes on writing");
        child.finish();
    }
    gate.stands();
}

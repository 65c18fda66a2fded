//! Leaving: in order, with what was sent still on its way; and what a connection that is stuck costs.

use std::iter;
use std::os::fd::OwnedFd;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use rustix::io::Errno;
use rustix::net::sockopt::set_socket_send_buffer_size;
use rustix::net::{Shutdown, shutdown};
use twinring::carrier::stream;
use twinring::{Connection, End, SendError, Sender, TrySendError};

use crate::process::{self, Child};
use crate::raw;
use crate::streams;
use crate::waits::{LONG, own_number, until, until_asleep};

fn pair(ring: usize) -> (Connection, Connection) {
    crate::options().ring_capacity(ring).pair().expect("a pair")
}

/// Sends until neither the rings nor the socket take more; returns how many.
fn fill(connection: &mut Connection, message: &[u8]) -> u64 {
    let mut count = 0;
    // Full once, and still full a while later.
    while connection.ends().0.send_timeout(message, Duration::from_millis(100)).is_ok() {
        count += 1;
    }
    assert_eq!(connection.ends().0.try_send(message), Err(TrySendError::Full));
    count
}

/// What comes to a peer by hand until the other side has hung up.
fn all_of(peer: &OwnedFd) -> Vec<u8> {
    let packets = iter::from_fn(|| Some(raw::receive_bytes(peer, 2048)).filter(|packet| !packet.is_empty()));
    packets.collect::<Vec<_>>().concat()
}

#[test]
fn what_was_sent_before_leaving_is_received_however_late() {
    for message in [&[7; 100][..], &[8; 20_000]] {
        let (mut here, mut there) = pair(1 << 16);
        let count = fill(&mut here, message);
        assert!(count * message.len() as u64 > 120_000, "more than the rings hold: {count}");
        drop(here);
        for number in 0..count {
            let received = there.ends().1.recv_timeout(LONG).unwrap_or_else(|error| panic!("{number}: {error}"));
            assert_eq!(received.to_vec(), message);
        }
        assert_eq!(there.ends().1.recv().err(), Some(End::Closed));
        let error = (0..1_000_000).find_map(|_| there.ends().0.send(b"anybody?").err());
        assert_eq!(error, Some(SendError::Ended(End::Closed)));
    }
}

#[test]
fn both_sides_leave_with_everything_full() {
    for round in 0..20 {
        let (mut here, mut there) = pair(4096);
        let message = [round; 500];
        for side in [&mut here, &mut there] {
            while side.ends().0.try_send(&message).is_ok() {}
        }
        if round % 2 == 0 { drop((here, there)) } else { drop((there, here)) }
    }
}

#[test]
fn finishing_learns_that_the_peer_has_taken_everything() {
    let (mut here, there) = pair(4096);
    let count = fill(&mut here, &[1; 300]);
    let (sender, receiver) = here.split();
    // Without a receiver of its own, too.
    drop(receiver);
    let finishing = thread::spawn(move || sender.finish());
    let (_forth, mut receiver) = there.split();
    for _ in 0..count {
        assert_eq!(receiver.recv_timeout(LONG).expect("a message").len(), 300);
    }
    assert_eq!(receiver.recv().err(), Some(End::Closed));
    assert!(!finishing.is_finished(), "the receiver has not left");
    drop(receiver);
    assert_eq!(finishing.join().expect("the sender"), Ok(()));
}

#[test]
fn a_death_behind_a_full_ring_is_told_after_what_came_before() {
    let (peer, mut connection) = raw::carried();
    let frame = [&stream::data(1000)[..], &[9; 1000]].concat();
    // More than the ring of 64 KiB, less than the socket holds without it.
    (0..90).for_each(|_| raw::send(&peer, &frame, &[]));
    drop(peer);
    // Sends neither fail before their time nor block: they go nowhere.
    for _ in 0..1000 {
        match connection.ends().0.send_timeout(&[1; 1000], LONG) {
            Ok(()) | Err(twinring::SendTimeoutError::Ended(End::Disconnected)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    for number in 0..90 {
        assert!(connection.ends().1.recv_timeout(LONG).is_ok(), "message {number}");
    }
    assert_eq!(connection.ends().1.recv().err(), Some(End::Disconnected));
    assert_eq!(connection.ends().0.send(b"anybody?"), Err(SendError::Ended(End::Disconnected)));
}

#[test]
fn a_lie_behind_a_full_ring_is_told_after_what_came_before() {
    let (peer, mut connection) = raw::carried();
    let frame = [&stream::data(1000)[..], &[9; 1000]].concat();
    (0..90).for_each(|_| raw::send(&peer, &frame, &[]));
    raw::send(&peer, &[0; stream::LONGEST_PACKET + 1], &[]);
    drop(peer);
    // It cannot be sent, and why is not known yet.
    connection.ends().0.send(b"anybody?").expect("room");
    for number in 0..90 {
        assert!(connection.ends().1.recv_timeout(LONG).is_ok(), "message {number}");
    }
    let end = connection.ends().1.recv().err();
    assert!(matches!(end, Some(End::Corrupt(lie)) if lie.what == "the length of a packet"), "{end:?}");
}

#[test]
fn who_sends_to_the_dead_learns_of_it_by_the_first_message() {
    for round in 0..200 {
        let (peer, mut connection) = raw::carried();
        drop(peer);
        let sent = (0..1000).take_while(|_| connection.ends().0.send(b"anybody?").is_ok()).count();
        assert!(sent <= 1, "{sent} messages went nowhere in round {round}");
    }
}

#[test]
fn a_peer_that_receives_no_more_may_send_on() {
    let (peer, mut connection) = raw::carried();
    shutdown(&peer, Shutdown::Read).expect("a socket");
    connection.ends().0.send(b"never received").expect("room");
    raw::send(&peer, &[&stream::data(5)[..], b"hello"].concat(), &[]);
    assert_eq!(connection.ends().1.recv_timeout(LONG).expect("a message").to_vec(), b"hello");
}

/// On this machine: what was sent is kept though the socket is closed.
#[test]
fn who_has_said_goodbye_hangs_up() {
    let (peer, connection) = raw::carried();
    drop(connection);
    assert_eq!(all_of(&peer), [stream::fin(), stream::gone()].concat());
    assert_eq!(raw::try_send(&peer, &stream::fin(), &[]), Err(Errno::PIPE));
}

/// Also where the socket holds next to nothing: the last packet and the goodbye wait for room as all others do.
#[test]
fn a_goodbye_waits_for_room() {
    for count in 1..40 {
        let (ours, theirs) = raw::introduced_pair();
        set_socket_send_buffer_size(&theirs, 1).expect("a socket");
        let (peer, mut connection) = raw::carried_over((ours, theirs));
        (0..count).for_each(|_| connection.ends().0.send(&[7; 600]).expect("room"));
        drop(connection);
        assert_eq!(
            all_of(&peer).len(),
            count * (stream::HEADER + 600) + 2 * stream::HEADER,
            "{count} messages and a goodbye"
        );
    }
}

/// Full in both directions, dead behind a full ring, or left by this side alone: nobody spins over what cannot go on. In a process of its own, whose
/// processor time is nobody else's.
#[test]
fn what_is_stuck_uses_no_processor() {
    let mut child = Child::start("stuck", &[]);
    let used: u64 = child.hear().parse().expect("a number");
    assert!(used < 20_000, "{used} µs of processor time in {STUCK:?} of nothing");
    child.finish();
}

const STUCK: Duration = Duration::from_secs(1);

/// A connection that can send no more; a thread waits for a message on it, which was called while it slept and before it did.
fn called() -> (OwnedFd, Sender, thread::JoinHandle<bool>) {
    let (peer, connection) = raw::carried();
    let (mut sender, mut receiver) = connection.split();
    raw::send(&peer, &[&stream::data(5)[..], b"hello"].concat(), &[]);
    until("a message", || receiver.try_recv().is_ok());
    let (tell, told) = mpsc::channel();
    let waiting = thread::spawn(move || {
        tell.send(own_number()).expect("a listener");
        receiver.recv_timeout(2 * STUCK).is_err()
    });
    until_asleep(told.recv().expect("a thread"));
    while sender.try_send(&[1; 300]).is_ok() {}
    (peer, sender, waiting)
}

/// That process.
pub fn stuck() {
    let (mut here, mut there) = pair(4096);
    fill(&mut here, &[1; 300]);
    fill(&mut there, &[2; 300]);
    let (peer, mut unread) = raw::carried();
    let frame = [&stream::data(1000)[..], &[9; 1000]].concat();
    (0..90).for_each(|_| raw::send(&peer, &frame, &[]));
    drop(peer);
    let _left = streams::left();
    let (_peer, _sender, called) = called();
    // A thread that waits for room that does not come.
    let (tell, told) = mpsc::channel();
    let waiting = thread::spawn(move || {
        tell.send(own_number()).expect("a listener");
        (here.ends().0.send_timeout(&[3; 300], 2 * STUCK).is_err(), here)
    });
    until_asleep(told.recv().expect("a thread"));
    let before = processor_time();
    thread::sleep(STUCK);
    process::say(&(processor_time() - before).to_string());
    let (timed_out, mut here) = waiting.join().expect("the waiting thread");
    assert!(called.join().expect("the thread that was called"), "nothing has come");
    assert!(timed_out && here.ends().1.try_recv().is_ok() && unread.ends().1.try_recv().is_ok());
}

/// Of this process so far, in microseconds.
fn processor_time() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the use of this process");
    usage.user_time().num_microseconds() + usage.system_time().num_microseconds()
}

//! Who moves what between the rings and the socket, and in which packets.

use std::os::fd::OwnedFd;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::libc::{SYS_poll, SYS_ppoll, SYS_recvmsg, SYS_write};
use rustix::net::sockopt::set_socket_send_buffer_size;
use twinring::carrier::stream::{self, LONGEST_PACKET};
use twinring::{End, Receiver, RecvTimeoutError, SendTimeoutError, TryRecvError};

use crate::load::carrier;
use crate::process::{Child, say};
use crate::raw;
use crate::refusing::kill_for;
use crate::waits::{LONG, call_of, own_number, sleeps_of, until, until_asleep};

/// Longer than anything takes that is not stuck.
const SHORT: Duration = Duration::from_millis(50);

/// A thread that waits for a message, asleep; its number, and what will come.
fn waiting(mut receiver: Receiver) -> (i32, JoinHandle<Vec<u8>>) {
    let (tell, told) = mpsc::channel();
    let waiting = thread::spawn(move || {
        tell.send(own_number()).expect("a listener");
        receiver.recv_timeout(LONG).expect("a message").to_vec()
    });
    let number = told.recv().expect("its number");
    until_asleep(number);
    (number, waiting)
}

/// Whether that thread sleeps in `poll(2)`.
fn polls(number: i32) -> bool {
    let call = call_of(&format!("/proc/self/task/{number}"));
    [SYS_poll, SYS_ppoll].map(Some).contains(&call)
}

#[test]
fn who_waits_sleeps_by_the_socket() {
    let (peer, connection) = raw::carried();
    let (_sender, receiver) = connection.split();
    let (number, waiting) = waiting(receiver);
    assert!(polls(number), "by something else");
    raw::send(&peer, &[&stream::data(5)[..], b"hello"].concat(), &[]);
    assert_eq!(waiting.join().expect("who waits"), b"hello");
}

#[test]
fn of_two_that_wait_one_sleeps_by_the_socket() {
    let (peer, connection) = raw::carried();
    let (mut sender, receiver) = connection.split();
    let (receives, receiving) = waiting(receiver);
    let (tell, told) = mpsc::channel();
    let sending = thread::spawn(move || {
        let sent = (0..).take_while(|_| sender.send_timeout(&[1; 992], SHORT).is_ok()).count();
        tell.send((own_number(), sent)).expect("a listener");
        sender.send_timeout(&[1; 992], LONG).map(|()| sender)
    });
    let (sends, sent) = told.recv().expect("its number");
    [receives, sends].into_iter().for_each(until_asleep);
    until("one of them by the socket", || [receives, sends].into_iter().filter(|&thread| polls(thread)).count() == 1);
    take(&peer, (sent + 1) * 1000);
    raw::send(&peer, &[&stream::data(4)[..], b"done"].concat(), &[]);
    assert_eq!(receiving.join().expect("who waits"), b"done");
    assert!(sending.join().expect("who sends").is_ok());
}

/// Takes so many bytes off the peer's socket.
fn take(peer: &OwnedFd, mut bytes: usize) {
    while bytes > 0 {
        bytes -= raw::receive_bytes(peer, LONGEST_PACKET).len();
    }
}

/// Room for a message is waited for by one thread, and the peer's goodbye is taken off the socket by another.
#[test]
fn who_waits_is_woken_for_what_another_thread_has_taken() {
    for _ in 0..100 {
        let (peer, connection) = raw::carried();
        let (mut sender, mut receiver) = connection.split();
        let (tell, told) = mpsc::channel();
        let waiting = thread::spawn(move || {
            while sender.try_send(&[1; 1000]).is_ok() {}
            tell.send(own_number()).expect("a listener");
            sender.send_timeout(&[1; 1000], LONG)
        });
        let number = told.recv().expect("its number");
        let looking = thread::spawn(move || while receiver.try_recv().err() == Some(TryRecvError::Empty) {});
        until_asleep(number);
        let since = Instant::now();
        raw::send(&peer, &[stream::gone(), stream::fin()].concat(), &[]);
        assert_eq!(waiting.join().expect("who waits"), Err(SendTimeoutError::Ended(End::Closed)));
        assert!(since.elapsed() < LONG / 2, "only its deadline told it, after {:?}", since.elapsed());
        looking.join().expect("who looks");
    }
}

/// Whoever takes the peer's goodbye off the socket, who is about to sleep there learns of it.
#[test]
fn who_falls_asleep_while_the_goodbye_comes_is_told_of_it() {
    for round in 0..300 {
        let (peer, connection) = raw::carried();
        let (sender, mut receiver) = connection.split();
        let waiting = thread::spawn(move || receiver.recv_timeout(LONG).map(drop));
        (0..round * 20).for_each(|_| std::hint::spin_loop());
        let since = Instant::now();
        raw::send(&peer, &stream::fin(), &[]);
        assert_eq!(waiting.join().expect("who waits"), Err(RecvTimeoutError::Ended(End::Closed)));
        assert!(since.elapsed() < LONG / 2, "only its deadline told it, after {:?}", since.elapsed());
        drop(sender);
    }
}

/// The thread that sleeps by the socket sends what another thread could not.
#[test]
fn who_waits_for_messages_sends_on_once_there_is_room() {
    let (peer, connection) = raw::carried();
    let (mut sender, receiver) = connection.split();
    let (_, waiting) = waiting(receiver);
    let sent = (0..).take_while(|_| sender.try_send(&[3; 992]).is_ok()).count();
    take(&peer, sent * 1000);
    raw::send(&peer, &[&stream::data(4)[..], b"done"].concat(), &[]);
    assert_eq!(waiting.join().expect("who waits"), b"done");
}

/// While a thread of the user's sleeps by the socket, that of the process has nothing to do there. In a process of its own, which
/// has one such thread.
#[test]
fn what_comes_wakes_who_waits_for_it_and_nobody_else() {
    let mut child = Child::start("is answered", &[]);
    let woken: u64 = child.hear().parse().expect("a number");
    // It is asked in between where a busy machine keeps the other from its sleep.
    assert!(woken < ROUNDS / 2, "the thread of the process was woken {woken} times for {ROUNDS} messages");
    child.finish();
}

const ROUNDS: u64 = 50;

/// That process.
pub fn is_answered() {
    let (peer, connection) = raw::carried();
    let (mut sender, mut receiver) = connection.split();
    let (tell, told) = mpsc::channel();
    let waiting = thread::spawn(move || {
        tell.send(own_number()).expect("a listener");
        (0..ROUNDS).for_each(|_| assert_eq!(receiver.recv_timeout(LONG).expect("an answer").to_vec(), b"answer"));
    });
    let (number, before) = (told.recv().expect("its number"), carrier_wakes());
    for _ in 0..ROUNDS {
        until_asleep(number);
        sender.send(b"question").expect("room");
        raw::send(&peer, &[&stream::data(6)[..], b"answer"].concat(), &[]);
        assert_eq!(raw::receive_bytes(&peer, 64)[stream::HEADER..], *b"question");
    }
    waiting.join().expect("who waits");
    say(&(carrier_wakes() - before).to_string());
}

/// How often the thread that carries has fallen asleep so far.
fn carrier_wakes() -> u64 {
    carrier().and_then(|task| sleeps_of(&task)).unwrap_or(0)
}

/// A message costs its sender what it takes to send it. In a process of its own, which a call too many ends.
#[test]
fn who_sends_neither_receives_nor_wakes_who_does() {
    Child::start("only sends", &[]).finish();
}

/// That process.
pub fn only_sends() {
    let (peer, connection) = raw::carried();
    let (mut sender, receiver) = connection.split();
    let (_, waiting) = waiting(receiver);
    let sending = thread::spawn(move || {
        kill_for(&[SYS_recvmsg, SYS_write]);
        (0..100).for_each(|_| sender.send(b"hello").expect("room"));
        sender
    });
    let sender = sending.join().expect("who sends");
    (0..100).for_each(|_| assert_eq!(raw::receive_bytes(&peer, 64)[stream::HEADER..], *b"hello"));
    raw::send(&peer, &[&stream::data(4)[..], b"done"].concat(), &[]);
    assert_eq!(waiting.join().expect("who waits"), b"done");
    drop(sender);
}

#[test]
fn a_packet_is_filled_to_the_last_header_that_fits() {
    for length in LONGEST_PACKET - 24..LONGEST_PACKET {
        let (ours, theirs) = raw::introduced_pair();
        set_socket_send_buffer_size(&theirs, 4 * LONGEST_PACKET).expect("a socket");
        let (peer, mut connection) = raw::carried_over((ours, theirs));
        let message = vec![length as u8; length];
        let mut batch = connection.ends().0.batch();
        batch.push(&message).expect("room");
        batch.push(b"").expect("room");
        batch.flush();
        drop(batch);
        let whole = [&stream::data(length)[..], &message, &stream::data(0)].concat();
        // The empty message goes along if its header does.
        let (mut expected, left) = (vec![whole.len()], length + stream::HEADER);
        if whole.len() > LONGEST_PACKET {
            expected = if left > LONGEST_PACKET {
                vec![LONGEST_PACKET, whole.len() - LONGEST_PACKET]
            } else {
                vec![left, stream::HEADER]
            };
        }
        let packets: Vec<_> = expected.iter().map(|_| raw::receive_bytes(&peer, LONGEST_PACKET)).collect();
        assert_eq!(packets.iter().map(Vec::len).collect::<Vec<_>>(), expected, "a message of {length}");
        assert!(packets.concat() == whole);
    }
}

/// However many packets wait in the socket when there is room again, none of them waits for the next one.
#[test]
fn what_waited_for_room_comes_to_the_last_packet() {
    for small in 0..20_u8 {
        let (peer, mut connection) = raw::carried();
        // Two fill the ring of 64 KiB; what follows stays in the socket.
        (0..3).for_each(|_| raw::send(&peer, &[&stream::data(28_000)[..], &[0; 28_000]].concat(), &[]));
        (0..small).for_each(|number| raw::send(&peer, &[&stream::data(1)[..], &[number]].concat(), &[]));
        let (_, receiver) = connection.ends();
        (0..3).for_each(|_| assert_eq!(receiver.recv_timeout(LONG).expect("a large message").len(), 28_000));
        for number in 0..small {
            assert_eq!(receiver.recv_timeout(LONG).expect("a small message").to_vec(), [number]);
        }
    }
}

#[test]
fn who_is_told_that_nobody_receives_says_that_nothing_follows() {
    let (peer, connection) = raw::carried();
    raw::send(&peer, &stream::gone(), &[]);
    assert_eq!(raw::receive_bytes(&peer, 64), stream::fin());
    // Not because it left.
    drop(connection);
}

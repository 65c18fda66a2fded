//! The verbs of the two ends.

use std::io::IoSlice;
use std::time::{Duration, Instant};

use twinring::{
    Connection, End, Options, Pages, Receiver, RecvIntoError, RecvTimeoutError, SendError, SendTimeoutError, Sender,
    TryRecvError, TrySendError,
};

use crate::waits::{LONG, until};

pub const SHORT: Duration = Duration::from_millis(5);

fn small() -> (Connection, Connection) {
    crate::options().ring_capacity(4096).pair().expect("a pair")
}

/// One direction; the other is kept open by what else is returned.
pub fn direction() -> (Sender, Receiver, Receiver, Sender) {
    let (here, there) = small();
    let ((sender, back), (forth, receiver)) = (here.split(), there.split());
    (sender, receiver, back, forth)
}

pub fn next(receiver: &mut Receiver) -> Vec<u8> {
    receiver.recv_timeout(LONG).expect("a message").to_vec()
}

/// Sends until there is no room; returns how many.
pub fn fill(sender: &mut Sender, message: &[u8]) -> usize {
    (0..).take_while(|_| sender.try_send(message) != Err(TrySendError::Full)).count()
}

#[test]
fn every_way_of_sending_sends_in_order() {
    let (mut sender, mut receiver, ..) = direction();
    let deadline = Instant::now() + SHORT;
    sender.send(b"send").expect("room");
    sender.try_send(b"try_send").expect("room");
    sender.send_timeout(b"send_timeout", SHORT).expect("room");
    sender.send_deadline(b"send_deadline", deadline).expect("room");
    sender.send_vectored(&[IoSlice::new(b"send_"), IoSlice::new(b""), IoSlice::new(b"vectored")]).expect("room");
    let mut room = sender.reserve(7).expect("room");
    assert_eq!((room.len(), room.is_empty()), (7, false));
    room.as_mut_slice().copy_from_slice(b"reserve");
    room.commit();
    let mut room = sender.try_reserve(11).expect("room");
    room.write_at(4, b"reserve");
    room.write_at(0, b"try_");
    room.commit();
    let expected: [&[u8]; 7] =
        [b"send", b"try_send", b"send_timeout", b"send_deadline", b"send_vectored", b"reserve", b"try_reserve"];
    for message in expected {
        assert_eq!(next(&mut receiver), message);
    }
    assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Empty));
}

#[test]
fn every_way_of_receiving_receives() {
    let (mut sender, mut receiver, ..) = direction();
    let deadline = Instant::now() + SHORT;
    (0..8_u8).for_each(|number| sender.send(&[number; 5]).expect("room"));
    assert_eq!(receiver.recv().expect("a message").to_vec(), [0; 5]);
    assert_eq!(receiver.try_recv().expect("a message").to_vec(), [1; 5]);
    assert_eq!(receiver.recv_timeout(SHORT).expect("a message").to_vec(), [2; 5]);
    assert_eq!(receiver.recv_deadline(deadline).expect("a message").to_vec(), [3; 5]);
    let mut buffer = [9; 6];
    assert_eq!(receiver.recv_into(&mut buffer), Ok(5));
    assert_eq!(buffer, [4, 4, 4, 4, 4, 9]);
    let mut drained = Vec::new();
    assert_eq!(receiver.drain(2, |message| drained.push(message.to_vec())), Ok(2));
    assert_eq!(receiver.drain(9, |message| drained.push(message.to_vec())), Ok(1));
    assert_eq!(receiver.drain(9, |_| panic!("nothing is left")), Ok(0));
    assert_eq!(drained, [[5; 5], [6; 5], [7; 5]]);
}

#[test]
fn a_message_is_read_in_parts() {
    let (mut sender, mut receiver, ..) = direction();
    sender.send(b"0123456789abcdef!").expect("room");
    let message = receiver.recv().expect("a message");
    assert_eq!((message.len(), message.is_empty()), (17, false));
    for (start, end) in [(0, 17), (1, 9), (7, 8), (8, 16), (16, 17), (17, 17), (3, 3)] {
        let mut part = vec![0; end - start];
        message.read_at(start, &mut part);
        assert_eq!(part, b"0123456789abcdef!"[start..end]);
    }
    assert_eq!(message.as_ptr() as usize % 8, 0);
}

#[test]
fn a_part_of_a_reservation_is_sent_and_none_of_a_dropped_one() {
    let (mut sender, mut receiver, ..) = direction();
    for length in [0, 1, 7, 8, 9, 100] {
        let mut room = sender.reserve(100).expect("room");
        room.as_mut_slice().fill(length as u8);
        room.commit_first(length);
        let mut room = sender.reserve(300).expect("room");
        room.as_mut_slice().fill(0xff);
        drop(room);
        assert_eq!(next(&mut receiver), vec![length as u8; length]);
        assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Empty), "a dropped reservation was sent");
    }
    assert_eq!(sender.counters().messages, 6);
    assert_eq!(sender.counters().bytes, 125);
}

#[test]
fn empty_messages_are_messages() {
    let (mut sender, mut receiver, ..) = direction();
    let count = fill(&mut sender, b"");
    assert!(count > 400, "{count} empty messages in 4 KiB");
    sender.try_send(b"").expect_err("it is full");
    for _ in 0..count {
        assert!(next(&mut receiver).is_empty());
    }
    sender.send_vectored(&[]).expect("room");
    assert_eq!(receiver.recv_into(&mut []), Ok(0));
    assert_eq!(receiver.counters().messages, count as u64 + 1);
    assert_eq!(receiver.counters().bytes, 0);
}

#[test]
fn a_message_too_large_is_refused_with_both_numbers_and_nothing_is_lost() {
    let (mut sender, mut receiver, ..) = direction();
    let largest = sender.largest();
    assert!((1700..2048).contains(&largest), "{largest} bytes of 4096");
    let message = vec![3; largest + 1];
    let length = largest + 1;
    sender.send(b"before").expect("room");
    assert_eq!(sender.send(&message), Err(SendError::TooLarge { length, largest }));
    assert_eq!(sender.try_send(&message), Err(TrySendError::TooLarge { length, largest }));
    assert_eq!(sender.send_timeout(&message, SHORT), Err(SendTimeoutError::TooLarge { length, largest }));
    assert_eq!(sender.reserve(length).map(drop), Err(SendError::TooLarge { length, largest }));
    assert_eq!(sender.batch().push(&message), Err(SendError::TooLarge { length, largest }));
    let parts = [IoSlice::new(&message), IoSlice::new(&message)];
    assert_eq!(sender.send_vectored(&parts), Err(SendError::TooLarge { length: 2 * length, largest }));
    let text = sender.send(&message).expect_err("too large").to_string();
    assert!(text.contains(&length.to_string()) && text.contains(&largest.to_string()), "{text}");
    assert_eq!(next(&mut receiver), b"before");
    for _ in 0..20 {
        sender.send(&message[1..]).expect("an empty ring takes the largest message at every offset");
        assert_eq!(next(&mut receiver), message[1..]);
        sender.send(b"shift").expect("room");
        assert_eq!(next(&mut receiver), b"shift");
    }
}

#[test]
fn nothing_by_the_deadline_is_a_timeout() {
    let (_sender, mut receiver, ..) = direction();
    let started = Instant::now();
    assert_eq!(receiver.recv_timeout(SHORT).err(), Some(RecvTimeoutError::Timeout));
    assert!(started.elapsed() >= SHORT);
    assert_eq!(receiver.recv_deadline(started).err(), Some(RecvTimeoutError::Timeout));
    assert_eq!(receiver.recv_timeout(Duration::ZERO).err(), Some(RecvTimeoutError::Timeout));
}

#[test]
fn a_buffer_too_small_leaves_the_message() {
    let (mut sender, mut receiver, ..) = direction();
    sender.send(&[8; 33]).expect("room");
    let mut buffer = [0; 32];
    for _ in 0..3 {
        assert_eq!(receiver.recv_into(&mut buffer), Err(RecvIntoError::TooSmall { length: 33, buffer: 32 }));
    }
    assert_eq!(buffer, [0; 32]);
    assert_eq!(receiver.counters().messages, 0);
    assert_eq!(receiver.recv_into(&mut [0; 33]), Ok(33));
    assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Empty));
}

#[test]
fn what_was_sent_is_received_before_the_close() {
    let (mut sender, mut receiver, ..) = direction();
    let count = fill(&mut sender, b"last words");
    drop(sender);
    for _ in 0..count {
        assert_eq!(next(&mut receiver), b"last words");
    }
    assert_eq!(receiver.recv().err(), Some(End::Closed));
    assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Ended(End::Closed)));
    assert_eq!(receiver.recv_timeout(SHORT).err(), Some(RecvTimeoutError::Ended(End::Closed)));
    assert_eq!(receiver.recv_into(&mut []), Err(RecvIntoError::Ended(End::Closed)));
    assert_eq!(receiver.drain(3, |_| ()), Err(End::Closed));
}

#[test]
fn nothing_is_sent_to_a_receiver_that_left() {
    let (mut sender, receiver, ..) = direction();
    sender.send(b"in time").expect("room");
    drop(receiver);
    // What is sent before it is known is sent.
    until("the departure to be known", || sender.try_send(b"too late") == Err(TrySendError::Ended(End::Closed)));
    assert_eq!(sender.send(b"too late"), Err(SendError::Ended(End::Closed)));
    assert_eq!(sender.send_timeout(b"too late", SHORT), Err(SendTimeoutError::Ended(End::Closed)));
    assert_eq!(sender.reserve(1).map(drop), Err(SendError::Ended(End::Closed)));
    assert_eq!(sender.batch().push(b"too late"), Err(SendError::Ended(End::Closed)));
}

#[test]
fn the_directions_close_independently() {
    let (here, there) = small();
    let ((sender, mut back), (mut forth, mut receiver)) = (here.split(), there.split());
    drop(sender);
    assert_eq!(receiver.recv().err(), Some(End::Closed));
    for _ in 0..100 {
        forth.send(b"the other way").expect("it is open");
        assert_eq!(next(&mut back), b"the other way");
    }
    drop(receiver);
    forth.send(b"and still").expect("it is open");
    drop(forth);
    assert_eq!(next(&mut back), b"and still");
    assert_eq!(back.recv().err(), Some(End::Closed));
}

#[test]
fn a_dropped_connection_closes_both_ways() {
    let (mut here, there) = small();
    let (mut sender, mut receiver) = there.split();
    here.ends().0.send(b"goodbye").expect("room");
    drop(here);
    assert_eq!(next(&mut receiver), b"goodbye");
    assert_eq!(receiver.recv().err(), Some(End::Closed));
    while sender.try_send(b"hello?").is_ok() {}
    assert_eq!(sender.try_send(b"hello?"), Err(TrySendError::Ended(End::Closed)));
}

#[test]
fn finishing_waits_until_everything_was_received() {
    let (mut sender, mut receiver, ..) = direction();
    let count = fill(&mut sender, b"some");
    let finishing = std::thread::spawn(move || sender.finish());
    for _ in 0..count {
        assert_eq!(receiver.recv().expect("a message").to_vec(), b"some");
    }
    assert_eq!(receiver.recv().err(), Some(End::Closed));
    assert!(!finishing.is_finished(), "the receiver has not left");
    drop(receiver);
    assert_eq!(finishing.join().expect("the sender"), Ok(()));
}

#[test]
fn both_ends_count_the_same() {
    let (mut sender, mut receiver, ..) = direction();
    for length in 0..1000 {
        sender.send(&vec![1; length]).expect("room");
        assert_eq!(next(&mut receiver).len(), length);
    }
    let (sent, received) = (sender.counters(), receiver.counters());
    assert_eq!((sent.messages, sent.bytes), (1000, 499_500));
    assert_eq!((received.messages, received.bytes), (1000, 499_500));
    assert_eq!((sent.times_full, sent.sleeps), (0, 0));
    // Over the socket, another thread may be about to bring it.
    assert!(received.sleeps == 0 || !crate::SHARED, "{} sleeps", received.sleeps);
}

#[test]
fn huge_pages_are_had_or_it_is_said_why_not() {
    let (here, there) = Options::new().huge_pages(true).pair().expect("a pair with or without huge pages");
    let pool = std::fs::read_to_string("/proc/sys/vm/nr_hugepages").unwrap_or_default();
    match here.pages() {
        Pages::FellBack { reason } => assert!(reason.contains("nr_hugepages") && reason.contains("bytes"), "{reason}"),
        pages => assert!(*pages == Pages::Huge && pool.trim() != "0", "{pages:?}, of a pool of {pool}"),
    }
    let ((mut sender, _back), (_forth, mut receiver)) = (here.split(), there.split());
    sender.send(&[1; 100_000]).expect("room");
    assert_eq!(next(&mut receiver), [1; 100_000]);
    let (here, _there) = small();
    assert_eq!(here.pages(), &Pages::Ordinary);
}

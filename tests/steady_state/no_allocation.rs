//! Sending and receiving allocate nothing, however one waits.

use std::hint::black_box;
use std::io::IoSlice;
use std::thread;
use std::time::Duration;

use twinring::{Options, Receiver, Sender};

use crate::counting::asked;
use crate::waits::STRATEGIES;

const ROUNDS: usize = 2000;

#[test]
fn the_allocator_counts() {
    let before = asked();
    drop(black_box(vec![0_u8; 100]));
    assert_eq!(asked() - before, 2);
}

#[test]
fn sending_and_receiving_allocate_nothing() {
    for wait in STRATEGIES {
        let (here, there) = Options::new().ring_capacity(4096).wait(wait).pair().expect("a pair");
        let ((mut sender, _one), (_other, mut receiver)) = (here.split(), there.split());
        let before = asked();
        let filled = fill(&mut sender);
        assert_eq!(asked() - before, 0, "{wait:?}: filling the ring allocated");
        let sending = thread::spawn(move || {
            let before = asked();
            (0..ROUNDS).for_each(|_| send_in_every_way(&mut sender));
            (asked() - before, sender)
        });
        assert_eq!(receiver.drain(filled, |_| ()), Ok(filled));
        let before = asked();
        (0..ROUNDS).for_each(|_| receive_in_every_way(&mut receiver));
        assert_eq!(asked() - before, 0, "{wait:?}: receiving allocated");
        let (allocations, sender) = sending.join().expect("the sender");
        assert_eq!(allocations, 0, "{wait:?}: sending allocated");
        assert_eq!(sender.counters().messages, receiver.counters().messages);
    }
}

/// Until there is no room, by waiting for it in vain; returns how many.
fn fill(sender: &mut Sender) -> usize {
    let filled = (0..).take_while(|_| sender.send_timeout(&[7; 100], Duration::from_micros(100)).is_ok()).count();
    assert_eq!(sender.counters().times_full, 1);
    filled
}

/// Nine messages.
fn send_in_every_way(sender: &mut Sender) {
    let message = [7_u8; 100];
    sender.send(&message).expect("room");
    sender.send(&[]).expect("room");
    while sender.try_send(&message).is_err() {}
    sender.send_timeout(&message, Duration::from_secs(30)).expect("room");
    sender.send_vectored(&[IoSlice::new(&message), IoSlice::new(b"more")]).expect("room");
    drop(sender.reserve(200).expect("room"));
    let mut room = sender.reserve(200).expect("room");
    room.as_mut_slice()[..5].copy_from_slice(b"hello");
    room.commit_first(5);
    let mut batch = sender.batch();
    (0..3).for_each(|_| batch.push(&message).expect("room"));
}

/// Nine messages.
fn receive_in_every_way(receiver: &mut Receiver) {
    let mut buffer = [0; 256];
    receiver.recv().expect("a message").copy_to(&mut buffer);
    drop(receiver.recv().expect("a message"));
    while receiver.try_recv().is_err() {}
    drop(receiver.recv_timeout(Duration::from_secs(30)).expect("a message"));
    receiver.recv_into(&mut buffer).expect("a message");
    let mut left = 4;
    while left > 0 {
        left -= receiver.drain(left, |message| message.read_at(1, &mut buffer[..4])).expect("no end");
    }
}

//! The operations on messages: of the ring alone, and of a connection's ends.

use std::hint::black_box;

use twinring::{Options, Receiver, Sender, WaitStrategy};

use super::counted::{Case, Run, each, nothing};
use super::mapped_ring;

/// What a batch holds.
const BATCH: usize = 16;

/// The loop around each operation, which is part of every count.
pub fn the_loop(run: Run<'_>, size: usize) {
    let operation = |times| each(times, || black_box(()));
    run.case(Case { name: "the loop around each", size, before: nothing, operation, after: nothing });
}

pub fn ring_push(run: Run<'_>, size: usize) {
    let (mut producer, mut consumer) = mapped_ring::ring();
    let (message, mut received) = (vec![7; size], Vec::new());
    let operation = |times| each(times, || black_box(&mut producer).push(black_box(&message)).expect("room"));
    let after = |times| each(times, || consumer.pop(&mut received).expect("a message"));
    run.case(Case { name: "ring: `push`", size, before: nothing, operation, after });
}

pub fn ring_pop(run: Run<'_>, size: usize) {
    let (mut producer, mut consumer) = mapped_ring::ring();
    let (message, mut received) = (vec![7; size], Vec::new());
    let before = |times| each(times, || producer.push(&message).expect("room"));
    let operation = |times| each(times, || black_box(&mut consumer).pop(black_box(&mut received)).expect("a message"));
    run.case(Case { name: "ring: `pop`", size, before, operation, after: nothing });
}

pub fn send(run: Run<'_>, size: usize) {
    sending(run, size, "`send`", |sender, message| sender.send(message).expect("room"));
}

pub fn try_send(run: Run<'_>, size: usize) {
    sending(run, size, "`try_send`", |sender, message| sender.try_send(message).expect("room"));
}

pub fn reserve(run: Run<'_>, size: usize) {
    sending(run, size, "`reserve`, `write_at`, `commit`", |sender, message| {
        let mut room = sender.reserve(message.len()).expect("room");
        room.write_at(0, message);
        room.commit();
    });
}

/// Sends with `once`; what it sent is received uncounted.
fn sending(run: Run<'_>, size: usize, name: &'static str, once: impl Fn(&mut Sender, &[u8])) {
    let (mut sender, mut receiver) = connection();
    let message = vec![7; size];
    let operation = |times| each(times, || once(black_box(&mut sender), black_box(&message)));
    run.case(Case { name, size, before: nothing, operation, after: |times| take(&mut receiver, times) });
}

pub fn batch(run: Run<'_>, size: usize) {
    let (mut sender, mut receiver) = connection();
    let message = vec![7; size];
    let operation = |times| {
        each(times / BATCH, || {
            let mut batch = black_box(&mut sender).batch();
            each(BATCH, || batch.push(black_box(&message)).expect("room"));
        });
    };
    let name = "`batch` of 16: a message";
    run.case(Case { name, size, before: nothing, operation, after: |times| take(&mut receiver, times) });
}

fn take(receiver: &mut Receiver, times: usize) {
    each(times, || drop(receiver.try_recv().expect("a message")));
}

pub fn recv_into(run: Run<'_>, size: usize) {
    receiving(run, size, "`recv_into`", |receiver, buffer| {
        receiver.recv_into(buffer).expect("a message");
    });
}

pub fn recv(run: Run<'_>, size: usize) {
    receiving(run, size, "`recv`, `copy_to`", |receiver, buffer| receiver.recv().expect("a message").copy_to(buffer));
}

pub fn try_recv(run: Run<'_>, size: usize) {
    receiving(run, size, "`try_recv`, `copy_to`", |receiver, buffer| {
        receiver.try_recv().expect("a message").copy_to(buffer);
    });
}

/// Receives with `once` what was sent uncounted.
fn receiving(run: Run<'_>, size: usize, name: &'static str, once: impl Fn(&mut Receiver, &mut [u8])) {
    let (mut sender, mut receiver) = connection();
    let (message, mut buffer) = (vec![7; size], vec![0; size]);
    let before = |times| each(times, || sender.send(&message).expect("room"));
    let operation = |times| each(times, || once(black_box(&mut receiver), black_box(&mut buffer)));
    run.case(Case { name, size, before, operation, after: nothing });
}

/// Both ends of one direction of a connection.
fn connection() -> (Sender, Receiver) {
    let (here, there) = Options::new().wait(WaitStrategy::Spin).pair().expect("a pair");
    let ((sender, _), (_, receiver)) = (here.split(), there.split());
    (sender, receiver)
}

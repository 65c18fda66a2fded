//! The ring alone: both ends spin, so nothing but the ring's own orderings holds the pair together.

use loom::thread;
use twinring::ring::Producer;

use crate::direction::{Direction, Setup};
use crate::messages::{drained, payload, pop, pop_too_late, push};
use crate::mutant::Mutant;
use crate::mutation::Mutation;

/// Messages of these lengths, one after the other.
fn exchange(direction: &Direction, lengths: &'static [usize]) {
    exchange_after(direction, 0, lengths);
}

/// The same, of which the first `before` were pushed before the consumer starts.
fn exchange_after(direction: &Direction, before: usize, lengths: &'static [usize]) {
    let (mut producer, mut consumer) = (direction.producer(), direction.consumer());
    let numbered = || lengths.iter().copied().enumerate();
    for (number, length) in numbered().take(before) {
        push(&mut producer, number, length);
    }
    let pushing = thread::spawn(move || {
        for (number, length) in numbered().skip(before) {
            push(&mut producer, number, length);
        }
    });
    let pop = if direction.has(Mutation::HeadTooEarly) { pop_too_late } else { pop };
    for (number, length) in numbered() {
        pop(&mut consumer, number, length);
    }
    drained(&mut consumer);
    pushing.join().expect("the producer has finished");
}

/// Frames that fill the ring exactly, around its end.
pub fn wrap(mutation: Mutation) {
    exchange(&Setup::new(mutation).build(), &[24, 24, 24]);
}

/// The same with more and smaller ones.
pub fn wrap_longer(mutation: Mutation) {
    exchange(&Setup::new(mutation).build(), &[8, 8, 8, 8, 8]);
}

/// The last frame and the zero behind it take exactly the room of the first.
pub fn heels(mutation: Mutation) {
    exchange_after(&Setup::new(mutation).build(), 2, &[24, 16, 0, 16]);
}

/// Frames that do not fit before the end.
pub fn skip(mutation: Mutation) {
    exchange(&Setup::new(mutation).build(), &[16, 16, 24, 8]);
}

/// Payload that looks like headers, in a ring full of what looks like headers.
pub fn stale_payload(mutation: Mutation) {
    exchange(&Setup::new(mutation).dirty().build(), &[16, 8, 16, 8]);
}

/// One message in a ring full of what looks like headers.
pub fn zero_behind_one(mutation: Mutation) {
    exchange(&Setup::new(mutation).capacity(16).dirty().build(), &[8]);
}

/// The first frame reaches into the second line, so the third is zeroed ahead; the second frame ends where that begins.
pub fn zero_ahead(mutation: Mutation) {
    exchange(&Setup::new(mutation).capacity(32).dirty().build(), &[64, 48]);
}

/// Lengths of all kinds, none at all among them.
pub fn lengths(mutation: Mutation) {
    exchange(&Setup::new(mutation).dirty().build(), &[3, 24, 0, 16]);
}

/// The same, for longer.
pub fn lengths_longer(mutation: Mutation) {
    exchange(&Setup::new(mutation).dirty().build(), &[3, 24, 0, 16, 9]);
}

/// The largest frames of a lazy ring, at several offsets.
pub fn largest(mutation: Mutation) {
    exchange(&Setup::new(mutation).lazy(3).build(), &[16, 8, 16, 16]);
}

/// A head that is published for two frames at a time.
pub fn lazy(mutation: Mutation) {
    exchange_after(&Setup::new(mutation).lazy(4).build(), 3, &[8, 8, 8, 8, 8]);
}

/// Reservations that were written to and dropped, or committed in part.
pub fn abandoned(mutation: Mutation) {
    let direction = Setup::new(mutation).dirty().build();
    let (mut producer, mut consumer) = (direction.producer(), direction.consumer());
    let pushing = thread::spawn(move || {
        abandon(&mut producer);
        push(&mut producer, 0, 8);
        shorten(&mut producer, 1, 8);
        abandon(&mut producer);
        push(&mut producer, 2, 16);
        push(&mut producer, 3, 8);
    });
    for (number, length) in [8, 8, 16, 8].into_iter().enumerate() {
        pop(&mut consumer, number, length);
    }
    drained(&mut consumer);
    pushing.join().expect("the producer has finished");
}

/// Writes a largest frame, if there is room, and drops it.
fn abandon(producer: &mut Producer<Mutant>) {
    if let Ok(mut abandoned) = producer.reserve(24) {
        abandoned.write_at(0, &payload(7, 24));
    }
}

/// Reserves room for a largest frame, and uses less.
fn shorten(producer: &mut Producer<Mutant>, number: usize, length: usize) {
    loop {
        if let Ok(mut reservation) = producer.reserve(24) {
            reservation.write_at(0, &payload(number, 24));
            return reservation.commit_first(length);
        }
        thread::yield_now();
    }
}

//! What the models send, and how they check what arrives.

use loom::thread;
use twinring::Deadline;
use twinring::channel::{Incoming, NextError, Outgoing};
use twinring::memory::WORD;
use twinring::ring::{Consumer, Header, PeekError, Producer, ReserveError, Span};
use twinring::wait::Notice;

use crate::mutant::Mutant;

/// The payload of message `number`: words that would all pass for headers, and that no other message has.
#[must_use]
pub fn payload(number: usize, length: usize) -> Vec<u8> {
    let word = Header::data(number).word().to_ne_bytes();
    word.into_iter().cycle().take(length).collect()
}

fn check(number: usize, length: usize, seen: &[u8]) {
    assert!(seen == payload(number, length), "message {number} is not what was sent: {seen:?}");
}

/// Pushes message `number`, spinning for room.
pub fn push(producer: &mut Producer<Mutant>, number: usize, length: usize) {
    loop {
        match producer.push(&payload(number, length)) {
            Ok(()) => return,
            Err(ReserveError::Full) => thread::yield_now(),
            Err(error) => panic!("message {number} was refused: {error}"),
        }
    }
}

/// Pops what must be message `number`, spinning for it.
pub fn pop(consumer: &mut Consumer<Mutant>, number: usize, length: usize) {
    let mut seen = vec![0xee; WORD];
    loop {
        match consumer.pop(&mut seen) {
            Ok(()) => return check(number, length, &seen),
            Err(PeekError::Empty) => thread::yield_now(),
            Err(error) => panic!("instead of message {number}: {error}"),
        }
    }
}

/// The same, but reads the payload only after its room was given back.
pub fn pop_too_late(consumer: &mut Consumer<Mutant>, number: usize, length: usize) {
    let span = loop {
        match consumer.look() {
            Ok(span) => break span,
            Err(PeekError::Empty) => thread::yield_now(),
            Err(error) => panic!("instead of message {number}: {error}"),
        }
    };
    consumer.release(span);
    consumer.publish();
    let mut seen = vec![0xee; span.length()];
    consumer.copy_out(span, 0, &mut seen);
    check(number, length, &seen);
}

/// Nothing was sent that has not been received.
pub fn drained(consumer: &mut Consumer<Mutant>) {
    match consumer.look() {
        Err(PeekError::Empty) => {}
        found => panic!("found what was never sent: {found:?}"),
    }
}

/// Writes message `number`, sleeping for room, and wakes nobody.
pub fn send_quietly(outgoing: &mut Outgoing<Mutant>, number: usize, length: usize) {
    match outgoing.claim(length, Deadline::NEVER) {
        Ok(claim) => {
            outgoing.fill(&claim, 0, &payload(number, length));
            outgoing.commit_quietly(claim);
        }
        Err(error) => panic!("message {number} was refused: {error:?}"),
    }
}

/// Sends message `number`, sleeping for room.
pub fn send(outgoing: &mut Outgoing<Mutant>, number: usize, length: usize) {
    send_quietly(outgoing, number, length);
    assert_eq!(outgoing.ring(), Notice::Done, "the receiver is there and not in poll");
}

/// Receives what must be message `number`, sleeping for it.
pub fn receive(incoming: &mut Incoming<Mutant>, number: usize, length: usize) {
    match incoming.next(Deadline::NEVER) {
        Ok(span) => take(incoming, span, number, length),
        Err(error) => panic!("instead of message {number}: {error:?}"),
    }
}

/// The same if it has come; whether it has.
pub fn receive_now(incoming: &mut Incoming<Mutant>, number: usize, length: usize) -> bool {
    match incoming.try_next() {
        Ok(span) => {
            take(incoming, span, number, length);
            true
        }
        Err(NextError::Empty) => false,
        Err(error) => panic!("instead of message {number}: {error:?}"),
    }
}

fn take(incoming: &mut Incoming<Mutant>, span: Span, number: usize, length: usize) {
    let mut seen = vec![0xee; span.length()];
    incoming.copy_out(span, 0, &mut seen);
    incoming.release(span);
    check(number, length, &seen);
}

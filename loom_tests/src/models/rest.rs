//! A listener that rests without the end that it listens to: another thread may take it over meanwhile.
//!
//! The end lies under loom's mutex, which orders no more than the lead does.

use std::rc::Rc;

use loom::sync::{Mutex, MutexGuard};
use loom::thread;
use twinring::Deadline;
use twinring::channel::{End, Incoming, NextError};
use twinring::memory::{Memory, Ordering};
use twinring::wait::{Attention, Fencing};

use crate::direction::{Direction, Setup};
use crate::messages::{receive, receive_now, send};
use crate::mutant::Mutant;
use crate::mutation::Mutation;

/// The end, as its threads share it.
struct Shared {
    incoming: Incoming<Mutant>,
    resting: bool,
    received: usize,
}

impl Shared {
    fn new(direction: &Direction) -> Rc<Mutex<Self>> {
        let incoming = direction.incoming(Fencing::Plain);
        Rc::new(Mutex::new(Self { incoming, resting: false, received: 0 }))
    }

    fn receive(&mut self) {
        receive(&mut self.incoming, self.received, 8);
        self.received += 1;
    }
}

/// Takes the end over; whether a listener was resting.
fn take_over(shared: &Mutex<Shared>) -> (MutexGuard<'_, Shared>, bool) {
    let mut end = shared.lock().expect("no thread panics");
    let disturbed = std::mem::take(&mut end.resting);
    if disturbed {
        end.incoming.rise();
    }
    (end, disturbed)
}

/// Receives, and rests when there is nothing, until so many messages were received by this thread or others.
fn listen(shared: &Mutex<Shared>, attention: &Attention<Mutant>, messages: usize) {
    loop {
        let (mut end, _) = take_over(shared);
        if end.received == messages {
            return;
        }
        attention.settle();
        match end.incoming.rest() {
            None => end.receive(),
            Some(rest) => {
                end.resting = true;
                drop(end);
                rest.sleep(attention, Deadline::NEVER);
            }
        }
    }
}

/// A listener alone.
pub fn alone(mutation: Mutation) {
    let direction = Setup::new(mutation).build();
    let (shared, attention) = (Shared::new(&direction), direction.attention());
    let mut outgoing = direction.outgoing(Fencing::Plain);
    let sending = thread::spawn(move || {
        for number in 0..2 {
            send(&mut outgoing, number, 8);
        }
    });
    listen(&shared, &attention, 2);
    sending.join().expect("the peer has finished");
}

/// Another thread takes what there is, and leaves the rest to the listener.
pub fn glanced(mutation: Mutation) {
    taken_over(mutation, 1, |end| {
        if end.received == 0 && receive_now(&mut end.incoming, 0, 8) {
            end.received = 1;
        }
    });
}

/// Another thread waits for the only message.
pub fn taken(mutation: Mutation) {
    taken_over(mutation, 1, wait_for_first);
}

/// Another thread waits for the first message, and leaves the second to the listener.
pub fn taken_longer(mutation: Mutation) {
    taken_over(mutation, 2, wait_for_first);
}

fn wait_for_first(end: &mut Shared) {
    if end.received == 0 {
        end.receive();
    }
}

fn taken_over(mutation: Mutation, messages: usize, take: impl FnOnce(&mut Shared) + 'static) {
    let direction = Setup::new(mutation).build();
    let (shared, attention) = (Shared::new(&direction), direction.attention());
    let mut outgoing = direction.outgoing(Fencing::Plain);
    let sending = thread::spawn(move || {
        for number in 0..messages {
            send(&mut outgoing, number, 8);
        }
    });
    let taking = thread::spawn({
        let (shared, attention) = (Rc::clone(&shared), direction.attention());
        move || {
            let (mut end, disturbed) = take_over(&shared);
            take(&mut end);
            drop(end);
            if disturbed {
                attention.call();
            }
        }
    });
    listen(&shared, &attention, messages);
    sending.join().expect("the peer has finished");
    taking.join().expect("the other thread has finished");
}

/// A listener that another thread has taken over from is not woken by the peer.
pub fn risen(mutation: Mutation) {
    let direction = Setup::new(mutation).build();
    let (mut incoming, mut outgoing) = (direction.incoming(Fencing::Plain), direction.outgoing(Fencing::Plain));
    let rest = incoming.rest();
    assert!(rest.is_some(), "there is no message yet");
    incoming.rise();
    let sending = thread::spawn(move || {
        send(&mut outgoing, 0, 8);
        assert_eq!(outgoing.wakes(), 0, "woke who was awake");
    });
    sending.join().expect("the peer has finished");
    receive(&mut incoming, 0, 8);
}

/// A thread closes while the listener is about to rest.
pub fn closed(mutation: Mutation) {
    let direction = Setup::new(mutation).build();
    let (mut incoming, attention) = (direction.incoming(Fencing::Plain), direction.attention());
    let closing = thread::spawn({
        let (flag, attention) = (direction.closing(), direction.attention());
        move || {
            assert!(flag.exchange(0, 0, 1));
            attention.call();
        }
    });
    let flag = direction.closing();
    loop {
        attention.settle();
        if flag.load(0, Ordering::Acquire) == 1 {
            break;
        }
        let rest = incoming.rest().expect("nothing comes");
        rest.sleep(&attention, Deadline::NEVER);
        incoming.rise();
    }
    closing.join().expect("the other thread has finished");
}

/// A third thread learns that the peer is dead, while the listener is about to rest.
pub fn died(mutation: Mutation) {
    let direction = Setup::new(mutation).build();
    let (mut incoming, attention) = (direction.incoming(Fencing::Plain), direction.attention());
    let watching = thread::spawn({
        let (link, attention) = (direction.receiver_link(), direction.attention());
        move || {
            link.declare_dead();
            attention.call();
        }
    });
    loop {
        attention.settle();
        match incoming.rest() {
            Some(rest) => rest.sleep(&attention, Deadline::NEVER),
            None => break,
        }
        incoming.rise();
    }
    assert_eq!(incoming.next(Deadline::NEVER), Err(NextError::End(End::Disconnected)));
    watching.join().expect("the watcher has finished");
}

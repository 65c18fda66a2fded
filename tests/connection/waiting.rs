//! Waiting for the other side, in every way, and being woken.

use std::io::IoSlice;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use tempfile::TempDir;
use twinring::{Connection, End, Options, SendError, TrySendError, WaitStrategy};

use crate::content;
use crate::waits::{LONG, STRATEGIES, own_number, until_asleep};

const MESSAGES: u64 = 1000;

/// Two ends that wait each in its own way.
fn mixed(here: WaitStrategy, there: WaitStrategy) -> (Connection, Connection) {
    let directory = TempDir::new().expect("a directory");
    let mut listener = small(here).bind(directory.path().join("socket")).expect("a listener");
    let path = listener.path().to_owned();
    let client = thread::spawn(move || small(there).connect(path, LONG).expect("a listener"));
    let accepted = listener.accept_timeout(LONG).expect("a client");
    (accepted, client.join().expect("the client"))
}

fn small(wait: WaitStrategy) -> Options {
    crate::options().ring_capacity(4096).wait(wait)
}

#[test]
fn every_pair_of_strategies_streams_both_ways() {
    for here in STRATEGIES {
        for there in STRATEGIES {
            let (one, other) = mixed(here, there);
            let ends = [one, other].map(stream);
            ends.into_iter().for_each(|end| end.join().expect("an end"));
        }
    }
}

/// Sends and receives all messages, in a thread that does both by turns.
fn stream(connection: Connection) -> JoinHandle<()> {
    thread::spawn(move || {
        let (mut sender, mut receiver) = connection.split();
        let sending = thread::spawn(move || {
            let mut message = Vec::new();
            for number in 0..MESSAGES {
                content::fill(number, &mut message);
                sender.send_vectored(&[IoSlice::new(&message[..3]), IoSlice::new(&message[3..])]).expect("room");
            }
            sender.finish().expect("a receiver that leaves in order");
        });
        let mut scratch = Vec::new();
        for number in 0..MESSAGES {
            assert!(content::is(number, &receiver.recv().expect("a message").to_vec(), &mut scratch));
        }
        assert_eq!(receiver.recv().err(), Some(End::Closed));
        drop(receiver);
        sending.join().expect("the sender");
    })
}

/// Runs `wait` in a thread, and `wake` once that sleeps.
fn woken<T: Send + 'static>(wait: impl FnOnce() -> T + Send + 'static, wake: impl FnOnce()) -> T {
    let (tell, told) = mpsc::channel();
    let waiting = thread::spawn(move || {
        tell.send(own_number()).expect("a listener");
        wait()
    });
    until_asleep(told.recv().expect("the number of the thread"));
    wake();
    waiting.join().expect("the waiting thread")
}

const SLEEPING: [WaitStrategy; 2] = [WaitStrategy::SpinThenPark, WaitStrategy::Park];

#[test]
fn a_sleeping_receiver_is_woken_by_a_message() {
    for wait in SLEEPING {
        let (here, there) = mixed(wait, WaitStrategy::Spin);
        let ((_forth, mut receiver), (mut sender, _back)) = (here.split(), there.split());
        let wake = || sender.send(b"good morning").expect("room");
        let (message, sleeps) =
            woken(move || (receiver.recv().map(|message| message.to_vec()), receiver.counters().sleeps), wake);
        assert_eq!(message.expect("a message"), b"good morning");
        assert!(sleeps >= 1);
        assert_eq!(sender.counters().wakes, 1, "{wait:?}");
    }
}

#[test]
fn a_sleeping_receiver_is_woken_by_the_end_of_a_batch() {
    let (here, there) = mixed(WaitStrategy::Park, WaitStrategy::Spin);
    let ((_forth, mut receiver), (mut sender, _back)) = (here.split(), there.split());
    let wake = || {
        let mut batch = sender.batch();
        (0..10).for_each(|_| batch.push(b"one of many").expect("room"));
    };
    let received = woken(move || (0..10).filter(|_| receiver.recv().is_ok()).count(), wake);
    assert_eq!(received, 10);
    assert_eq!(sender.counters().wakes, 1);
}

#[test]
fn a_sleeping_receiver_is_woken_by_the_end() {
    for wait in SLEEPING {
        let (here, there) = mixed(wait, WaitStrategy::Spin);
        let ((_forth, mut receiver), (sender, _back)) = (here.split(), there.split());
        assert_eq!(woken(move || receiver.recv().err(), || drop(sender)), Some(End::Closed), "{wait:?}");
    }
}

/// A connection whose ring is full.
fn full(wait: WaitStrategy) -> (Connection, Connection) {
    let (mut here, there) = mixed(wait, WaitStrategy::Spin);
    while here.ends().0.try_send(&[1; 100]) != Err(TrySendError::Full) {}
    (here, there)
}

#[test]
fn a_sleeping_sender_is_woken_by_room() {
    for wait in SLEEPING {
        let (here, there) = full(wait);
        let ((mut sender, _back), (_forth, mut receiver)) = (here.split(), there.split());
        let wake = || while receiver.recv().expect("a message").to_vec() != [2; 100] {};
        let (sent, counters) = woken(move || (sender.send(&[2; 100]), sender.counters()), wake);
        assert_eq!(sent, Ok(()), "{wait:?}");
        assert!(counters.sleeps >= 1 && counters.times_full == 1, "{counters:?}");
        assert!(receiver.counters().wakes >= 1);
    }
}

#[test]
fn a_sleeping_sender_is_woken_when_the_receiver_leaves() {
    for wait in SLEEPING {
        let (here, there) = full(wait);
        let ((mut sender, _back), (_forth, receiver)) = (here.split(), there.split());
        // Over the socket, what had been sent may make room by being thrown away.
        let sent = woken(move || (0..1_000_000).find_map(|_| sender.send(&[2; 100]).err()), || drop(receiver));
        assert_eq!(sent, Some(SendError::Ended(End::Closed)), "{wait:?}");
    }
}

#[test]
fn a_sleeping_sender_that_finishes_is_woken_when_the_receiver_leaves() {
    for wait in SLEEPING {
        let (here, there) = full(wait);
        let ((sender, _back), (_forth, mut receiver)) = (here.split(), there.split());
        let wake = move || while receiver.recv().is_ok() {};
        assert_eq!(woken(move || sender.finish(), wake), Ok(()), "{wait:?}");
    }
}

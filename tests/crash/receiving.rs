//! Victims that receive. Their survivor sends as much as there is room for, and learns of the end as it waits for more.

use rustix::event::{PollFd, PollFlags, poll};
use twinring::{Connection, End, Readiness, Receiver, SendTimeoutError, TryRecvError};

use crate::ledger::Ledger;
use crate::messages::message;
use crate::nursery::stretch;
use crate::place::Place;
use crate::survivor::{Fate, Signals};
use crate::waits::LONG;

const RING: usize = 4096;

/// So long that its room is given back at once.
const LENGTH: usize = 1000;

/// Waits for a message, and leaves it there.
fn until_there_is_one(receiver: &mut Receiver) {
    while receiver.arm() == Ok(Readiness::Armed) {
        poll(&mut [PollFd::new(receiver, PollFlags::IN)], None).expect("a message");
    }
}

/// Receives one and looks at it.
fn take(receiver: &mut Receiver, ledger: &Ledger, buffer: &mut [u8]) -> usize {
    ledger.begin();
    let length = receiver.recv_into(buffer).expect("a message");
    ledger.end();
    length
}

fn examine(bytes: &[u8], expected: &[u8], ledger: &Ledger) {
    if bytes != expected {
        ledger.torn();
    }
}

pub fn receive(place: &Place, ledger: &Ledger) {
    let (_sender, mut receiver) = place.meet(RING).split();
    let (mut buffer, expected) = ([0; LENGTH], message(0, LENGTH));
    until_there_is_one(&mut receiver);
    stretch(|| {
        let length = take(&mut receiver, ledger, &mut buffer);
        examine(&buffer[..length], &expected, ledger);
    });
}

/// The survivor holds back until the victim sleeps.
pub fn receive_from_an_empty_ring(place: &Place, ledger: &Ledger) {
    let (_sender, mut receiver) = place.meet(RING).split();
    let (mut buffer, expected) = ([0; LENGTH], message(0, LENGTH));
    stretch(|| {
        let length = take(&mut receiver, ledger, &mut buffer);
        examine(&buffer[..length], &expected, ledger);
    });
}

pub fn drain(place: &Place, ledger: &Ledger) {
    let (_sender, mut receiver) = place.meet(RING).split();
    let (mut buffer, expected) = ([0; LENGTH], [0, 1].map(|number| message(number, LENGTH)));
    until_there_is_one(&mut receiver);
    stretch(|| {
        let drained = receiver.drain(2, |message| {
            let number = ledger.begin();
            message.copy_to(&mut buffer);
            examine(&buffer, &expected[number as usize], ledger);
            ledger.end();
        });
        assert!(drained.is_ok());
    });
}

/// Asks for its descriptor, and looks, and goes to sleep in `poll`: none of it is to hide its death.
pub fn arm(place: &Place, _ledger: &Ledger) {
    let (_sender, mut receiver) = place.meet(RING).split();
    stretch(|| {
        assert_eq!(receiver.arm(), Ok(Readiness::Armed));
        assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Empty));
    });
}

/// Sends until the end.
pub fn send_all(connection: Connection, signals: &Signals) -> Fate {
    let (mut sender, mut receiver) = connection.split();
    let mut count = 0;
    signals.wait_from_here();
    let end = loop {
        match sender.send_timeout(&message(count, LENGTH), LONG) {
            Ok(()) => count += 1,
            Err(SendTimeoutError::Ended(end)) => break end,
            Err(error) => panic!("the survivor was not told: {error}"),
        }
    };
    let fate = Fate::now(count, end);
    assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Ended(End::Disconnected)));
    fate
}

/// The same, but not before the victim sleeps.
pub fn hold_back_and_send_all(connection: Connection, signals: &Signals) -> Fate {
    signals.hold_back();
    send_all(connection, signals)
}

/// Sends nothing, and waits for what does not come.
pub fn wait_for_nothing(connection: Connection, signals: &Signals) -> Fate {
    let (_sender, mut receiver) = connection.split();
    signals.wait_from_here();
    Fate::now(0, receiver.recv().map(|_| ()).expect_err("nothing is sent"))
}

/// No more was received than sent, and nothing else.
pub fn no_more_than_was_sent(_place: &Place, fate: &Fate, ledger: &Ledger) {
    assert!(!ledger.is_torn(), "the victim received another message than was sent");
    assert!(ledger.done() <= fate.count, "sent {}, the victim received {}", fate.count, ledger.done());
    assert_eq!(fate.end, Some(End::Disconnected));
}

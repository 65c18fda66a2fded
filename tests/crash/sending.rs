//! Victims that send. What their survivor has received is all that was committed, and nothing that was not.

use twinring::{Connection, End, RecvTimeoutError, Sender, Transport, TrySendError};

use crate::ledger::Ledger;
use crate::messages::{is, message};
use crate::nursery::stretch;
use crate::place::Place;
use crate::survivor::{Fate, Signals};
use crate::waits::LONG;

/// The ring of the small ones: it wraps soon.
const RING: usize = 4096;

/// A message of the small ones: of its frame's 9 words, 512 in a ring leave 8 at the end.
const SMALL: usize = 64;
const SMALLS_A_LAP: usize = 56;

/// One that rouses its receiver before it is copied, and is copied by the last of the routines.
const LARGE: usize = 20_000;

/// A step of the victim's: begun, committed by `commit`, done.
fn step(ledger: &Ledger, length: usize, commit: impl FnOnce(&[u8])) {
    // The number comes first, because to make the message takes long.
    let bytes = message(ledger.begun(), length);
    let stepping = || {
        ledger.begin();
        commit(&bytes);
        ledger.end();
    };
    stretch(stepping);
}

/// Sends before the stretch, so that what follows meets the end of the ring.
fn up_to_the_end(sender: &mut Sender, ledger: &Ledger) {
    for number in 0..SMALLS_A_LAP as u64 {
        ledger.begin();
        sender.send(&message(number, SMALL)).expect("room");
        ledger.end();
    }
}

pub fn send(place: &Place, ledger: &Ledger) {
    let (mut sender, _receiver) = place.meet(RING).split();
    step(ledger, SMALL, |bytes| sender.send(bytes).expect("room"));
}

pub fn send_around_the_end(place: &Place, ledger: &Ledger) {
    let (mut sender, _receiver) = place.meet(RING).split();
    up_to_the_end(&mut sender, ledger);
    step(ledger, SMALL, |bytes| sender.send(bytes).expect("room"));
}

pub fn send_large(place: &Place, ledger: &Ledger) {
    let (mut sender, _receiver) = place.meet(16 * RING).split();
    step(ledger, LARGE, |bytes| sender.send(bytes).expect("room"));
}

pub fn reserve_and_commit(place: &Place, ledger: &Ledger) {
    let (mut sender, _receiver) = place.meet(RING).split();
    step(ledger, 200, |bytes| {
        let mut reservation = sender.reserve(bytes.len()).expect("room");
        reservation.write_at(0, &bytes[..104]);
        reservation.write_at(104, &bytes[104..]);
        reservation.commit();
    });
}

pub fn batch(place: &Place, ledger: &Ledger) {
    let (mut sender, _receiver) = place.meet(RING).split();
    up_to_the_end(&mut sender, ledger);
    let messages = [0, 1, 2].map(|next| message(SMALLS_A_LAP as u64 + next, SMALL));
    stretch(|| {
        let mut batch = sender.batch();
        for message in &messages {
            ledger.begin();
            batch.push(message).expect("room");
            ledger.end();
        }
    });
}

/// The survivor holds back until the victim sleeps.
pub fn send_into_a_full_ring(place: &Place, ledger: &Ledger) {
    let (mut sender, _receiver) = place.meet(RING).split();
    loop {
        match sender.try_send(&message(ledger.begun(), SMALL)) {
            Ok(()) => {}
            Err(TrySendError::Full) => break,
            Err(error) => panic!("expected room or none, came {error}"),
        }
        ledger.begin();
        ledger.end();
    }
    step(ledger, SMALL, |bytes| sender.send(bytes).expect("room"));
}

pub fn leave(place: &Place, ledger: &Ledger) {
    let (mut sender, receiver) = place.meet(RING).split();
    ledger.begin();
    sender.send(&message(0, SMALL)).expect("room");
    ledger.end();
    stretch(|| {
        drop(receiver);
        drop(sender);
    });
}

pub fn finish(place: &Place, ledger: &Ledger) {
    let (mut sender, _receiver) = place.meet(RING).split();
    ledger.begin();
    sender.send(&message(0, SMALL)).expect("room");
    ledger.end();
    stretch(|| sender.finish().expect("a survivor that receives"));
}

/// Receives until the end.
pub fn receive_all(connection: Connection, signals: &Signals) -> Fate {
    let (mut sender, mut receiver) = connection.split();
    let mut count = 0;
    signals.wait_from_here();
    let end = loop {
        match receiver.recv_timeout(LONG) {
            Ok(received) => assert!(is(count, &received.to_vec()), "message {count} is torn"),
            Err(RecvTimeoutError::Ended(end)) => break end,
            Err(error) => panic!("the survivor was not told: {error}"),
        }
        count += 1;
    };
    let fate = Fate::now(count, end);
    assert_eq!(receiver.recv().err(), Some(end), "the end is final");
    match sender.try_send(b"anybody?") {
        Err(TrySendError::Ended(End::Disconnected | End::Closed)) => {}
        // It left in order with this half, and is still there.
        Ok(()) if end == End::Closed => {}
        other => panic!("expected the end, came {other:?}"),
    }
    fate
}

/// The same, but not before the victim sleeps.
pub fn hold_back_and_receive_all(connection: Connection, signals: &Signals) -> Fate {
    signals.hold_back();
    receive_all(connection, signals)
}

/// What was committed has come; what was not begun has not.
pub fn all_that_was_committed(place: &Place, fate: &Fate, ledger: &Ledger) {
    // What the socket had no room for dies with its sender.
    let least = if place.transport == Transport::Socket { 0 } else { ledger.done() };
    let most = ledger.begun();
    assert!((least..=most).contains(&fate.count), "received {}, committed {least} to {most}", fate.count);
    assert_eq!(fate.end, Some(End::Disconnected));
}

/// The same of a victim that leaves in order, if it comes to that.
pub fn all_and_perhaps_the_end(place: &Place, fate: &Fate, ledger: &Ledger) {
    assert!(matches!(fate.end, Some(End::Disconnected | End::Closed)), "{:?}", fate.end);
    all_that_was_committed(place, &Fate { end: Some(End::Disconnected), ..*fate }, ledger);
}

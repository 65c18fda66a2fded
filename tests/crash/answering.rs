//! Victims that answer. Their survivor has each whole reply that was committed, and learns of the end in the call that
//! follows.

use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use twinring::{Call, CallError, Connection, End, Failure, Halt, Handler, LocalSession, Readiness};

use crate::calling::options;
use crate::ledger::Ledger;
use crate::messages::{is, message};
use crate::nursery::stretch;
use crate::place::Place;
use crate::survivor::{Fate, Signals};

const RING: usize = 4096;
const SMALL: usize = 64;

/// More than half of the ring: it goes in fragments.
const LARGE: usize = 3000;

fn until_readable(descriptor: impl AsFd) {
    poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], None).expect("something to read");
}

/// Waits until something has come, and leaves it there.
fn until_there_is_something<H: Handler>(session: &mut LocalSession<H>) {
    while session.arm() == Ok(Readiness::Armed) {
        until_readable(&*session);
    }
}

/// Takes what comes until one more request has been answered.
fn answer_one<H: Handler>(session: &mut LocalSession<H>, ledger: &Ledger) {
    while ledger.begun() == ledger.done() {
        until_there_is_something(session);
        session.dispatch().expect("a survivor that survives");
    }
    ledger.end();
}

fn answer_with(length: usize, place: &Place, ledger: &Ledger) {
    let replies = [message(0, SMALL), message(1, length)];
    let handler = |call: &mut Call<'_>| -> Result<(), Failure> {
        let number = ledger.begin() as usize;
        call.reply_from(&replies[number]);
        Ok(())
    };
    let mut session = LocalSession::new(place.meet(RING), &options(), handler);
    answer_one(&mut session, ledger);
    until_there_is_something(&mut session);
    stretch(|| answer_one(&mut session, ledger));
}

pub fn answer(place: &Place, ledger: &Ledger) {
    answer_with(SMALL, place, ledger);
}

pub fn answer_in_fragments(place: &Place, ledger: &Ledger) {
    answer_with(LARGE, place, ledger);
}

/// Calls twice, and then waits for what does not come.
pub fn call_all(connection: Connection, signals: &Signals) -> Fate {
    let mut session = LocalSession::new(connection, &options(), ());
    let mut count = 0;
    signals.wait_from_here();
    let end = loop {
        if count == 2 {
            break session.serve().expect_err("a victim does not leave in order");
        }
        match session.call(0, &message(count, SMALL)) {
            Ok(reply) => assert!(is(count, &reply), "reply {count} is torn"),
            Err(CallError::NoReply(Halt::Ended(end)) | CallError::NotSent(Halt::Ended(end))) => break end,
            Err(error) => panic!("the survivor was not told: {error}"),
        }
        count += 1;
        // Else it might answer both in one go, outside of its stretch.
        signals.until_one_is_done();
    };
    let fate = Fate::now(count, end);
    let dead = Halt::Ended(End::Disconnected);
    assert_eq!(session.call(0, b""), Err(CallError::NotSent(dead)), "the end is final");
    fate
}

//! Victims that call, and send events. Their survivor has each whole request that was committed, and no part of another.

use std::cell::Cell;

use twinring::{Call, Connection, End, Event, Failure, Handler, LocalSession, Session, SessionOptions};

use crate::ledger::Ledger;
use crate::messages::{is, message};
use crate::nursery::stretch;
use crate::place::Place;
use crate::survivor::{Fate, Signals};
use crate::waits::LONG;

const RING: usize = 4096;
const SMALL: usize = 64;

/// More than half of the ring: it goes in fragments.
const LARGE: usize = 3000;

/// No call lasts for ever, so that a death that is missed is a failure and not a test that hangs.
pub fn options() -> SessionOptions {
    SessionOptions::new().call_timeout(LONG)
}

/// A call before the stretch, in which the two sides greet each other.
fn greet(session: &mut LocalSession<()>, ledger: &Ledger) {
    let number = ledger.begin();
    session.call(0, &message(number, SMALL)).expect("a reply");
    ledger.end();
}

fn call_of(length: usize, place: &Place, ledger: &Ledger) {
    let mut session = LocalSession::new(place.meet(RING), &options(), ());
    greet(&mut session, ledger);
    let (request, mut reply) = (message(1, length), Vec::with_capacity(length));
    stretch(|| {
        ledger.begin();
        session.call_into(0, &request, &mut reply).expect("a reply");
        ledger.end();
    });
}

pub fn call(place: &Place, ledger: &Ledger) {
    call_of(SMALL, place, ledger);
}

pub fn call_in_fragments(place: &Place, ledger: &Ledger) {
    call_of(LARGE, place, ledger);
}

pub fn notify(place: &Place, ledger: &Ledger) {
    let mut session = LocalSession::new(place.meet(RING), &options(), ());
    greet(&mut session, ledger);
    let event = message(1, SMALL);
    stretch(|| {
        ledger.begin();
        session.notify(0, &event).expect("room");
        ledger.end();
    });
}

/// By a session with a listener thread, which sleeps beside the thread that calls.
pub fn call_of_many_threads(place: &Place, ledger: &Ledger) {
    let session = Session::new(place.meet(RING), &options(), ()).expect("a session");
    ledger.begin();
    session.call(0, &message(0, SMALL)).expect("a reply");
    ledger.end();
    let (request, mut reply) = (message(1, SMALL), Vec::with_capacity(SMALL));
    stretch(|| {
        ledger.begin();
        session.call_into(0, &request, &mut reply).expect("a reply");
        ledger.end();
    });
}

/// Counts what comes, and replies with what it is sent.
struct Counting<'a>(&'a Cell<u64>);

impl Counting<'_> {
    fn count(&self, bytes: &[u8]) {
        let number = self.0.replace(self.0.get() + 1);
        assert!(is(number, bytes), "request {number} is torn");
    }
}

impl Handler for Counting<'_> {
    fn call(&self, call: &mut Call<'_>) -> Result<(), Failure> {
        self.count(call.payload());
        call.reply_from(call.payload());
        Ok(())
    }

    fn event(&self, event: &mut Event<'_>) {
        self.count(event.payload());
    }
}

/// Answers until the end.
pub fn answer_all(connection: Connection, signals: &Signals) -> Fate {
    let counted = Cell::new(0);
    let mut session = LocalSession::new(connection, &options(), Counting(&counted));
    signals.wait_from_here();
    let end = session.serve().expect_err("a victim does not leave in order");
    let fate = Fate::now(counted.get(), end);
    assert_eq!(session.serve(), Err(End::Disconnected), "the end is final");
    fate
}

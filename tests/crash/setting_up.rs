//! Victims on their way to a connection. Their survivor has an error, or a connection that ends, or never knew of them; and
//! whoever comes next is connected.

use std::thread;
use std::time::{Duration, Instant};

use twinring::{AcceptError, ConnectError, Connection, End, HandshakeError, Listener, RecvTimeoutError};

use crate::ledger::Ledger;
use crate::nursery::stretch;
use crate::place::Place;
use crate::survivor::{Fate, Signals, Survivor};
use crate::waits::LONG;

const RING: usize = 4096;

/// What the one says that comes after the victim.
const ANOTHER: &[u8] = b"another";

/// How often a survivor that waits looks whether there is anything left to wait for: one that listens, and one that
/// connects, which begins anew each time.
const TURN: Duration = Duration::from_millis(1);
const LONG_TURN: Duration = Duration::from_millis(50);

pub fn connect(place: &Place, ledger: &Ledger) {
    stretch(|| {
        let connection = place.meet(RING);
        ledger.begin();
        connection
    });
}

/// Binds, and accepts.
pub fn listen(place: &Place, ledger: &Ledger) {
    stretch(|| {
        let mut listener = place.listen(&place.victims(RING));
        let connection = listener.accept_timeout(LONG).expect("the survivor");
        ledger.begin();
        (listener, connection)
    });
}

/// A listener that survives those who connect.
pub struct Accepting {
    place: Place,
    listener: Listener,
}

impl Accepting {
    pub fn boxed(place: &Place) -> Box<dyn Survivor> {
        Box::new(Self { place: place.clone(), listener: place.listen(&place.survivors()) })
    }

    fn failed(&self) -> u64 {
        let counters = self.listener.counters();
        counters.failed + counters.declined + counters.refused
    }
}

impl Survivor for Accepting {
    fn survive(&mut self, signals: &Signals) -> Fate {
        let before = self.failed();
        loop {
            // What is dead now has done all that it will: if that is not seen in the turn that follows, it never is.
            let last = signals.is_dead();
            match self.listener.accept_timeout(TURN) {
                Ok(connection) => return until_the_end(connection),
                Err(AcceptError::Timeout) if self.failed() > before => return Fate::failed(),
                Err(AcceptError::Timeout) if last => return Fate::UNAWARE,
                Err(AcceptError::Timeout) => {}
                Err(error) => panic!("a client that dies is no failure of the listener's: {error}"),
            }
        }
    }

    fn meet_another(&mut self) {
        thread::scope(|scope| {
            scope.spawn(|| {
                is_greeted(self.place.victims(RING).connect(self.place.socket(), LONG).expect("the survivor"));
            });
            greet(self.listener.accept_timeout(LONG).expect("another client"));
        });
    }

    fn check(&self, fate: &Fate, ledger: &Ledger) {
        all_that_connected(fate, ledger);
    }
}

/// A client that survives those who listen.
pub struct Connecting {
    place: Place,
}

impl Connecting {
    pub fn boxed(place: &Place) -> Box<dyn Survivor> {
        Box::new(Self { place: place.clone() })
    }

    /// What came of a connection, or of none.
    fn outcome(&self, result: Result<Connection, ConnectError>) -> Fate {
        match result {
            Ok(connection) => until_the_end(connection),
            Err(ConnectError::Handshake(HandshakeError::HungUp)) => Fate::failed(),
            Err(ConnectError::Absent { .. } | ConnectError::Handshake(HandshakeError::Timeout { .. })) => Fate::UNAWARE,
            Err(error) => panic!("expected a listener that hung up, came {error}: {error:?}"),
        }
    }
}

impl Survivor for Connecting {
    fn survive(&mut self, signals: &Signals) -> Fate {
        loop {
            let last = signals.is_dead();
            let time = if last { Duration::ZERO } else { LONG_TURN };
            let fate = self.outcome(self.place.survivors().connect(self.place.socket(), time));
            // Nobody listened in that turn, or was too slow: there may be somebody in the next.
            if last || fate.end.is_some() || fate.known.is_some() {
                return fate;
            }
        }
    }

    fn meet_another(&mut self) {
        let mut listener = self.place.listen(&self.place.victims(RING));
        thread::scope(|scope| {
            scope.spawn(|| {
                is_greeted(self.place.survivors().connect(self.place.socket(), LONG).expect("another listener"));
            });
            greet(listener.accept_timeout(LONG).expect("the survivor"));
        });
    }

    fn check(&self, fate: &Fate, ledger: &Ledger) {
        all_that_connected(fate, ledger);
    }
}

/// Whoever the victim was connected to has noticed.
fn all_that_connected(fate: &Fate, ledger: &Ledger) {
    if ledger.begun() > 0 {
        assert_eq!(fate.end, Some(End::Disconnected));
    }
}

fn until_the_end(connection: Connection) -> Fate {
    let (_sender, mut receiver) = connection.split();
    match receiver.recv_timeout(LONG) {
        Err(RecvTimeoutError::Ended(end)) => Fate::now(0, end),
        other => panic!("expected the end, came {other:?}"),
    }
}

fn greet(mut connection: Connection) {
    connection.ends().0.send(ANOTHER).expect("room");
    // It leaves when it has been greeted.
    assert!(connection.ends().1.recv_timeout(LONG).is_err());
}

fn is_greeted(mut connection: Connection) {
    assert_eq!(connection.ends().1.recv_timeout(LONG).expect("a greeting").to_vec(), ANOTHER);
}

impl Fate {
    const UNAWARE: Self = Self { count: 0, end: None, known: None };

    fn failed() -> Self {
        Self { known: Some(Instant::now()), ..Self::UNAWARE }
    }
}

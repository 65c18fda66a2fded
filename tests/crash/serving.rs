//! Services: clients that die, and services that do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, poll};
use twinring::{End, LocalSession, Parting, Service, ServiceOptions};

use crate::calling::options;
use crate::ledger::Ledger;
use crate::messages::{is, message};
use crate::nursery::stretch;
use crate::place::Place;
use crate::survivor::{Fate, Signals, Survivor};
use crate::waits::LONG;

const RING: usize = 4096;
const SMALL: usize = 64;

/// Whatever is called.
const ANY: u32 = 0;

/// A client that calls.
pub fn call_a_service(place: &Place, ledger: &Ledger) {
    let mut session = LocalSession::new(place.meet(RING), &options(), ());
    let mut call = || {
        let request = message(ledger.begun(), SMALL);
        ledger.begin();
        session.call(ANY, &request).expect("a reply");
        ledger.end();
    };
    call();
    stretch(call);
}

/// A service with one thread, and what it says of each client that goes.
pub struct Serving {
    _service: Service,
    handled: Arc<AtomicU64>,
    parted: Receiver<(Parting, Instant)>,
}

impl Serving {
    pub fn boxed(place: &Place) -> Box<dyn Survivor> {
        let (tell, parted) = mpsc::channel();
        let handled = Arc::new(AtomicU64::new(0));
        let options = ServiceOptions::new().connection(place.survivors());
        let options = options.disconnected(move |_, parting| {
            tell.send((parting.clone(), Instant::now())).expect("a test that listens");
        });
        let service = options.bind(place.socket()).expect("a service");
        let counter = Arc::clone(&handled);
        service.handle_others(move |request| {
            let number = counter.fetch_add(1, Ordering::Relaxed);
            assert!(is(number, request.payload()), "request {number} is torn");
            request.reply_from(request.payload());
            Ok(())
        });
        service.start(1).expect("a thread");
        Box::new(Self { _service: service, handled, parted })
    }
}

impl Survivor for Serving {
    fn survive(&mut self, _signals: &Signals) -> Fate {
        let (parting, known) = self.parted.recv_timeout(LONG).expect("word of the victim's end");
        assert_eq!(parting, Parting::Died);
        let count = self.handled.swap(0, Ordering::Relaxed);
        Fate { count, end: Some(End::Disconnected), known: Some(known) }
    }

    fn check(&self, fate: &Fate, ledger: &Ledger) {
        assert!((ledger.done()..=ledger.begun()).contains(&fate.count), "{fate:?}");
        assert!(self.parted.try_recv().is_err(), "the end of one client was told twice");
    }
}

/// A service that dies.
pub fn serve(place: &Place, ledger: &Ledger) {
    let service = ServiceOptions::new().connection(place.victims(RING)).bind(place.socket()).expect("a service");
    // A handler may run on any thread, so it has the page by a mapping of its own.
    let handlers = Mutex::new(Ledger::open(&place.page()));
    let replies = [0, 1].map(|number| message(number, SMALL));
    service.handle_others(move |request| {
        let number = handlers.lock().expect("no panic").begin();
        request.reply_from(&replies[number as usize]);
        Ok(())
    });
    answer_one(&service, ledger);
    until_readable(&service);
    stretch(|| answer_one(&service, ledger));
}

fn until_readable(service: &Service) {
    poll(&mut [PollFd::new(service, PollFlags::IN)], None).expect("something to do");
}

/// Does what there is to do until one more request has been answered.
fn answer_one(service: &Service, ledger: &Ledger) {
    while ledger.begun() == ledger.done() {
        until_readable(service);
        service.dispatch();
    }
    ledger.end();
}

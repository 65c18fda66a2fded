//! Many threads on one connection.

use std::sync::Arc;
use std::thread;

use twinring::rpc::{CallError, Server};

use crate::carriers::{PATIENCE, SHARED, connect};
use crate::office::{Desk, OfficeClient, office};

#[test]
fn each_of_many_threads_gets_its_own_replies() {
    for over in SHARED {
        let (carriers, serving) = connect(over, Server::new(), office(&Arc::default()), 8);
        thread::scope(|scope| {
            for (thread, carrier) in (0..).zip(carriers) {
                scope.spawn(move || {
                    let mut office = OfficeClient::bind(carrier).unwrap();
                    for number in 0..300 {
                        assert_eq!(office.add(thread * 1000, number), Ok(thread * 1000 + number), "{over:?}");
                        if number % 50 == 0 {
                            let length = 10_000 + number as u64;
                            assert_eq!(office.bytes(length).map(|bytes| bytes.len() as u64), Ok(length));
                        }
                    }
                });
            }
        });
        serving.finish();
    }
}

#[test]
fn a_call_that_waits_holds_up_no_other() {
    for over in SHARED.into_iter().filter(|&over| over != crate::carriers::Over::Session) {
        let desk = Arc::new(Desk::default());
        let (mut carriers, serving) = connect(over, Server::new(), office(&desk), 4);
        let mut quick = OfficeClient::bind(carriers.pop().unwrap()).unwrap();
        thread::scope(|scope| {
            for carrier in carriers {
                let binding = quick.stub().binding().clone();
                scope.spawn(move || assert_eq!(OfficeClient::bound(carrier, binding).wait_to_be_let_go(), Ok(())));
            }
            desk.gate.await_arrivals(3);
            assert_eq!(quick.add(1, 2), Ok(3), "{over:?}");
            desk.gate.open();
        });
        drop(quick);
        serving.finish();
    }
}

#[test]
fn more_calls_than_there_are_workers_and_places_wait_for_their_turn() {
    use std::os::unix::net::UnixStream;
    use twinring::rpc::{StreamOptions, StreamSession};
    let desk = Arc::new(Desk::default());
    let options = StreamOptions::new().calls_in_flight(3).workers(2).call_timeout(PATIENCE);
    let (here, there) = UnixStream::pair().unwrap();
    let _there = StreamSession::over(there, &options, office(&desk)).unwrap();
    let here = StreamSession::over(here, &options, Server::new()).unwrap();
    let mut first = OfficeClient::bind(here.clone()).unwrap();
    let binding = first.stub().binding().clone();
    thread::scope(|scope| {
        for _ in 0..6 {
            let (here, binding) = (here.clone(), binding.clone());
            scope.spawn(move || assert_eq!(OfficeClient::bound(here, binding).wait_to_be_let_go(), Ok(())));
        }
        desk.gate.await_arrivals(2);
        // Both workers wait, and another call or none lies in the queue; a place may be free or not.
        first.stub().set_timeout(Some(std::time::Duration::from_millis(20)));
        let error: CallError = first.add(1, 2).unwrap_err();
        assert!(error.timed_out(), "{error:?}");
        desk.gate.open();
    });
    first.stub().set_timeout(None);
    assert_eq!(first.add(1, 2), Ok(3));
}

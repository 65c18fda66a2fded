//! The end of a service: in order, with what is owed paid first; and at once.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use twinring::{CallError, ConnectError, End, Halt, Responder, Selector, ServiceOptions};

use crate::leaks::Held;
use crate::place::{ECHO, Record, client, client_at, echoes, noted, place, small};
use crate::process::Child;
use crate::waits::{LONG, until};

const LATER: Selector = Selector::new(1, 9);

#[test]
fn a_shutdown_answers_what_has_come_and_waits_for_deferred_replies() {
    let ((_directory, path), record) = (place(), Record::default());
    let service = noted(&record).bind(path).expect("a service");
    let kept = Arc::new(Mutex::new(None::<Responder>));
    let keep = Arc::clone(&kept);
    service.handle(LATER, move |request| {
        *keep.lock().expect("no panic") = request.defer();
        Ok(())
    });
    service.start(1).expect("a thread");
    let session = client(&service);
    let pending = session.begin(LATER.packed(), b"").expect("sent");
    until("the request", || kept.lock().expect("no panic").is_some());
    let ending = service.clone();
    let shutdown = thread::spawn(move || ending.shutdown(LONG));
    // Nobody new comes in once it has begun.
    until("the listener to be gone", || !service.path().exists());
    assert!(matches!(small().connect(service.path(), Duration::ZERO), Err(ConnectError::Absent { .. })));
    assert_eq!(record.lines().last().map(String::as_str), Some("connected"), "cut off before its reply");
    kept.lock().expect("no panic").take().expect("a responder").reply(b"at last");
    assert_eq!(pending.wait(), Ok(b"at last".to_vec()));
    assert_eq!(shutdown.join().expect("a shutdown"), 0);
    record.await_lines(&["authorise", "connected", "disconnected: the service was shut down", "destroyed"]);
    assert_eq!(session.serve(), Ok(()), "the client sees an end in order");
    assert_eq!(service.counters().shut_down, 1);
}

#[test]
fn a_shutdown_cuts_off_who_is_not_done_by_its_deadline() {
    let ((_directory, path), record) = (place(), Record::default());
    let service = noted(&record).bind(path).expect("a service");
    let kept = Arc::new(Mutex::new(None::<Responder>));
    let keep = Arc::clone(&kept);
    service.handle(LATER, move |request| {
        *keep.lock().expect("no panic") = request.defer();
        Ok(())
    });
    service.start(1).expect("a thread");
    let session = client(&service);
    let pending = session.begin(LATER.packed(), b"").expect("sent");
    until("the request", || kept.lock().expect("no panic").is_some());
    let began = Instant::now();
    assert_eq!(service.shutdown(Duration::from_millis(100)), 1);
    assert!(began.elapsed() < LONG / 2, "it took {:?}", began.elapsed());
    assert!(matches!(pending.wait(), Err(CallError::NoReply(Halt::Ended(_)))));
    record.await_lines(&["authorise", "connected", "disconnected: the service was shut down", "destroyed"]);
    // Answering after the end is nobody's harm.
    kept.lock().expect("no panic").take().expect("a responder").reply(b"too late");
}

#[test]
fn requests_that_lie_in_the_rings_are_answered_before_the_end() {
    let (_directory, path) = place();
    let service = ServiceOptions::new().connection(small()).bind(path).expect("a service");
    echoes(&service);
    let path = service.path().to_owned();
    let asking = thread::spawn(move || {
        let session = client_at(path);
        let pending: Vec<_> = (0..40_u8).map(|n| session.begin(ECHO.packed(), &[n]).expect("sent")).collect();
        (session, pending)
    });
    // Without threads: connected, and then not dispatched until the shutdown does it.
    while service.counters().connected == 0 {
        service.dispatch();
    }
    let (_session, pending) = asking.join().expect("a client");
    assert_eq!(service.shutdown(LONG), 0);
    for (n, pending) in pending.into_iter().enumerate() {
        assert_eq!(pending.wait(), Ok(vec![n as u8]));
    }
}

#[test]
fn dropping_the_last_handle_ends_it_at_once() {
    let ((_directory, path), record) = (place(), Record::default());
    let service = noted(&record).bind(path.clone()).expect("a service");
    service.start(2).expect("threads");
    let session = client(&service);
    until("a client", || service.counters().clients == 1);
    drop(service.clone());
    assert_eq!(record.lines(), ["authorise", "connected"]);
    drop(service);
    assert_eq!(record.lines()[2..], ["disconnected: the service was shut down", "destroyed"]);
    assert!(!path.exists(), "the socket is still there");
    assert!(matches!(session.call(ECHO.packed(), b""), Err(CallError::NoReply(_) | CallError::NotSent(_))));
}

#[test]
fn a_client_whose_handler_ends_the_service_goes_after_it() {
    let ((_directory, path), record) = (place(), Record::default());
    let service = noted(&record).bind(path).expect("a service");
    let last = Arc::new(Mutex::new(None));
    let (held, lines) = (Arc::clone(&last), record.clone());
    service.handle(ECHO, move |_| {
        drop(held.lock().expect("no panic").take());
        lines.note("ended");
        Ok(())
    });
    service.start(1).expect("a thread");
    let session = client(&service);
    *last.lock().expect("no panic") = Some(service);
    assert_eq!(session.call(ECHO.packed(), b""), Ok(Vec::new()), "it is answered first");
    record.await_lines(&["authorise", "connected", "ended", "disconnected: the service was shut down", "destroyed"]);
}

#[test]
fn a_dismissed_client_goes_and_the_others_stay() {
    let ((_directory, path), record) = (place(), Record::default());
    // No client has a turn because its hello was waited for.
    let service = noted(&record).hello_timeout(2 * LONG).bind(path).expect("a service");
    echoes(&service);
    service.start(1).expect("a thread");
    let session = client(&service);
    until("a client", || service.counters().clients == 1);
    let other = client(&service);
    assert_eq!(other.call(ECHO.packed(), b""), Ok(Vec::new()));
    service.clients().iter().min_by_key(|client| client.id()).expect("a client").dismiss("too loud");
    assert_eq!(session.serve(), Ok(()));
    let gone = ["disconnected: it was sent away: too loud", "destroyed"];
    record.await_lines(&[&["authorise", "connected", "authorise", "connected"][..], &gone].concat());
    let closed = Halt::Ended(End::Closed);
    let refused = session.call(ECHO.packed(), b"");
    // Over a socket it may take a moment until nothing can be sent any more.
    assert!([CallError::NotSent(closed), CallError::NoReply(closed)].map(Err).contains(&refused), "{refused:?}");
    assert_eq!(other.call(ECHO.packed(), b"here"), Ok(b"here".to_vec()));
}

#[test]
fn of_a_service_nothing_is_left() {
    Child::start("serves and ends", &[]).finish();
}

/// A process of its own: beside another test, threads come and go.
pub fn serves_and_ends() {
    serve_and_end(true);
    let before = Held::now();
    for round in 0..20 {
        serve_and_end(round % 2 == 0);
    }
    until(&format!("{before:?} to be all, not {:?}", Held::now()), || Held::now().is_within(before));
}

fn serve_and_end(in_order: bool) {
    let (_directory, path) = place();
    let service = ServiceOptions::new().connection(small()).bind(path).expect("a service");
    echoes(&service);
    service.start(2).expect("threads");
    let clients: Vec<_> = (0..5).map(|_| client(&service)).collect();
    for client in &clients {
        assert_eq!(client.call(ECHO.packed(), b"hello"), Ok(b"hello".to_vec()));
    }
    if in_order {
        assert_eq!(service.shutdown(LONG), 0);
    }
    drop((service, clients));
}

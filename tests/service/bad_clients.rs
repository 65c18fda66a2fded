//! Clients that flood, stay silent, never read, or come again and again: the others are answered all the same.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use twinring::{Selector, ServiceOptions, Session, SessionOptions, Verdict};

use crate::place::{ECHO, Record, client, client_at, echoes, noted, place, small};
use crate::raw;
use crate::waits::{LONG, until};

/// So many replies of [`crate::REPLY`] bytes are more than lies between two sides when one reads none.
const UNREAD: usize = 60;

/// Replies with as many bytes as that.
const MAKE: Selector = Selector::new(0, 9);

/// A client that nobody reads for.
fn deaf(path: &std::path::Path) -> Session {
    let connection = small().ring_capacity(1 << 16).connect(path, LONG).expect("a service");
    Session::new(connection, &SessionOptions::new().listener(false).call_timeout(LONG), ()).expect("a session")
}

#[test]
fn one_that_never_reads_its_replies_is_parted_with_and_holds_up_nobody() {
    let ((_directory, path), record) = (place(), Record::default());
    let session = SessionOptions::new().reply_timeout(Duration::from_millis(500)).calls_in_flight(4096);
    let service = noted(&record).session(session).connection(small().ring_capacity(4096)).bind(path);
    let service = service.expect("a service");
    echoes(&service);
    service.handle(MAKE, |request| {
        request.reply().resize(crate::REPLY, 0);
        Ok(())
    });
    service.start(1).expect("a thread");
    let rude = deaf(service.path());
    let pending: Vec<_> = (0..UNREAD).map(|_| rude.begin(MAKE.packed(), b"").expect("sent")).collect();
    let polite = client(&service);
    until("the rude one to wait", || service.clients().iter().any(|client| client.waiting_bytes() > 0));
    for n in 0..100_u8 {
        assert_eq!(polite.call(ECHO.packed(), &[n]), Ok(vec![n]));
    }
    until("the rude one to have gone", || service.counters().never_read == 1);
    assert_eq!(polite.call(ECHO.packed(), b"still"), Ok(b"still".to_vec()));
    drop(pending);
    let gone = record.lines().iter().filter(|line| *line == "disconnected: it did not read what it was sent").count();
    assert_eq!(gone, 1, "{:?}", record.lines());
}

#[test]
fn no_request_is_taken_from_one_that_has_replies_to_read() {
    let (_directory, path) = place();
    let handled = Arc::new(Mutex::new(0));
    let session = SessionOptions::new().calls_in_flight(4096);
    let service = ServiceOptions::new().session(session).connection(small().ring_capacity(4096));
    let service = service.bind(path).expect("a service");
    let count = Arc::clone(&handled);
    service.handle(MAKE, move |request| {
        *count.lock().expect("no panic") += 1;
        request.reply().resize(crate::REPLY, 0);
        Ok(())
    });
    service.start(1).expect("a thread");
    let rude = deaf(service.path());
    let pending: Vec<_> = (0..UNREAD).map(|_| rude.begin(MAKE.packed(), b"").expect("sent")).collect();
    let waits = || service.clients().iter().any(|client| client.waiting_bytes() > 0);
    until("a reply to wait", waits);
    assert!(*handled.lock().expect("no panic") < UNREAD / 2, "{handled:?} of {UNREAD} were taken");
    // It reads after all, and is answered.
    for pending in pending {
        assert_eq!(pending.wait().map(|reply| reply.len()), Ok(crate::REPLY));
    }
    assert_eq!(*handled.lock().expect("no panic"), UNREAD);
}

#[test]
fn all_of_them_at_once_and_the_others_are_answered() {
    let (_directory, path) = place();
    let session = SessionOptions::new().reply_timeout(Duration::from_millis(300));
    let refused = Arc::new(Mutex::new(0_u32));
    let count = Arc::clone(&refused);
    let service = ServiceOptions::new().session(session).connection(small()).hello_timeout(Duration::from_millis(300));
    // Every second applicant is refused.
    let service = service.authorise(move |_| {
        let mut count = count.lock().expect("no panic");
        *count += 1;
        if *count % 2 == 0 { Verdict::Refuse("try again".to_owned()) } else { Verdict::Accept }
    });
    let service = service.bind(path).expect("a service");
    echoes(&service);
    service.start(1).expect("a thread");
    let stop = Arc::new(Mutex::new(false));
    let path = service.path().to_owned();
    let connect = move || loop {
        if let Ok(connection) = small().connect(path.clone(), LONG) {
            break Session::new(connection, &SessionOptions::new().call_timeout(LONG), ()).expect("a session");
        }
    };
    let polite: Vec<_> = (0..3).map(|_| connect()).collect();
    let flood = connect();
    let goes_on = || !*stop.lock().expect("no panic");
    thread::scope(|scope| {
        scope.spawn(|| while goes_on() && flood.notify(77, &[0; 100]).is_ok() {});
        scope.spawn(|| {
            while goes_on() {
                drop(small().connect(service.path(), LONG));
            }
        });
        scope.spawn(|| {
            let mut silent = Vec::new();
            while goes_on() {
                silent.push(raw::client(service.path()));
                silent.truncate(8);
                thread::sleep(Duration::from_millis(1));
            }
        });
        let (mut calls, started) = (0_u64, Instant::now());
        let counted = || (service.counters().refused > 10, service.counters().events > 100);
        // On as many processors as there are, somebody may come late.
        while calls < 500 || counted() != (true, true) && started.elapsed() < LONG {
            calls += 1;
            for session in &polite {
                assert_eq!(session.call(ECHO.packed(), &calls.to_le_bytes()), Ok(calls.to_le_bytes().to_vec()));
            }
        }
        *stop.lock().expect("no panic") = true;
        assert_eq!(counted(), (true, true), "{:?}", service.counters());
    });
}

#[test]
fn a_slow_handler_holds_up_its_own_client_alone_if_there_are_threads() {
    let (_directory, path) = place();
    let service = ServiceOptions::new().connection(small()).linger(Duration::from_secs(1));
    let service = service.bind(path).expect("a service");
    echoes(&service);
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let gone = Mutex::new(gone);
    service.handle(twinring::Selector::new(9, 9), move |_| Ok(gone.lock().expect("no panic").recv()?));
    service.start(2).expect("threads");
    let path = service.path().to_owned();
    let (slow, quick) = (client_at(path.clone()), client_at(path));
    // Both are looked at without being asked for, by one thread or the other.
    for session in [&slow, &quick] {
        assert_eq!(session.call(ECHO.packed(), b"here"), Ok(b"here".to_vec()));
    }
    let pending = slow.begin(twinring::Selector::new(9, 9).packed(), b"").expect("sent");
    for n in 0..200_u8 {
        assert_eq!(quick.call(ECHO.packed(), &[n]), Ok(vec![n]));
    }
    assert!(!pending.is_answered());
    go.send(()).expect("a handler");
    assert_eq!(pending.wait(), Ok(Vec::new()));
}

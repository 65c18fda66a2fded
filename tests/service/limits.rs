//! How many may come in, how fast, and how much each may ask.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use twinring::{CallError, ClientLimits, ConnectError, HandshakeError, Responder, Selector, ServiceOptions, Verdict};

use crate::place::{ECHO, client, echoes, place, small};
use crate::waits::{LONG, until};

fn refusal(path: &std::path::Path) -> String {
    match small().connect(path, LONG) {
        Err(ConnectError::Handshake(HandshakeError::Refused { reason })) => reason,
        other => panic!("expected a refusal, came {other:?}"),
    }
}

#[test]
fn a_full_service_says_so_and_takes_the_next_once_one_has_gone() {
    let (_directory, path) = place();
    let service = ServiceOptions::new().connection(small()).most_clients(3).bind(path).expect("a service");
    echoes(&service);
    service.start(1).expect("a thread");
    let mut clients: Vec<_> = (0..3).map(|_| client(&service)).collect();
    assert_eq!(refusal(service.path()), "the service has 3 clients, which is the most it takes");
    clients.pop();
    until("a client to have gone", || service.counters().left == 1);
    until("its place", || small().connect(service.path(), LONG).is_ok());
    assert_eq!(clients[0].call(ECHO.packed(), b"still here"), Ok(b"still here".to_vec()));
}

#[test]
fn a_user_has_no_more_clients_than_allowed() {
    let (_directory, path) = place();
    let service = ServiceOptions::new().connection(small()).most_clients_of_user(2).bind(path).expect("a service");
    service.start(1).expect("a thread");
    let _clients = [client(&service), client(&service)];
    assert_eq!(refusal(service.path()), "the service has 2 clients of this user, which is the most it takes");
}

#[test]
fn a_place_is_given_back_by_an_applicant_that_fails() {
    let (_directory, path) = place();
    let limits = ClientLimits::new().largest_peer_ring(4096);
    let options = ServiceOptions::new().most_clients(1).authorise(move |_| Verdict::AcceptWith(limits.clone()));
    let service = options.connection(small()).bind(path).expect("a service");
    service.start(1).expect("a thread");
    // Accepted, and then turned away for its ring: the place is free again, many times over.
    for _ in 0..20 {
        let reason = refusal(service.path());
        assert!(reason.contains("0x1000"), "{reason}");
    }
    let tiny = small().ring_capacity(4096);
    until("the place", || tiny.connect(service.path(), LONG).is_ok());
}

#[test]
fn applicants_beyond_the_rate_wait() {
    let (_directory, path) = place();
    let service = ServiceOptions::new().connection(small()).accept_rate(50).bind(path).expect("a service");
    echoes(&service);
    service.start(1).expect("a thread");
    let began = Instant::now();
    // Five come at once, the other ten in 200 ms.
    let clients: Vec<_> = (0..15).map(|_| client(&service)).collect();
    assert!(began.elapsed() >= Duration::from_millis(190), "fifteen clients in {:?}", began.elapsed());
    assert_eq!(clients[14].call(ECHO.packed(), b"last"), Ok(b"last".to_vec()));
}

#[test]
fn a_client_may_have_as_many_calls_in_flight_as_it_is_granted() {
    let (_directory, path) = place();
    let limits = ClientLimits::new().calls_in_flight(2);
    let options = ServiceOptions::new().authorise(move |_| Verdict::AcceptWith(limits.clone()));
    let service = options.connection(small()).bind(path).expect("a service");
    let kept = Arc::new(Mutex::new(Vec::<Responder>::new()));
    let keep = Arc::clone(&kept);
    service.handle(Selector::new(0, 1), move |request| {
        keep.lock().expect("no panic").extend(request.defer());
        Ok(())
    });
    service.start(1).expect("a thread");
    let connection = small().connect(service.path(), LONG).expect("a service");
    let options = twinring::SessionOptions::new().call_timeout(LONG).wait_for_turn(false);
    let session = twinring::Session::new(connection, &options, ()).expect("a session");
    let (first, second) = (session.begin(1, b"").expect("sent"), session.begin(1, b"").expect("sent"));
    assert_eq!(session.call(1, b""), Err(CallError::Busy));
    until("both requests", || kept.lock().expect("no panic").len() == 2);
    for responder in kept.lock().expect("no panic").drain(..) {
        responder.reply(b"later");
    }
    assert_eq!((first.wait(), second.wait()), (Ok(b"later".to_vec()), Ok(b"later".to_vec())));
}

#[test]
fn messages_beyond_the_rate_wait_in_the_ring_of_who_sends_them() {
    let (_directory, path) = place();
    let service = ServiceOptions::new().connection(small()).message_rate(100).bind(path).expect("a service");
    echoes(&service);
    service.start(1).expect("a thread");
    let (fast, slow) = (client(&service), client(&service));
    let began = Instant::now();
    std::thread::scope(|scope| {
        // Ten at once, the other twenty in 200 ms; and another client is not concerned.
        scope.spawn(|| {
            for n in 0..30_u8 {
                assert_eq!(fast.call(ECHO.packed(), &[n]), Ok(vec![n]));
            }
            assert!(began.elapsed() >= Duration::from_millis(190), "thirty calls in {:?}", began.elapsed());
        });
        scope.spawn(|| {
            for n in 0..5_u8 {
                assert_eq!(slow.call(ECHO.packed(), &[n]), Ok(vec![n]));
            }
        });
    });
}

//! Events to all clients or some, and calls back.

use std::sync::mpsc;

use twinring::{
    Broadcast, Call, Event, PostError, Selector, Service, ServiceOptions, Session, SessionOptions, handlers,
};

use crate::place::{ECHO, echoes, place, small};
use crate::waits::{LONG, until};

const NEWS: Selector = Selector::new(2, 1);
const ASK_BACK: Selector = Selector::new(2, 2);

type News = mpsc::Receiver<(u32, Vec<u8>)>;

/// A client that hands on the events it gets, and answers calls with what it is asked, backwards.
fn listener(service: &Service<impl Send + Sync>) -> (Session, News) {
    let connection = small().connect(service.path(), LONG).expect("a service");
    let (tell, news) = mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    let answer = |call: &mut Call<'_>| {
        let backwards = call.payload().iter().rev();
        call.reply().extend(backwards);
        Ok(())
    };
    let take = move |event: &mut Event<'_>| {
        // The test may be over.
        let _ = tell.lock().expect("no panic").send((event.selector(), event.payload().to_vec()));
    };
    let options = SessionOptions::new().call_timeout(LONG);
    (Session::new(connection, &options, handlers(answer, take)).expect("a session"), news)
}

#[test]
fn events_go_to_all_or_to_those_that_are_chosen() {
    let (_directory, path) = place();
    let options = ServiceOptions::with_data(|newcomer| newcomer.id()).connection(small());
    let service = options.bind(path).expect("a service");
    service.start(2).expect("threads");
    let clients: Vec<_> = (0..5).map(|_| listener(&service)).collect();
    until("five clients", || service.counters().clients == 5);
    assert_eq!(service.broadcast(NEWS, b"to all"), Broadcast { sent: 5, missed: 0 });
    for (_, news) in &clients {
        assert_eq!(news.recv_timeout(LONG), Ok((NEWS.packed(), b"to all".to_vec())));
    }
    let odd = service.clients().iter().filter(|client| client.data() % 2 == 1).count();
    let told = service.broadcast_to(NEWS, b"to some", |client| client.data() % 2 == 1);
    assert_eq!(told, Broadcast { sent: odd, missed: 0 });
    service.broadcast(NEWS, b"last");
    let heard = |news: &News| news.recv_timeout(LONG).expect("news").1;
    let chosen = clients.iter().filter(|(_, news)| heard(news) == b"to some" && heard(news) == b"last").count();
    assert_eq!(chosen, odd);
    assert_eq!(service.counters().events_sent, 10 + odd as u64);
}

#[test]
fn a_newcomer_is_greeted_before_anything_else() {
    let (_directory, path) = place();
    let options = ServiceOptions::with_data(|newcomer| newcomer.notify(NEWS, b"welcome").expect("room"));
    let service = options.connection(small()).bind(path).expect("a service");
    service.start(1).expect("a thread");
    let (_session, news) = listener(&service);
    assert_eq!(news.recv_timeout(LONG), Ok((NEWS.packed(), b"welcome".to_vec())));
}

#[test]
fn a_client_can_be_called() {
    let (_directory, path) = place();
    let service = ServiceOptions::new().connection(small()).bind(path).expect("a service");
    echoes(&service);
    service.handle(ASK_BACK, |request| {
        let answer = request.client().call_timeout(ASK_BACK, request.payload(), LONG)?;
        request.reply().extend(answer);
        Ok(())
    });
    service.start(1).expect("a thread");
    let (session, _news) = listener(&service);
    assert_eq!(session.call(ASK_BACK.packed(), b"abc"), Ok(b"cba".to_vec()));
    // And by a thread that is no dispatcher, while the client calls too.
    let client = service.clients().pop().expect("a client");
    std::thread::scope(|scope| {
        let calling = scope.spawn(|| {
            for n in 0..200_u8 {
                assert_eq!(client.call_timeout(ASK_BACK, &[n, 0], LONG), Ok(vec![0, n]));
            }
        });
        for n in 0..200_u8 {
            assert_eq!(session.call(ECHO.packed(), &[n]), Ok(vec![n]));
        }
        calling.join().expect("calls that are answered");
    });
}

#[test]
fn events_that_find_no_room_wait_in_order_and_within_bounds() {
    let (_directory, path) = place();
    let service = ServiceOptions::new().connection(small().ring_capacity(4096)).most_waiting_bytes(20_000);
    let service = service.bind(path).expect("a service");
    service.start(1).expect("a thread");
    // A client that does not read: nobody leads its session.
    let connection = small().connect(service.path(), LONG).expect("a service");
    let (tell, news) = mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    let take =
        move |event: &mut Event<'_>| tell.lock().expect("no panic").send(event.payload().to_vec()).expect("a test");
    let nothing = |_: &mut Call<'_>| Ok(());
    let options = SessionOptions::new().listener(false);
    let session = Session::new(connection, &options, handlers(nothing, take)).expect("a session");
    until("a client", || service.counters().clients == 1);
    let client = service.clients().pop().expect("a client");
    let mut sent = 0_u32;
    let error = loop {
        match client.notify(NEWS, &[&sent.to_le_bytes()[..], &[0; 200]].concat()) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
        assert!(sent < 1_000, "no bound in sight");
    };
    assert_eq!(error, PostError::Full);
    assert!(client.waiting_bytes() > 10_000, "{} bytes wait", client.waiting_bytes());
    assert!(sent > 50, "only {sent} were taken");
    // It reads after all: everything comes, in order, one large message that goes in many frames at the end.
    let reading = std::thread::spawn(move || session.serve());
    for expected in 0..sent {
        let came = news.recv_timeout(LONG).expect("news");
        assert_eq!(came[..4], expected.to_le_bytes());
    }
    until("room", || client.waiting_bytes() == 0);
    let large = vec![7; 100_000];
    client.notify(NEWS, &large).expect("room, or a place to wait");
    assert_eq!(news.recv_timeout(LONG), Ok(large));
    drop(service);
    assert_eq!(reading.join().expect("a client"), Ok(()));
}

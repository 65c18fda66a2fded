//! Calls from a service of tasks to its clients.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use twinring::asynchronous::{Request, Service, ServiceRequest, Session, connect_with};
use twinring::{Call, CallError, Client, End, Halt, Selector, ServiceOptions, SessionOptions};

use crate::bed::{LATE, echo, on_both, place, small};

const ASK: Selector = Selector::new(1, 1);
const BACK: Selector = Selector::new(2, 1);

/// Calls that a client of these tests takes at a time.
const AT_A_TIME: u32 = 4;

fn serve(path: &Path) -> Service {
    Service::start(ServiceOptions::new().connection(small()).bind(path).expect("a service")).expect("a runtime")
}

async fn visit(path: &Path, handler: impl twinring::asynchronous::Handler) -> Session {
    let connection = connect_with(&small(), path, LATE).await.expect("a service");
    Session::new(connection, &SessionOptions::new().calls_in_flight(AT_A_TIME), handler).expect("a session")
}

/// The client of a service that has one, once it has said hello.
async fn only_client(service: &Service) -> Client<()> {
    loop {
        if let Some(client) = service.clients().pop() {
            return client;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn a_handler_asks_back_before_it_answers() {
    on_both(|| async {
        let (_directory, path) = place();
        let service = serve(&path);
        service.handle(ASK, |request: ServiceRequest<()>| async move {
            let mut answer = request.call(BACK, b"who are you?", LATE).await?;
            answer.extend(request.payload());
            Ok(answer)
        });
        let visitor = visit(&path, |request: Request| async move { Ok([request.payload(), b" "].concat()) }).await;
        assert_eq!(visitor.call(ASK.packed(), b"me").await, Ok(b"who are you? me".to_vec()));
        // The other side may be threads.
        let answered = tokio::task::spawn_blocking(move || {
            let connection = small().connect(path, LATE).expect("a service");
            let answer = |call: &mut Call<'_>| {
                call.reply_from(b"a thread, ");
                Ok(())
            };
            let visitor = twinring::Session::new(connection, &SessionOptions::new(), answer).expect("a session");
            visitor.call_timeout(ASK.packed(), b"of course", LATE)
        });
        assert_eq!(answered.await.expect("a thread"), Ok(b"a thread, of course".to_vec()));
    });
}

#[test]
fn more_calls_than_a_client_takes_wait_for_their_turn() {
    on_both(|| async {
        let (_directory, path) = place();
        let service = serve(&path);
        let (now, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let (at_once, highest) = (Arc::clone(&now), Arc::clone(&most));
        let _visitor = visit(&path, move |request: Request| {
            highest.fetch_max(at_once.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            let at_once = Arc::clone(&at_once);
            async move {
                tokio::task::yield_now().await;
                at_once.fetch_sub(1, Ordering::Relaxed);
                Ok(request.into_payload())
            }
        })
        .await;
        let client = only_client(&service).await;
        // Each needs more than the ring.
        let calls = (0..5 * AT_A_TIME as u8).map(|number| {
            let (service, client) = (service.clone(), client.clone());
            tokio::spawn(async move { (number, service.call(&client, BACK, &vec![number; 9000], LATE).await) })
        });
        for call in calls.collect::<Vec<_>>() {
            let (number, reply) = call.await.expect("a task");
            assert_eq!(reply, Ok(vec![number; 9000]));
        }
        assert!((1..=AT_A_TIME).contains(&most.load(Ordering::Relaxed)));
    });
}

#[test]
fn a_call_ends_by_its_deadline_or_with_its_client() {
    on_both(|| async {
        let (_directory, path) = place();
        let service = serve(&path);
        let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, told) = (Arc::clone(&begun), Arc::clone(&go_on));
        let slow = move |request: Request| {
            let (tell, told) = (Arc::clone(&tell), Arc::clone(&told));
            async move {
                tell.notify_one();
                told.notified().await;
                Ok(request.into_payload())
            }
        };
        let visitor = visit(&path, slow).await;
        let client = only_client(&service).await;
        let soon = Duration::from_millis(5);
        // Each of them gives its place back, so the last one has one.
        for _ in 0..2 * AT_A_TIME {
            let late = service.call(&client, BACK, b"slow", soon).await;
            assert_eq!(late, Err(CallError::NoReply(Halt::Timeout)));
            begun.notified().await;
            go_on.notify_one();
        }
        let waiting = tokio::spawn({
            let (service, client) = (service.clone(), client.clone());
            async move { service.call(&client, BACK, b"slow", LATE).await }
        });
        begun.notified().await;
        client.dismiss("enough");
        assert_eq!(waiting.await.expect("a task"), Err(CallError::NoReply(Halt::Ended(End::Closed))));
        assert_eq!(visitor.ended().await, Ok(()));
        let gone = CallError::NotSent(Halt::Ended(End::Disconnected));
        assert_eq!(service.call(&client, BACK, b"anybody?", LATE).await, Err(gone));
    });
}

#[test]
fn dropping_a_service_ends_the_calls_of_its_handlers() {
    on_both(|| async {
        let (_directory, path) = place();
        let service = serve(&path);
        let (asked, ended) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let tell = Arc::clone(&ended);
        service.handle(ASK, move |request: ServiceRequest<()>| {
            let tell = Arc::clone(&tell);
            async move {
                let error = request.call(BACK, b"", LATE).await.expect_err("never answered");
                assert_eq!(error, CallError::NoReply(Halt::Ended(End::Closed)));
                tell.notify_one();
                Ok(Vec::new())
            }
        });
        let came = Arc::clone(&asked);
        let never = move |request: Request| {
            came.notify_one();
            async move {
                std::future::pending::<()>().await;
                Ok(request.into_payload())
            }
        };
        let visitor = visit(&path, never).await;
        let pending = visitor.begin(ASK.packed(), b"").await.expect("a place");
        asked.notified().await;
        drop(service);
        ended.notified().await;
        // It may have been answered just in time; it does not wait for ever.
        let _ = pending.await;
    });
}

#[test]
fn a_call_that_is_dropped_leaves_its_place() {
    on_both(|| async {
        let (_directory, path) = place();
        let service = serve(&path);
        let visitor = visit(&path, echo).await;
        let client = only_client(&service).await;
        for _ in 0..100 {
            let call = service.call(&client, BACK, b"never mind", LATE);
            // Polled once, which sends it.
            tokio::select! { biased; _ = call => {}, () = async {} => {} }
        }
        // The client may still be at work for those whom nobody waits for any more.
        let reply = loop {
            match service.call(&client, BACK, b"still there", LATE).await {
                Err(CallError::Overloaded) => tokio::time::sleep(Duration::from_millis(1)).await,
                reply => break reply,
            }
        };
        assert_eq!(reply, Ok(b"still there".to_vec()));
        drop(visitor);
    });
}

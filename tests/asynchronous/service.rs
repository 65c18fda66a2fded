//! A service that a task drives.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;
use twinring::asynchronous::{Service, ServiceRequest, Session, connect_with, handlers};
use twinring::{CallError, Selector, ServiceOptions, SessionOptions};

use crate::bed::{LATE, echo, on_both, place, small};

const ECHO: Selector = Selector::new(1, 1);
const SLOW: Selector = Selector::new(1, 2);
const NEWS: Selector = Selector::new(2, 1);

async fn client(path: &std::path::Path) -> Session {
    let connection = connect_with(&small(), path, LATE).await.expect("a service");
    Session::new(connection, &SessionOptions::new(), ()).expect("a session")
}

#[test]
fn data_events_and_callbacks_are_those_of_any_service() {
    on_both(|| async {
        let (_directory, path) = place();
        let left = Arc::new(Notify::new());
        let gone = Arc::clone(&left);
        let options = ServiceOptions::with_data(|newcomer| newcomer.id());
        let options = options.connection(small()).disconnected(move |_, _| gone.notify_one());
        let service = Service::start(options.bind(path.clone()).expect("a service")).expect("a runtime");
        service.handle(ECHO, |request: ServiceRequest<u64>| async move { Ok(request.data().to_le_bytes().to_vec()) });
        service.handle_others(|request: ServiceRequest<u64>| async move { Ok(request.payload().to_vec()) });
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let take = move |event: twinring::asynchronous::Event| {
            tell.send((event.selector(), event.payload().to_vec())).expect("a listener");
            async {}
        };
        let connection = connect_with(&small(), path, LATE).await.expect("a service");
        let visitor = Session::new(connection, &SessionOptions::new(), handlers(echo, take)).expect("a session");
        assert_eq!(visitor.call(ECHO.packed(), b"").await, Ok(1_u64.to_le_bytes().to_vec()));
        assert_eq!(visitor.call(SLOW.packed(), b"other").await, Ok(b"other".to_vec()));
        assert_eq!(service.broadcast(NEWS, b"to all").sent, 1);
        assert_eq!(told.recv().await, Some((NEWS.packed(), b"to all".to_vec())));
        assert!(service.unhandle(ECHO));
        drop(visitor);
        left.notified().await;
        assert_eq!(service.clients().len(), 0);
    });
}

#[test]
fn a_shutdown_waits_for_what_is_under_way_and_cuts_off_the_rest() {
    on_both(|| async {
        let (_directory, path) = place();
        let service = ServiceOptions::new().connection(small()).bind(path.clone()).expect("a service");
        let service = Service::start(service).expect("a runtime");
        let begun = Arc::new(AtomicU64::new(0));
        let (count, go_on) = (Arc::clone(&begun), Arc::new(Notify::new()));
        let told = Arc::clone(&go_on);
        service.handle(SLOW, move |request: ServiceRequest<()>| {
            count.fetch_add(1, Ordering::Relaxed);
            let told = Arc::clone(&told);
            async move {
                told.notified().await;
                Ok(request.into_payload())
            }
        });
        let (one, other) = (client(&path).await, client(&path).await);
        let (first, second) = (one.begin(SLOW.packed(), b"one").await, other.begin(SLOW.packed(), b"other").await);
        while begun.load(Ordering::Relaxed) < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let ending = tokio::spawn({
            let service = service.clone();
            async move { service.shutdown(Duration::from_millis(300)).await }
        });
        // One of the two is answered, the other one never.
        go_on.notify_one();
        assert_eq!(ending.await.expect("a task"), 1, "cut off");
        let replies = [first.expect("a place").await, second.expect("a place").await];
        assert_eq!(replies.iter().filter(|reply| reply.is_ok()).count(), 1, "{replies:?}");
        assert!(matches!(one.call(ECHO.packed(), b"").await, Err(CallError::NotSent(_))));
    });
}

#[test]
fn all_who_wait_for_the_same_shutdown_are_told() {
    on_both(|| async {
        let (_directory, path) = place();
        let service = ServiceOptions::new().connection(small()).bind(path.clone()).expect("a service");
        let service = Service::start(service).expect("a runtime");
        let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, told) = (Arc::clone(&begun), Arc::clone(&go_on));
        service.handle(SLOW, move |_: ServiceRequest<()>| {
            let (tell, told) = (Arc::clone(&tell), Arc::clone(&told));
            async move {
                tell.notify_one();
                told.notified().await;
                Ok(Vec::new())
            }
        });
        let visitor = client(&path).await;
        let call = visitor.begin(SLOW.packed(), b"").await.expect("a place");
        begun.notified().await;
        let (mut one, mut other) = (pin!(service.shutdown(2 * LATE)), pin!(service.shutdown(2 * LATE)));
        for waiting in [one.as_mut(), other.as_mut()] {
            assert!(timeout(Duration::ZERO, waiting).await.is_err(), "it waits for no reply");
        }
        go_on.notify_one();
        assert_eq!(tokio::join!(one, other), (0, 0));
        assert_eq!(call.await, Ok(Vec::new()));
    });
}

#[test]
fn dropping_the_last_handle_ends_it() {
    on_both(|| async {
        let (_directory, path) = place();
        let service = ServiceOptions::new().connection(small()).bind(path.clone()).expect("a service");
        let service = Service::start(service).expect("a runtime");
        let visitor = client(&path).await;
        assert_eq!(visitor.call(ECHO.packed(), b"").await, Err(CallError::NoSelector));
        drop(service);
        assert_eq!(visitor.ended().await, Ok(()));
        assert!(!path.exists(), "its socket is left");
    });
}

//! Whatever ends, in whatever order: nothing is left, and nobody waits for ever.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use twinring::asynchronous::{Listener, Service, ServiceRequest, Session, connect_with};
use twinring::{CallError, End, Halt, Selector, ServiceOptions, SessionOptions};

use crate::bed::{ECHO, LATE, echo, ends, on_both, place, runtimes, sessions, small};
use crate::leaks::Held;
use crate::process::Child;
use crate::waits::until;

#[test]
fn of_runtimes_that_end_with_things_pending_nothing_is_left() {
    Child::start("begins and ends", &[]).finish();
}

/// A process in which a runtime ends while tasks wait for everything there is to wait for.
pub fn begins_and_ends() {
    end_with_everything_pending();
    // Some of what that held may still be on its way back.
    let before = Held::lasting();
    for _ in 0..5 {
        end_with_everything_pending();
    }
    until(&format!("{before:?} to be all, not {:?}", Held::lasting()), || Held::lasting().is_within(before));
}

fn end_with_everything_pending() {
    for runtime in runtimes() {
        let ((_directory, path), (_other_directory, other_path)) = (place(), place());
        runtime.block_on(async {
            let ((mut sender, mut receiver), there) = ends();
            tokio::spawn(async move { receiver.recv().await.map(|message| message.to_vec()) });
            tokio::spawn(async move {
                let _there = there;
                while sender.send(&[0; 1000]).await.is_ok() {}
            });
            let never = |_| std::future::pending();
            let (here, there) = sessions(&SessionOptions::new(), never, never);
            for session in [&here, &there] {
                let session = session.clone();
                tokio::spawn(async move { session.call(ECHO, b"never").await });
            }
            here.notify(0, &[0; 10_000]).await.expect("room in the end");
            let mut listener = Listener::new(small().bind(other_path).expect("a listener"));
            let listening = async move { listener.as_mut().expect("a listener").accept().await.map(drop) };
            tokio::spawn(listening);
            let service = ServiceOptions::new().connection(small()).bind(path.clone()).expect("a service");
            let service = Service::start(service).expect("a runtime");
            let asked = Arc::new(Notify::new());
            let tell = Arc::clone(&asked);
            service.handle(Selector::from(ECHO), move |_: ServiceRequest<()>| {
                tell.notify_one();
                std::future::pending()
            });
            let connection = connect_with(&small(), path.clone(), LATE).await.expect("a service");
            let client = Session::new(connection, &SessionOptions::new(), ()).expect("a session");
            tokio::spawn(async move { client.call(ECHO, b"never").await });
            tokio::time::timeout(LATE, asked.notified()).await.expect("a call that arrives");
            tokio::spawn(async move {
                let _service = service;
                std::future::pending::<()>().await;
            });
        });
        drop(runtime);
    }
}

#[test]
fn a_task_of_another_runtime_learns_that_the_first_is_gone() {
    let [first, second] = runtimes();
    let (here, there) = first.block_on(async { sessions(&SessionOptions::new(), (), |_| std::future::pending()) });
    let waiting = second.spawn({
        let here = here.clone();
        async move { here.call(ECHO, b"never").await }
    });
    first.block_on(async {
        // It drives both sessions.
        while here.counters().calls == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    drop(first);
    let waited = second.block_on(async { tokio::time::timeout(LATE, waiting).await });
    let gone = waited.expect("it hangs").expect("a task").expect_err("nobody drives it");
    assert!(matches!(gone, CallError::NoReply(Halt::Ended(_))), "{gone:?}");
    drop(there);
}

#[test]
fn dropping_the_last_handle_sends_what_waits_and_leaves() {
    on_both(|| async {
        let (here, there) = small().pair().expect("a pair");
        let here = Session::new(here, &SessionOptions::new(), ()).expect("a session");
        let slow = twinring::Session::new(there, &SessionOptions::new().listener(false), ());
        let slow = slow.expect("a session");
        // It says hello, and takes nothing yet.
        here.notify(0, &[1; 10_000]).await.expect("a place");
        drop(here);
        let served = tokio::task::spawn_blocking(move || (slow.serve(), slow.counters().events_taken));
        assert_eq!(served.await.expect("a thread"), (Ok(()), 1));
    });
}

#[test]
fn closing_ends_what_waits_at_both_sides() {
    on_both(|| async {
        let (here, there) = sessions(&SessionOptions::new(), echo, |_| std::future::pending());
        let pending = here.begin(ECHO, b"never").await.expect("a place");
        assert_eq!(here.close().await, Ok(()));
        assert_eq!(pending.await, Err(CallError::NoReply(Halt::Ended(End::Closed))));
        assert_eq!(here.call(ECHO, b"").await, Err(CallError::NotSent(Halt::Ended(End::Closed))));
        assert_eq!(there.ended().await, Ok(()));
    });
}

#[test]
fn who_waits_for_a_place_learns_of_the_end() {
    on_both(|| async {
        let options = SessionOptions::new().calls_in_flight(1);
        let (here, there) = sessions(&options, (), |_| std::future::pending());
        let first = here.begin(ECHO, b"never").await.expect("a place");
        let waiting = tokio::spawn({
            let here = here.clone();
            async move { here.call(ECHO, b"no place").await }
        });
        tokio::task::yield_now().await;
        drop(there);
        assert_eq!(first.await, Err(CallError::NoReply(Halt::Ended(End::Closed))));
        assert_eq!(waiting.await.expect("a task"), Err(CallError::NotSent(Halt::Ended(End::Closed))));
    });
}

#[test]
fn a_reply_that_finds_no_room_in_its_time_ends_the_session() {
    on_both(|| async {
        let (here, there) = small().pair().expect("a pair");
        let options = SessionOptions::new().reply_timeout(Duration::from_millis(100));
        let large = |_| async { Ok(vec![0; 1 << 20]) };
        let here = Session::new(here, &options, large).expect("a session");
        let deaf = twinring::Session::new(there, &SessionOptions::new().listener(false), ()).expect("a session");
        let asking = tokio::task::spawn_blocking(move || {
            // It hears the hello, asks, and does not listen any more.
            let pending = deaf.begin(ECHO, b"much").expect("room");
            (deaf, pending)
        });
        let began = Instant::now();
        let (_deaf, _pending) = asking.await.expect("a thread");
        assert_eq!(here.ended().await, Err(End::Disconnected));
        assert!(began.elapsed() < Duration::from_secs(5));
    });
}

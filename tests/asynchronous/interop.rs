//! Tasks and processes without a runtime: the other side cannot tell.

use std::path::PathBuf;

use tokio::task::JoinSet;
use twinring::asynchronous::{Listener, Request, Session, connect_with, split};
use twinring::{Call, Event, LocalSession, SessionOptions};

use crate::bed::{ECHO, LATE, message, on_both, place, small};
use crate::process::{self, Child};
use crate::waits::{LONG, strategy};

/// Has the other side called back, and answers with what that says.
const BACK: u32 = 2;

const CALLS: u64 = 300;

/// How the other process waits: all ways but spinning on a machine of few processors.
const WAITS: [&str; 2] = ["Park", "SpinThenPark"];

fn options() -> twinring::Options {
    small().wait(strategy(process::argument("WAIT").to_str().expect("a name")))
}

fn socket() -> PathBuf {
    process::argument("SOCKET").into()
}

/// A process without a runtime that serves, until its peer leaves.
pub fn answers() {
    let mut listener = options().bind(socket()).expect("a listener");
    process::say("ready");
    let connection = listener.accept_timeout(LONG).expect("a client");
    let echo = |call: &mut Call<'_>| {
        let payload = call.payload();
        let reply = if call.selector() == BACK { call.call(ECHO, payload)? } else { payload.to_vec() };
        call.reply().extend(reply);
        Ok(())
    };
    let told = |event: &mut Event<'_>| event.notify(event.selector(), event.payload()).expect("room");
    let handler = twinring::handlers(echo, told);
    // Whatever is in flight may be on its stack.
    let options = SessionOptions::new().nesting(100);
    LocalSession::new(connection, &options, handler).serve().expect("a peer that leaves in order");
}

#[test]
fn tasks_call_a_process_without_a_runtime() {
    for wait in WAITS {
        on_both(move || async move {
            let (_directory, path) = place();
            let child = Child::start("answers", &[("SOCKET", path.as_os_str()), ("WAIT", wait.as_ref())]);
            let echo = |request: Request| async { Ok(request.into_payload()) };
            let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
            let take = move |event: twinring::asynchronous::Event| {
                tell.send(event.payload().to_vec()).expect("a listener");
                async {}
            };
            let connection = connect_with(&small(), path, LATE).await.expect("a listener");
            let handler = twinring::asynchronous::handlers(echo, take);
            let session = Session::new(connection, &SessionOptions::new(), handler).expect("a session");
            let mut tasks = JoinSet::new();
            for number in 0..CALLS {
                let session = session.clone();
                let selector = if number % 5 == 0 { BACK } else { ECHO };
                tasks.spawn(async move {
                    assert_eq!(session.call(selector, &message(number)).await, Ok(message(number)));
                });
            }
            session.notify(7, b"told").await.expect("room");
            assert_eq!(told.recv().await, Some(b"told".to_vec()));
            tasks.join_all().await;
            let large = vec![3; 200_000];
            assert_eq!(session.call(ECHO, &large).await, Ok(large));
            session.close().await.expect("an end in order");
            drop(session);
            tokio::task::spawn_blocking(|| child.finish()).await.expect("an end in order");
        });
    }
}

/// A process without a runtime that calls from four threads.
pub fn calls() {
    let connection = options().connect(socket(), LONG).expect("a listener");
    let session = twinring::Session::new(connection, &SessionOptions::new().call_timeout(LONG), ());
    let session = session.expect("a session");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let session = &session;
            scope.spawn(move || {
                for number in (0..CALLS).filter(|number| number % 4 == thread) {
                    assert_eq!(session.call(ECHO, &message(number)), Ok(message(number)));
                }
                let large = vec![thread as u8; 100_000];
                assert_eq!(session.call(ECHO, &large), Ok(large));
            });
        }
    });
}

#[test]
fn a_process_without_a_runtime_calls_tasks() {
    for wait in WAITS {
        on_both(move || async move {
            let (_directory, path) = place();
            let mut listener = Listener::new(small().bind(path.clone()).expect("a listener")).expect("a listener");
            let child = Child::start("calls", &[("SOCKET", path.as_os_str()), ("WAIT", wait.as_ref())]);
            let connection = listener.accept().await.expect("a client");
            let session = Session::new(connection, &SessionOptions::new(), crate::bed::echo).expect("a session");
            session.ended().await.expect("a peer that leaves in order");
            assert_eq!(session.counters().served, CALLS + 4);
            tokio::task::spawn_blocking(|| child.finish()).await.expect("an end in order");
        });
    }
}

/// A process without a runtime that sends back what it receives.
pub fn streams() {
    let (mut sender, mut receiver) = options().connect(socket(), LONG).expect("a listener").split();
    while let Ok(message) = receiver.recv() {
        let message = message.to_vec();
        sender.send(&message).expect("room");
    }
}

#[test]
fn tasks_stream_to_a_process_without_a_runtime_and_back() {
    for wait in WAITS {
        on_both(move || async move {
            let (_directory, path) = place();
            let mut listener = Listener::new(small().bind(path.clone()).expect("a listener")).expect("a listener");
            let child = Child::start("streams", &[("SOCKET", path.as_os_str()), ("WAIT", wait.as_ref())]);
            let (mut sender, mut receiver) = split(listener.accept().await.expect("a client")).expect("ends");
            let sending = tokio::spawn(async move {
                for number in 0..5 * CALLS {
                    sender.send(&message(number)).await.expect("room");
                }
                sender
            });
            for number in 0..5 * CALLS {
                assert_eq!(receiver.recv().await.expect("a message").to_vec(), message(number));
            }
            let sender = sending.await.expect("a task");
            sender.finish().await.expect("a peer that received everything");
            assert_eq!(receiver.next().await, None);
            tokio::task::spawn_blocking(|| child.finish()).await.expect("an end in order");
        });
    }
}

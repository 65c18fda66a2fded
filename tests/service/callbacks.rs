//! The callbacks of a client's life: each once, in order, however it ends.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use twinring::{CallError, ConnectError, HandshakeError, Selector, ServiceOptions, Session, Verdict};

use crate::place::{ECHO, Record, client, client_at, echoes, noted, other_process, place, small};
use crate::process;
use crate::raw;
use crate::waits::{LONG, until};

const HANG: Selector = Selector::new(1, 2);

#[test]
fn a_client_that_leaves_in_order_runs_through_all_callbacks_once() {
    let ((_directory, path), record) = (place(), Record::default());
    let service = noted(&record).bind(path).expect("a service");
    echoes(&service);
    service.start(2).expect("threads");
    let session = client(&service);
    assert_eq!(session.call(ECHO.packed(), b"hello"), Ok(b"hello".to_vec()));
    assert_eq!(record.lines(), ["authorise", "connected"]);
    drop(session);
    record.await_lines(&["authorise", "connected", "disconnected: it left in order", "destroyed"]);
    let counters = service.counters();
    assert_eq!((counters.connected, counters.left, counters.clients, counters.requests), (1, 1, 0, 1));
}

#[test]
fn a_client_that_is_killed_runs_through_all_callbacks_once() {
    let ((_directory, path), record) = (place(), Record::default());
    let service = noted(&record).bind(path).expect("a service");
    echoes(&service);
    service.start(2).expect("threads");
    let mut child = other_process("calls and stays", &service);
    assert_eq!(child.hear(), "called");
    child.kill();
    record.await_lines(&["authorise", "connected", "disconnected: it died or hung up", "destroyed"]);
    assert_eq!(service.counters().died, 1);
}

/// A client that calls once and stays.
pub fn calls_and_stays() {
    let session = client_at(PathBuf::from(process::argument("SOCKET")));
    assert_eq!(session.call(ECHO.packed(), b"hello"), Ok(b"hello".to_vec()));
    process::say("called");
    process::await_word();
    // What comes before it goes is taken.
    drop(session);
}

#[test]
fn a_client_that_is_killed_while_its_child_lives_has_gone_all_the_same() {
    let ((_directory, path), record) = (place(), Record::default());
    // No deadline of the service's own has it look after its clients.
    let service = noted(&record).hello_timeout(Duration::from_secs(3600)).bind(path).expect("a service");
    echoes(&service);
    service.start(1).expect("a thread");
    let mut child = other_process("has a child", &service);
    assert_eq!(child.hear(), "forked");
    child.kill();
    record.await_lines(&["authorise", "connected", "disconnected: it died or hung up", "destroyed"]);
}

/// A client whose socket a child of it holds open.
pub fn has_a_child() {
    let session = client_at(PathBuf::from(process::argument("SOCKET")));
    assert_eq!(session.call(ECHO.packed(), b"hello"), Ok(b"hello".to_vec()));
    // The child outlives its parent, for longer than the test waits, and then ends by itself.
    let holds = fork_a_sleeper();
    process::say(if holds { "forked" } else { "could not fork" });
    process::await_word();
}

#[allow(unsafe_code, reason = "a fork, after which the child only sleeps and leaves")]
fn fork_a_sleeper() -> bool {
    // SAFETY: the child calls nothing but `sleep` and `_exit`, which may be called after a fork of many threads.
    match unsafe { nix::unistd::fork() } {
        Ok(nix::unistd::ForkResult::Child) => {
            // SAFETY: it waits and returns.
            unsafe { nix::libc::sleep(45) };
            // SAFETY: it ends the child at once.
            unsafe { nix::libc::_exit(0) }
        }
        other => other.is_ok(),
    }
}

#[test]
fn a_client_that_is_killed_in_the_handler_is_parted_with_after_it() {
    let ((_directory, path), record) = (place(), Record::default());
    let service = noted(&record).bind(path).expect("a service");
    let (killed, kill) = std::sync::mpsc::channel::<()>();
    let (killed, noting) = (Mutex::new(kill), (killed, record.clone()));
    let handles = record.clone();
    service.handle(ECHO, move |_| {
        handles.note("handler begins");
        killed.lock().expect("no panic").recv().expect("a word");
        handles.note("handler ends");
        Ok(())
    });
    service.start(2).expect("threads");
    let mut child = other_process("calls and stays", &service);
    until("the handler", || record.lines().len() == 3);
    child.kill();
    // The death is noticed by now; the callback waits for the handler.
    child.wait();
    noting.0.send(()).expect("a handler");
    let expected = ["authorise", "connected", "handler begins", "handler ends", "disconnected: it died or hung up"];
    record.await_lines(&[&expected[..], &["destroyed"]].concat());
}

#[test]
fn a_refused_applicant_is_told_why_and_is_no_client() {
    let ((_directory, path), record) = (place(), Record::default());
    let noting = record.clone();
    let service = noted(&record).authorise(move |_| {
        noting.note("authorise");
        Verdict::Refuse("closed on Sundays".to_owned())
    });
    let service = service.bind(path).expect("a service");
    service.start(1).expect("a thread");
    for _ in 0..3 {
        match small().connect(service.path(), LONG) {
            Err(ConnectError::Handshake(HandshakeError::Refused { reason })) => assert_eq!(reason, "closed on Sundays"),
            other => panic!("expected a refusal, came {other:?}"),
        }
    }
    assert_eq!(record.lines(), ["authorise"; 3]);
    let counters = service.counters();
    assert_eq!((counters.refused, counters.connected), (3, 0));
}

#[test]
fn one_that_connects_and_says_nothing_is_no_client_and_is_dropped() {
    let ((_directory, path), record) = (place(), Record::default());
    let options = small().handshake_timeout(Duration::from_millis(200));
    let service = noted(&record).connection(options).hello_timeout(Duration::from_millis(200));
    let service = service.bind(path).expect("a service");
    service.start(1).expect("a thread");
    // One that says nothing at all, and one that finishes the handshake and then says nothing.
    let mute = raw::client(service.path());
    let polite = small().connect(service.path(), LONG).expect("a connection");
    until("both to be dropped", || {
        let counters = service.counters();
        (counters.failed, counters.silent) == (1, 1)
    });
    assert_eq!(record.lines(), ["authorise"]);
    drop((mute, polite));
    assert_eq!(service.counters().connected, 0);
}

#[test]
fn data_lives_as_long_as_a_handle_to_its_client() {
    let ((_directory, path), record) = (place(), Record::default());
    let service = noted(&record).bind(path).expect("a service");
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    service.handle(HANG, move |request| {
        *keep.lock().expect("no panic") = Some(request.client().clone());
        Ok(())
    });
    service.start(1).expect("a thread");
    let session = client(&service);
    assert_eq!(session.call(HANG.packed(), b""), Ok(Vec::new()));
    drop(session);
    record.await_lines(&["authorise", "connected", "disconnected: it left in order"]);
    let handle = kept.lock().expect("no panic").take().expect("a handle");
    assert!(handle.data().1.starts_with("client "));
    assert!(!handle.is_connected());
    drop(handle);
    record.await_lines(&["authorise", "connected", "disconnected: it left in order", "destroyed"]);
}

#[test]
fn a_callback_that_panics_parts_with_its_client_alone() {
    let (_directory, path) = place();
    let first = Arc::new(Mutex::new(true));
    let options = ServiceOptions::with_data(move |_| {
        assert!(!std::mem::take(&mut *first.lock().expect("no panic")), "the first one panics");
    });
    let service = options.connection(small()).bind(path).expect("a service");
    echoes(&service);
    service.start(1).expect("a thread");
    let refused: Session = client(&service);
    assert!(matches!(refused.call(ECHO.packed(), b""), Err(CallError::NoReply(_) | CallError::NotSent(_))));
    let session = client(&service);
    assert_eq!(session.call(ECHO.packed(), b"goes on"), Ok(b"goes on".to_vec()));
}

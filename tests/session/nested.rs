//! Calls within calls.

use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use twinring::{Call, CallError, Failure, LocalSession, Session, SessionOptions};

use crate::answering::{Answering, ECHO, NEST, number};
use crate::sides::{Caller, FORMS, Form, SHARED, ring, serving_with, sessions};

/// How deep calls go here.
const NESTING: usize = 4;

fn options(form: Form) -> SessionOptions {
    form.options().nesting(NESTING)
}

/// A side with one thread that receives, so that all handlers run on its stack.
fn caller(form: Form, connection: twinring::Connection) -> Box<dyn Caller> {
    match form {
        Form::Local => Box::new(LocalSession::new(connection, &options(form), Answering::default())),
        _ => {
            let options = options(form).listener(false);
            Box::new(Session::new(connection, &options, Answering::default()).expect("a session"))
        }
    }
}

/// The text of an error, which each handler on the way down passes on as the reason of its own failure.
fn innermost(error: &CallError) -> String {
    error.to_string()
}

#[test]
fn calls_nest_to_the_stated_depth_and_no_deeper() {
    for (ours, theirs) in [Form::Local, Form::Inline].into_iter().flat_map(|a| [(a, Form::Local), (a, Form::Inline)]) {
        let (here, there) = ring(1 << 16).pair().expect("a pair");
        let serving = serving_with(theirs, there, options(theirs));
        let mut here = caller(ours, here);
        // Both sides run as many handlers each: the other side the first.
        let deepest = 2 * NESTING as u64 - 1;
        for _ in 0..3 {
            for depth in 0..=deepest {
                let reply = here.ask(NEST, &depth.to_le_bytes()).expect("deep enough");
                assert_eq!(number(&reply), depth, "{ours:?} to {theirs:?}");
            }
            let error = here.ask(NEST, &(deepest + 1).to_le_bytes()).expect_err("too deep");
            let overloaded = CallError::Overloaded.to_string();
            assert!(innermost(&error).ends_with(&overloaded), "{ours:?} to {theirs:?}: {error}");
            let depth = innermost(&error).matches("ran, and failed").count();
            assert_eq!(depth, 2 * NESTING, "each handler on the way passes the failure on: {error}");
        }
        drop(here);
        assert_eq!(serving.join().expect("the other side"), Ok(()));
    }
}

#[test]
fn workers_nest_to_the_stated_depth_and_endless_nesting_is_overload() {
    let options = SessionOptions::new().workers(2).nesting(NESTING).call_timeout(Duration::from_secs(20));
    let (here, _there, _) = sessions(&ring(1 << 16), &options, &options);
    for _ in 0..3 {
        for depth in 0..2 * NESTING as u64 {
            assert_eq!(number(&here.call(NEST, &depth.to_le_bytes()).expect("deep enough")), depth);
        }
        // A worker that waits leaves its place to another, up to the stated number.
        let error = here.call(NEST, &1000_u64.to_le_bytes()).expect_err("too deep");
        assert!(innermost(&error).ends_with(&CallError::Overloaded.to_string()), "{error}");
        let depth = innermost(&error).matches("ran, and failed").count();
        assert!((2 * NESTING..=2 * (2 + NESTING)).contains(&depth), "{depth} handlers: {error}");
    }
}

#[test]
fn endless_nesting_between_sessions_with_listeners_is_overload() {
    for form in SHARED {
        let (here, _there, _) = sessions(&ring(1 << 16), &options(form), &options(form));
        let error = here.call(NEST, &100_000_u64.to_le_bytes()).expect_err("too deep");
        assert!(innermost(&error).contains("too many requests"), "{form:?}: {error}");
        assert_eq!(here.call(ECHO, b"alive"), Ok(b"alive".to_vec()), "{form:?}");
    }
}

/// Enough callers on both sides that every worker of both waits for a call.
#[test]
fn nested_calls_from_both_sides_at_once_end() {
    for (workers, nesting) in [0, 1, 2].into_iter().flat_map(|workers| [(workers, 2), (workers, 16)]) {
        let options = SessionOptions::new().workers(workers).nesting(nesting).call_timeout(Duration::from_secs(10));
        let (here, there, _) = sessions(&ring(1 << 16), &options, &options);
        let started = Instant::now();
        thread::scope(|scope| {
            for side in [&here, &there] {
                for _ in 0..4 {
                    scope.spawn(move || {
                        for round in 0..200_u64 {
                            let depth = round % 4;
                            match side.call(NEST, &depth.to_le_bytes()) {
                                Ok(reply) => assert_eq!(number(&reply), depth),
                                Err(error) => {
                                    let text = innermost(&error);
                                    assert!(
                                        text.ends_with("too many requests at once"),
                                        "{workers} workers, {nesting}: {text}"
                                    );
                                }
                            }
                        }
                    });
                }
            }
        });
        let took = started.elapsed();
        assert!(took < Duration::from_secs(9), "{workers} workers, {nesting} deep: {took:?}");
    }
}

/// A handler that calls through a handle of its own, as one that began a call earlier would.
#[test]
fn a_worker_that_waits_for_a_pending_call_leaves_its_place() {
    let (here, there) = ring(1 << 16).pair().expect("a pair");
    let options = SessionOptions::new().workers(1).nesting(4).call_timeout(Duration::from_secs(5));
    let own: Arc<OnceLock<Session>> = Arc::default();
    let handle = own.clone();
    let handler = move |call: &mut Call<'_>| {
        let depth = number(call.payload());
        let below = match depth {
            0 => 0,
            _ => {
                let session = handle.get().ok_or_else(|| Failure::new("not yet"))?;
                number(&session.begin(NEST, &(depth - 1).to_le_bytes())?.wait()?) + 1
            }
        };
        call.reply().extend(below.to_le_bytes());
        Ok(())
    };
    let there = Session::new(there, &options, handler).expect("a session");
    own.set(there.clone()).expect("for the first time");
    let here = Session::new(here, &options, Answering::default()).expect("a session");
    let result = here.call(NEST, &3_u64.to_le_bytes());
    assert_eq!(result.map(|reply| number(&reply)), Ok(3));
}

#[test]
fn events_may_call_and_calls_may_send_events() {
    for form in FORMS {
        let (here, there) = ring(1 << 16).pair().expect("a pair");
        let serving = serving_with(form, there, options(form));
        let events = Answering::default();
        let mut here: Box<dyn Caller> = match form {
            Form::Local => Box::new(LocalSession::new(here, &options(form), events.clone())),
            _ => Box::new(Session::new(here, &options(form), events.clone()).expect("a session")),
        };
        for number in 0..100_u64 {
            let bytes = number.to_le_bytes();
            assert_eq!(here.ask(crate::answering::EVENT_BACK, &bytes), Ok(bytes.to_vec()));
            // The event came before the reply.
            crate::waits::until("the event", || events.events().1 == number + 1);
        }
        drop(here);
        assert_eq!(serving.join().expect("the other side"), Ok(()), "{form:?}");
    }
}

//! Replies in another order than the requests, at once, later, from other threads, or never.

use std::thread;

use twinring::{Call, CallError, Failure, LocalSession, Outcome, Session};

use crate::answering::{DROP_KEPT, KEEP, LATER, content};
use crate::sides::{FORMS, Form, SHARED, ring, sessions};
use crate::waits::until;

#[test]
fn replies_in_another_order_find_their_callers() {
    for form in SHARED {
        let (here, _there, answering) = sessions(&ring(1 << 16), &form.options(), &form.options());
        let calls: Vec<_> = (0..60).map(|number| here.begin(KEEP, &content(number, 100)).expect("sent")).collect();
        until("all requests", || answering.keeps() == 60);
        assert!(calls.iter().all(|call| !call.is_answered()));
        assert_eq!(answering.answer_kept(), 60);
        for (number, call) in calls.into_iter().enumerate() {
            assert_eq!(call.wait(), Ok(content(number as u64, 100)), "{form:?}: call {number}");
        }
        assert_eq!(here.counters().late_replies, 0);
    }
}

#[test]
fn a_responder_answers_from_another_thread() {
    for form in SHARED {
        let (here, _there, _) = sessions(&ring(1 << 16), &form.options(), &form.options());
        thread::scope(|scope| {
            for thread in 0..4_u64 {
                let here = here.clone();
                scope.spawn(move || {
                    for number in 0..100 {
                        let request = content(thread << 32 | number, number as usize);
                        assert_eq!(here.call(LATER, &request).as_ref(), Ok(&request), "{form:?}");
                    }
                });
            }
        });
    }
}

#[test]
fn a_responder_fails_with_its_reason() {
    let (here, _there, answering) = sessions(&ring(1 << 16), &SHARED[0].options(), &SHARED[0].options());
    let calls: Vec<_> = (0..3).map(|_| here.begin(KEEP, b"").expect("sent")).collect();
    until("the requests", || answering.keeps() == 3);
    let failures = [Failure::new("not today"), Failure::refused("not you"), Failure::overloaded()];
    let expected = [CallError::Failed("not today".into()), CallError::Refused("not you".into()), CallError::Overloaded];
    for ((responder, _), failure) in answering.take_kept().into_iter().zip(&failures) {
        responder.fail(failure);
    }
    for (call, expected) in calls.into_iter().zip(expected) {
        assert_eq!(call.wait(), Err(expected));
    }
}

#[test]
fn a_responder_that_is_dropped_says_so() {
    for form in SHARED {
        let (here, _there, answering) = sessions(&ring(1 << 16), &form.options(), &form.options());
        let calls: Vec<_> = (0..10).map(|_| here.begin(KEEP, b"kept").expect("sent")).collect();
        until("all requests", || answering.keeps() == 10);
        assert_eq!(here.call(DROP_KEPT, b""), Ok(Vec::new()));
        for call in calls {
            let error = call.wait().expect_err("nobody answered");
            assert_eq!((error.outcome(), error), (Outcome::MayHaveRun, CallError::NotAnswered));
        }
    }
}

#[test]
fn a_responder_may_outlive_its_session() {
    let (here, there, answering) = sessions(&ring(1 << 16), &SHARED[0].options(), &SHARED[0].options());
    let call = here.begin(KEEP, b"").expect("sent");
    until("the request", || answering.keeps() == 1);
    drop(there);
    let (responder, _) = answering.take_kept().pop().expect("a kept request");
    responder.reply(b"nobody hears it");
    let error = call.wait().expect_err("the other side has left");
    assert_eq!(error, CallError::NoReply(twinring::Halt::Ended(twinring::End::Closed)));
}

#[test]
fn a_request_that_is_kept_counts_until_it_is_answered() {
    let (here, _there, answering) =
        sessions(&ring(1 << 16), &SHARED[0].options(), &SHARED[0].options().calls_in_flight(4));
    for _ in 0..3 {
        let late: Vec<_> = (0..4).map(|_| here.begin(KEEP, b"").expect("sent")).collect();
        until("all requests", || answering.keeps() == 4);
        // Cancelled here, still kept there.
        drop(late);
        let error = here.call(KEEP, b"").expect_err("too many");
        assert_eq!((error.outcome(), error), (Outcome::NotRun, CallError::Overloaded));
        assert_eq!(answering.answer_kept(), 4);
        assert_eq!(here.call(crate::answering::ECHO, b"again"), Ok(b"again".to_vec()));
    }
}

#[test]
fn a_reply_is_sent_from_where_it_lies_and_only_once() {
    for form in FORMS {
        let (here, there) = ring(1 << 16).pair().expect("a pair");
        let reply = content(1, 100_000);
        let answers = move |call: &mut Call<'_>| {
            call.reply_from(&reply);
            call.reply_from(b"again");
            Err(Failure::new("answered all the same"))
        };
        let serving = thread::spawn(move || match form {
            Form::Local => LocalSession::new(there, &form.options(), answers).serve(),
            _ => Session::new(there, &form.options().listener(false), answers).expect("a session").serve(),
        });
        let here = Session::new(here, &Form::Inline.options(), ()).expect("a session");
        for _ in 0..2 {
            assert_eq!(here.call(0, b""), Ok(content(1, 100_000)), "{form:?}");
        }
        assert_eq!(here.counters().late_replies, 0, "{form:?}");
        drop(here);
        assert_eq!(serving.join().expect("the other side"), Ok(()), "{form:?}");
    }
}

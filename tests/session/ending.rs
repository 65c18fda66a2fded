//! Leaving in order, while others call, wait, answer and serve.

use std::thread;
use std::time::Instant;

use twinring::{CallError, End, Halt, LocalSession, NotifyError, Session, SessionOptions, WaitStrategy};

use crate::answering::{Answering, ECHO, KEEP, MAKE};
use crate::sides::{FORMS, Form, SHARED, caller, ring, serving, sessions};
use crate::waits::{LONG, own_number, until, until_asleep};

const CLOSED: Halt = Halt::Ended(End::Closed);

#[test]
fn waiting_calls_learn_that_the_other_side_leaves() {
    for form in SHARED {
        let (here, there, answering) = sessions(&ring(1 << 16), &form.options(), &form.options());
        let here = &here;
        thread::scope(|scope| {
            let (told, heard) = std::sync::mpsc::channel();
            let waiting: Vec<_> = (0..4)
                .map(|_| {
                    let told = told.clone();
                    scope.spawn(move || {
                        told.send(own_number()).expect("a test that listens");
                        here.call(KEEP, b"")
                    })
                })
                .collect();
            until("all requests", || answering.keeps() == 4);
            heard.iter().take(4).for_each(until_asleep);
            drop(there);
            // What is kept keeps the other side from nothing: it has said that nothing will follow.
            for thread in waiting {
                assert_eq!(thread.join().expect("a waiting thread"), Err(CallError::NoReply(CLOSED)), "{form:?}");
            }
        });
        answering.answer_kept();
        let error = here.call(ECHO, b"").expect_err("nobody is there");
        assert!(matches!(error, CallError::NotSent(CLOSED) | CallError::NoReply(CLOSED)), "{form:?}: {error:?}");
        until("an end of sending", || here.notify(0, b"") == Err(NotifyError::NotSent(CLOSED)));
    }
}

#[test]
fn what_was_asked_before_leaving_is_answered_or_not_but_all_ends() {
    for (ours, theirs) in FORMS.into_iter().flat_map(|ours| FORMS.map(|theirs| (ours, theirs))) {
        for _ in 0..20 {
            let (here, there) = ring(1 << 16).pair().expect("a pair");
            let serving = serving(theirs, there);
            let mut here = caller(ours, here, ());
            for _ in 0..10 {
                here.tell(0, &[7; 100]);
            }
            assert_eq!(here.ask(ECHO, b"last"), Ok(b"last".to_vec()));
            here.tell(0, b"after the last");
            drop(here);
            assert_eq!(serving.join().expect("the other side"), Ok(()), "{ours:?} to {theirs:?}");
        }
    }
}

#[test]
fn a_session_that_was_never_used_ends() {
    for form in FORMS {
        let (here, there) = ring(1 << 16).pair().expect("a pair");
        let serving = serving(form, there);
        drop(caller(form, here, ()));
        assert_eq!(serving.join().expect("the other side"), Ok(()), "{form:?}");
    }
}

#[test]
fn who_waits_for_the_end_beside_a_listener_is_told() {
    let (here, there, _) = sessions(&ring(1 << 16), &SessionOptions::new(), &SessionOptions::new());
    let (told, heard) = std::sync::mpsc::channel();
    let waiting = thread::spawn(move || {
        told.send(own_number()).expect("a test that listens");
        there.serve_timeout(LONG)
    });
    until_asleep(heard.recv().expect("the thread that waits"));
    let started = Instant::now();
    drop(here);
    assert_eq!(waiting.join().expect("the thread that waits"), Ok(()));
    assert!(started.elapsed() < LONG / 2, "it was told after {:?}", started.elapsed());
}

#[test]
fn a_connection_that_never_becomes_a_session_ends_one() {
    for form in FORMS {
        let (here, there) = ring(1 << 16).pair().expect("a pair");
        let mut here = caller(form, here, ());
        drop(there);
        let error = here.ask(ECHO, b"").expect_err("nobody is there");
        assert!(matches!(error, CallError::NotSent(CLOSED)), "{form:?}: {error:?}");
    }
}

#[test]
fn a_session_may_be_dropped_by_its_own_handler() {
    for form in SHARED {
        let (here, there) = ring(1 << 16).pair().expect("a pair");
        let slot: std::sync::Arc<std::sync::Mutex<Option<Session>>> = std::sync::Arc::default();
        let last = slot.clone();
        let drops = move |call: &mut twinring::Call<'_>| {
            drop(last.lock().expect("the last handle").take());
            call.reply().push(1);
            Ok(())
        };
        // Locked, so that the handler finds it.
        let mut handle = slot.lock().expect("the last handle");
        *handle = Some(Session::new(there, &form.options(), drops).expect("a session"));
        drop(handle);
        let here = Session::new(here, &form.options(), ()).expect("a session");
        // It leaves before it answers.
        let error = here.call(0, b"").expect_err("it has left");
        assert_eq!(error, CallError::NoReply(CLOSED), "{form:?}");
        assert!(slot.lock().expect("the last handle").is_none());
    }
}

#[test]
fn a_session_is_dropped_while_large_replies_are_on_their_way() {
    for form in SHARED {
        for _ in 0..10 {
            let (here, _there, _) = sessions(&ring(1 << 16), &form.options(), &form.options());
            let large = here.begin(MAKE, &(8_u64 << 20).to_le_bytes()).expect("sent");
            assert_eq!(here.call(ECHO, b"between"), Ok(b"between".to_vec()));
            drop((large, here));
        }
    }
}

#[test]
fn the_three_ways_of_waiting_serve_a_call() {
    for wait in [WaitStrategy::Park, WaitStrategy::SpinThenPark, WaitStrategy::Spin] {
        let (here, there) = ring(1 << 16).wait(wait).pair().expect("a pair");
        let serving = serving(Form::Local, there);
        let mut here = LocalSession::new(here, &SessionOptions::new(), ());
        for number in 0..50_u64 {
            assert_eq!(here.call(ECHO, &number.to_le_bytes()), Ok(number.to_le_bytes().to_vec()), "{wait:?}");
        }
        drop(here);
        assert_eq!(serving.join().expect("the other side"), Ok(()), "{wait:?}");
    }
}

#[test]
fn a_poll_loop_dispatches_without_a_listener() {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use twinring::Readiness;
    let (here, there) = ring(1 << 16).pair().expect("a pair");
    let answering = Answering::default();
    let mut here = LocalSession::new(here, &SessionOptions::new(), answering.clone());
    let there = Session::new(there, &Form::Inline.options(), ()).expect("a session");
    let calling = thread::spawn(move || (0..100_u64).all(|n| there.call(ECHO, &n.to_le_bytes()).is_ok()));
    loop {
        match here.dispatch() {
            Ok(_) => {}
            Err(end) => break assert_eq!(end, End::Closed),
        }
        if here.arm().expect("a side that may sleep") == Readiness::Armed {
            let timeout = Timespec { tv_sec: 30, tv_nsec: 0 };
            assert_eq!(poll(&mut [PollFd::new(&here, PollFlags::IN)], Some(&timeout)), Ok(1), "nothing came");
        }
    }
    assert!(calling.join().expect("the calling thread"));
    assert_eq!(here.counters().served, 100);
}

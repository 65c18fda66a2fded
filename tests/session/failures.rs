//! What goes wrong in a handler or is too large: its caller learns what is known, and the session lives on.

use twinring::{CallError, LocalSession, NotifyError, Outcome, Session, SessionOptions};

use crate::answering::{Answering, ECHO, FAIL, KEEP, MAKE, PANIC, REFUSE};
use crate::sides::{Caller, FORMS, Form, caller, ring, serving, serving_with};

#[test]
fn a_caller_learns_how_a_handler_failed_and_the_session_lives_on() {
    for (ours, theirs) in FORMS.into_iter().flat_map(|ours| FORMS.map(|theirs| (ours, theirs))) {
        let (here, there) = ring(1 << 16).pair().expect("a pair");
        let serving = serving(theirs, there);
        let mut here = caller(ours, here, ());
        for _ in 0..3 {
            all_kinds(&mut *here);
        }
        if theirs == Form::Local {
            assert_eq!(here.ask(KEEP, b""), Err(CallError::Overloaded), "one thread cannot defer");
        }
        drop(here);
        assert_eq!(serving.join().expect("the other side"), Ok(()), "{ours:?} to {theirs:?}");
    }
}

fn all_kinds(here: &mut dyn Caller) {
    let text = "ÄÖÜ".repeat(3);
    let failed = |selector, here: &mut dyn Caller| here.ask(selector, text.as_bytes()).expect_err("it fails");
    let panicked = failed(PANIC, here);
    assert_eq!(panicked, CallError::Failed(format!("it panicked: {text}")));
    assert_eq!(panicked.outcome(), Outcome::Ran);
    assert_eq!(panicked.to_string(), format!("ran, and failed: it panicked: {text}"));
    let error = failed(FAIL, here);
    assert_eq!((error.outcome(), error), (Outcome::Ran, CallError::Failed(text.clone())));
    let error = failed(REFUSE, here);
    assert_eq!((error.outcome(), error), (Outcome::NotRun, CallError::Refused(text.clone())));
    let error = failed(0xffff_ffff, here);
    assert_eq!((error.outcome(), error), (Outcome::NotRun, CallError::NoSelector));
    assert_eq!(here.ask(ECHO, b"alive"), Ok(b"alive".to_vec()));
}

#[test]
fn a_long_reason_arrives_whole() {
    let (here, there) = ring(4096).pair().expect("a pair");
    let serving = serving(Form::Inline, there);
    let mut here = caller(Form::Inline, here, ());
    let why = "because ".repeat(20_000);
    assert_eq!(here.ask(FAIL, why.as_bytes()), Err(CallError::Failed(why)));
    drop(here);
    assert_eq!(serving.join().expect("the other side"), Ok(()));
}

#[test]
fn a_handler_that_panics_in_an_event_harms_nobody() {
    for form in FORMS {
        let (here, there) = ring(1 << 16).pair().expect("a pair");
        let handler = || {
            twinring::handlers(
                |call: &mut twinring::Call<'_>| {
                    let payload = call.payload();
                    call.reply().extend_from_slice(payload);
                    Ok(())
                },
                |_: &mut twinring::Event<'_>| panic!("in an event"),
            )
        };
        let serving = std::thread::spawn(move || match form {
            Form::Local => LocalSession::new(there, &form.options(), handler()).serve(),
            _ => Session::new(there, &form.options().listener(false), handler()).expect("a session").serve(),
        });
        let mut here = caller(Form::Local, here, ());
        for number in 0..5_u64 {
            here.tell(0, b"an event");
            assert_eq!(here.ask(0, &number.to_le_bytes()), Ok(number.to_le_bytes().to_vec()), "{form:?}");
        }
        drop(here);
        assert_eq!(serving.join().expect("the other side"), Ok(()));
    }
}

#[test]
fn what_is_too_large_is_refused_in_both_directions() {
    const OURS: usize = 50_000;
    const THEIRS: usize = 100;
    for (ours, theirs) in FORMS.into_iter().flat_map(|ours| FORMS.map(|theirs| (ours, theirs))) {
        let (here, there) = ring(1 << 16).pair().expect("a pair");
        let serving = serving_with(theirs, there, theirs.options().largest_message(THEIRS));
        let our_options = ours.options().largest_message(OURS);
        let mut here: Box<dyn Caller> = match ours {
            Form::Local => Box::new(LocalSession::new(here, &our_options, ())),
            _ => Box::new(Session::new(here, &our_options, ()).expect("a session")),
        };
        for _ in 0..3 {
            let error = here.ask(ECHO, &[0; THEIRS + 1]).expect_err("too large for them");
            assert_eq!(error, CallError::TooLarge { length: THEIRS + 1, largest: THEIRS });
            assert_eq!(error.outcome(), Outcome::NotRun);
            assert_eq!(here.ask(ECHO, &[1; THEIRS]), Ok(vec![1; THEIRS]));
            let error = here.ask(MAKE, &(OURS as u64 + 1).to_le_bytes()).expect_err("too large for us");
            assert_eq!((error.outcome(), error), (Outcome::Ran, CallError::ReplyTooLarge));
            let reply = here.ask(MAKE, &(OURS as u64).to_le_bytes()).expect("the largest reply");
            assert!(reply == crate::answering::content(0, OURS));
            // A reason is no exception.
            assert_eq!(here.ask(ECHO, b"alive"), Ok(b"alive".to_vec()), "{ours:?} to {theirs:?}");
        }
        drop(here);
        assert_eq!(serving.join().expect("the other side"), Ok(()));
    }
}

#[test]
fn an_event_that_is_too_large_is_not_sent() {
    let (here, there) = ring(1 << 16).pair().expect("a pair");
    let _there = Session::new(there, &SessionOptions::new().largest_message(10), Answering::default());
    let here = Session::new(here, &SessionOptions::new(), ()).expect("a session");
    assert_eq!(here.notify(0, &[0; 11]), Err(NotifyError::TooLarge { length: 11, largest: 10 }));
    assert_eq!(here.notify(0, &[0; 10]), Ok(()));
    assert_eq!(here.counters().events, 1);
}

//! A call ends by its deadline, whatever else goes on.

use std::iter;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use twinring::{
    Call, CallError, End, Event, Failure, Halt, Handler, NotifyError, Outcome, Session, SessionOptions, WaitStrategy,
    handlers,
};

use crate::answering::{Answering, ECHO, KEEP};
use crate::raw_side::RawSide;
use crate::sides::{Form, SHARED, caller, ring, sessions};
use crate::waits::{LONG, STRATEGIES, own_number, until, until_asleep};

const SOON: Duration = Duration::from_millis(50);

/// Much later than any deadline here, and much sooner than [`LONG`].
const LATE: Duration = Duration::from_secs(10);

fn assert_timeout(error: &CallError) {
    assert_eq!(*error, CallError::NoReply(Halt::Timeout));
    assert_eq!(error.outcome(), Outcome::MayHaveRun);
}

#[test]
fn a_late_reply_is_dropped_and_counted_and_its_slot_is_used_again() {
    let options = SessionOptions::new().call_timeout(LONG);
    for slots in [1, 64] {
        let (here, _there, answering) = sessions(&ring(1 << 16), &options, &options.clone().calls_in_flight(slots));
        for round in 0..20_u64 {
            let error = here.call_timeout(KEEP, b"too late", Duration::from_millis(2)).expect_err("it is kept");
            assert_timeout(&error);
            until("the request", || answering.keeps() == 1);
            assert_eq!(answering.answer_kept(), 1);
            // The late reply comes first, to the slot that this call may have now.
            assert_eq!(here.call(ECHO, &round.to_le_bytes()), Ok(round.to_le_bytes().to_vec()), "round {round}");
            until("a late reply to be counted", || here.counters().late_replies == round + 1);
        }
    }
}

#[test]
fn a_deadline_that_has_passed_ends_a_call_at_once() {
    let (here, _there, _) = sessions(&ring(1 << 16), &SessionOptions::new(), &SessionOptions::new());
    assert_eq!(here.call(ECHO, b"first"), Ok(b"first".to_vec()));
    let error = here.call_deadline(KEEP, b"", Instant::now()).expect_err("it is kept");
    assert!(matches!(error, CallError::NoReply(Halt::Timeout) | CallError::NotSent(Halt::Timeout)), "{error:?}");
}

#[test]
fn a_call_is_waited_for_in_slices_and_its_reply_stays() {
    for form in SHARED {
        let (here, there, answering) = sessions(&ring(1 << 16), &form.options(), &form.options());
        let pending = here.begin_timeout(KEEP, b"slowly", LONG).expect("room");
        assert!(!pending.wait_answered(Duration::from_millis(2)), "{form:?}");
        until("the request", || answering.keeps() == 1);
        assert_eq!(answering.answer_kept(), 1);
        assert!(pending.wait_answered(LONG) && pending.is_answered(), "{form:?}");
        assert!(pending.wait_answered(Duration::ZERO), "it stays");
        assert_eq!(pending.wait().as_deref(), Ok(&b"slowly"[..]), "{form:?}");
        let pending = here.begin(KEEP, b"for ever").expect("room");
        until("the request", || answering.keeps() == 1);
        drop(there);
        answering.answer_kept();
        assert!(pending.wait_answered(LONG), "the end is an answer");
        drop(pending);
    }
}

#[test]
fn who_serves_for_a_time_returns_when_it_is_over() {
    for listener in [false, true] {
        let options = SessionOptions::new().listener(listener);
        let (here, there, _) = sessions(&ring(1 << 16), &SessionOptions::new(), &options);
        assert_eq!(there.serve_timeout(Duration::from_millis(2)), Err(Halt::Timeout));
        drop(here);
        assert_eq!(there.serve_timeout(LONG), Ok(()));
        assert_eq!(there.serve_timeout(LONG), Ok(()), "it stays so");
    }
}

#[test]
fn a_call_of_one_thread_ends_by_its_deadline_though_events_keep_coming() {
    events_do_not_keep_a_call(Form::Local);
}

#[test]
fn a_call_ends_by_its_deadline_though_events_keep_coming() {
    SHARED.into_iter().for_each(events_do_not_keep_a_call);
}

/// The other side sends events as fast as it can, and never answers.
fn events_do_not_keep_a_call(form: Form) {
    let (here, there) = ring(1 << 16).pair().expect("a pair");
    let (over, started) = (AtomicBool::new(false), Instant::now());
    thread::scope(|scope| {
        scope.spawn(|| {
            let other = Session::new(there, &SessionOptions::new(), Answering::default()).expect("a session");
            while !over.load(Ordering::Relaxed) && other.notify_timeout(0, &[7; 64], LONG).is_ok() {
                std::hint::spin_loop();
            }
        });
        let mut here = caller(form, here, slow_events());
        // Without a deadline that holds, it ends when the events do.
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) && started.elapsed() < 2 * LATE {
                thread::sleep(SOON);
            }
            over.store(true, Ordering::Relaxed);
        });
        let error = here.ask_for(KEEP, b"", SOON).expect_err("it is kept");
        let took = started.elapsed();
        over.store(true, Ordering::Relaxed);
        drop(here);
        assert_timeout(&error);
        assert!(took < LATE, "{form:?}: the call took {took:?}");
    });
}

/// Takes so long for an event that the next one is there before it is done.
fn slow_events() -> impl Handler + Send + Sync {
    let slow = |_: &mut Event<'_>| {
        let started = Instant::now();
        while started.elapsed() < Duration::from_micros(20) {
            std::hint::spin_loop();
        }
    };
    handlers(|_: &mut Call<'_>| Err(Failure::no_selector()), slow)
}

#[test]
fn a_call_ends_by_its_deadline_though_another_thread_waits_longer_for_room() {
    let (here, there) = ring(4096).pair().expect("a pair");
    // Takes nothing in.
    let there = RawSide::new(there);
    let here = Session::new(here, &SessionOptions::new(), ()).expect("a session");
    let number = AtomicI32::new(0);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            number.store(own_number(), Ordering::Relaxed);
            loop {
                if let Err(error) = here.notify_timeout(0, &[7; 500], 2 * LATE) {
                    break error;
                }
            }
        });
        until("the other thread", || number.load(Ordering::Relaxed) != 0);
        until_asleep(number.load(Ordering::Relaxed));
        let call = || {
            let started = Instant::now();
            (here.call_timeout(ECHO, &[7; 500], SOON).expect_err("nobody answers"), started.elapsed())
        };
        // Over a socket there may be room again, for some.
        let calls = iter::repeat_with(call).find(|(error, _)| *error != CallError::NoReply(Halt::Timeout));
        let (error, took) = calls.expect("there is no room any more");
        drop(there);
        waiting.join().expect("the other thread");
        assert_eq!(error, CallError::NotSent(Halt::Timeout));
        assert_eq!(error.outcome(), Outcome::NotRun);
        assert!(took < LATE, "the call took {took:?}");
    });
}

#[test]
fn an_event_is_not_sent_when_there_is_no_room_by_its_deadline() {
    let (here, there) = ring(4096).pair().expect("a pair");
    let _there = RawSide::new(there);
    let here = Session::new(here, &SessionOptions::new(), ()).expect("a session");
    let error = (0..2000).find_map(|_| here.notify_timeout(0, &[7; 500], SOON).err());
    assert_eq!(error, Some(NotifyError::NotSent(Halt::Timeout)));
}

#[test]
fn a_call_waits_for_its_turn_or_is_told_that_it_must() {
    for wait in [true, false] {
        let ours = SessionOptions::new().wait_for_turn(wait);
        let (here, _there, answering) = sessions(&ring(1 << 16), &ours, &SessionOptions::new().calls_in_flight(2));
        let (first, second) = (here.begin(KEEP, b"1").expect("sent"), here.begin(KEEP, b"2").expect("sent"));
        let third = here.call_timeout(ECHO, b"3", SOON).expect_err("two are in flight");
        assert_eq!(third, if wait { CallError::NotSent(Halt::Timeout) } else { CallError::Busy });
        assert_eq!(third.outcome(), Outcome::NotRun);
        until("both requests", || answering.keeps() == 2);
        answering.answer_kept();
        assert_eq!((first.wait(), second.wait()), (Ok(b"1".to_vec()), Ok(b"2".to_vec())));
        assert_eq!(here.call_timeout(ECHO, b"3", LONG), Ok(b"3".to_vec()));
    }
}

#[test]
fn a_cancelled_call_frees_its_slot_and_its_reply_is_late() {
    let (here, _there, answering) =
        sessions(&ring(1 << 16), &SessionOptions::new().call_timeout(LONG), &SessionOptions::new());
    for round in 0..200_u64 {
        drop(here.begin(KEEP, &round.to_le_bytes()).expect("sent"));
        // The peer counts it until it answers.
        until("the request", || answering.keeps() == 1);
        answering.answer_kept();
    }
    assert_eq!(here.call(ECHO, b"after them"), Ok(b"after them".to_vec()));
    until("the late replies", || here.counters().late_replies == 200);
    // Answered before it is cancelled: that is no late reply.
    for _ in 0..200 {
        let pending = here.begin(ECHO, b"answered").expect("sent");
        until("the reply", || pending.is_answered());
        drop(pending);
    }
    assert_eq!(here.call(ECHO, b"after all"), Ok(b"after all".to_vec()));
    // The counter is shown as 0 while somebody receives.
    until("the counter", || here.counters().late_replies != 0);
    assert_eq!(here.counters().late_replies, 200);
}

/// Whoever waits longest receives for all others meanwhile.
#[test]
fn a_call_ends_by_its_deadline_while_another_thread_receives() {
    for wait in STRATEGIES {
        let (here, there, answering) = served(wait);
        thread::scope(|scope| {
            let receiving = scope.spawn(|| here.call(KEEP, b"for long"));
            until("the first request", || answering.keeps() == 1);
            for _ in 0..3 {
                let started = Instant::now();
                assert_timeout(&here.call_timeout(KEEP, b"not for long", SOON).expect_err("it is kept"));
                assert!(started.elapsed() < LATE, "{wait:?}: the call took {:?}", started.elapsed());
            }
            until("the other requests", || answering.keeps() == 4);
            answering.answer_kept();
            assert_eq!(receiving.join().expect("who receives"), Ok(b"for long".to_vec()), "{wait:?}");
        });
        drop(here);
        assert_eq!(there.join().expect("the other side"), Ok(()), "{wait:?}");
    }
}

#[test]
fn who_still_waits_receives_once_another_has_given_up() {
    for wait in STRATEGIES {
        let (here, there, answering) = served(wait);
        thread::scope(|scope| {
            let giving_up = scope.spawn(|| here.call_timeout(KEEP, b"first", SOON));
            until("the first request", || answering.keeps() == 1);
            let waiting = scope.spawn(|| here.call(KEEP, b"second"));
            until("the second request", || answering.keeps() == 2);
            assert_timeout(&giving_up.join().expect("who gave up").expect_err("it is kept"));
            answering.answer_kept();
            assert_eq!(waiting.join().expect("who waits"), Ok(b"second".to_vec()), "{wait:?}");
        });
        drop(here);
        assert_eq!(there.join().expect("the other side"), Ok(()), "{wait:?}");
    }
}

#[test]
fn who_promised_to_spin_does_not_sleep_while_another_thread_receives() {
    let (here, there, answering) = served(WaitStrategy::Spin);
    thread::scope(|scope| {
        let receiving = scope.spawn(|| here.call(KEEP, b"for long"));
        until("the first request", || answering.keeps() == 1);
        // The kernel may have a reason of its own to have a thread wait, but not each time.
        let mut waits = iter::repeat_with(|| sleeps_of(|| here.call_timeout(KEEP, b"", Duration::from_millis(5))));
        assert!(waits.by_ref().take(20).any(|sleeps| sleeps == 0), "it slept in each of 20 waits");
        answering.answer_kept();
        assert_eq!(receiving.join().expect("who receives"), Ok(b"for long".to_vec()));
    });
    drop(here);
    assert_eq!(there.join().expect("the other side"), Ok(()));
}

/// How often this thread gave its processor away by itself in a call that is not answered in time.
fn sleeps_of(call: impl FnOnce() -> Result<Vec<u8>, CallError>) -> i64 {
    let slept = || getrusage(UsageWho::RUSAGE_THREAD).expect("the use of this thread").voluntary_context_switches();
    let before = slept();
    assert_timeout(&call().expect_err("it is kept"));
    slept() - before
}

/// A session whose other side is a thread that serves, whatever the way to wait, and what answers there.
fn served(wait: WaitStrategy) -> (Session, JoinHandle<Result<(), End>>, Answering) {
    let (here, there) = ring(1 << 16).wait(wait).pair().expect("a pair");
    let here = Session::new(here, &Form::Inline.options(), ()).expect("a session");
    let answering = Answering::default();
    let options = Form::Inline.options().listener(false);
    let there = Session::new(there, &options, answering.clone()).expect("a session");
    (here, thread::spawn(move || there.serve()), answering)
}

//! A small call allocates nothing; and nowhere do allocations grow with the number of calls.

use std::thread;

use twinring::session::header::{Kind, Part};
use twinring::{LocalSession, Session, WaitStrategy};

use crate::answering::{ALLOCATIONS, ECHO, number};
use crate::counting::asked;
use crate::raw_side::{RawSide, frame};
use crate::sides::{Form, SHARED, ring, serving, sessions};

const CALLS: u64 = 2000;

/// Allocations that do not grow with the calls: a thread's first use of this or that.
const FEW: u64 = 64;

/// What the thread that answers has asked of the allocator, and then this thread.
fn counts(mut ask: impl FnMut(u32, &[u8], &mut Vec<u8>), reply: &mut Vec<u8>) -> (u64, u64) {
    ask(ALLOCATIONS, &[], reply);
    (number(reply), asked())
}

#[test]
fn a_small_call_of_one_thread_allocates_nothing_on_either_side() {
    for wait in [WaitStrategy::Park, WaitStrategy::SpinThenPark] {
        let (here, there) = ring(1 << 16).wait(wait).pair().expect("a pair");
        let serving = serving(Form::Local, there);
        let mut here = LocalSession::new(here, &Form::Local.options(), ());
        let mut reply = Vec::with_capacity(64);
        for _ in 0..CALLS {
            here_call(&mut here, ECHO, &[7; 64], &mut reply);
            here.notify(0, &[7; 40]).expect("room");
        }
        let before = counts(|selector, request, reply| here_call(&mut here, selector, request, reply), &mut reply);
        for number in 0..CALLS {
            here_call(&mut here, ECHO, &[7; 64][..number as usize % 65], &mut reply);
            here.notify(0, &[7; 40]).expect("room");
        }
        let after = counts(|selector, request, reply| here_call(&mut here, selector, request, reply), &mut reply);
        assert_eq!(after.0 - before.0, 0, "{wait:?}: the side that answers");
        assert_eq!(after.1 - before.1, 0, "{wait:?}: the side that calls");
        drop(here);
        assert_eq!(serving.join().expect("the other side"), Ok(()));
    }
}

fn here_call<H: twinring::Handler>(here: &mut LocalSession<H>, selector: u32, request: &[u8], reply: &mut Vec<u8>) {
    here.call_into(selector, request, reply).expect("a reply");
}

#[test]
fn allocations_of_a_lone_caller_do_not_grow_with_the_number_of_calls() {
    let (here, there) = ring(1 << 16).pair().expect("a pair");
    let serving = serving(Form::Inline, there);
    let here = Session::new(here, &Form::Inline.options(), ()).expect("a session");
    let mut reply = Vec::with_capacity(64);
    let ask = |selector: u32, request: &[u8], reply: &mut Vec<u8>| {
        here.call_into(selector, request, reply).expect("a reply");
    };
    for _ in 0..CALLS {
        ask(ECHO, &[7; 40], &mut reply);
    }
    let before = counts(ask, &mut reply);
    for _ in 0..5 * CALLS {
        ask(ECHO, &[7; 40], &mut reply);
    }
    let after = counts(ask, &mut reply);
    assert!(after.0 - before.0 <= FEW, "the side that answers: {} times", after.0 - before.0);
    assert!(after.1 - before.1 <= FEW, "the side that calls: {} times", after.1 - before.1);
    drop(here);
    assert_eq!(serving.join().expect("the other side"), Ok(()));
}

#[test]
fn allocations_of_many_callers_do_not_grow_with_the_number_of_calls() {
    for form in SHARED {
        let (here, _there, _) = sessions(&ring(1 << 16), &form.options(), &form.options());
        let counts: Vec<_> = thread::scope(|scope| {
            let calling: Vec<_> = (0..4).map(|_| scope.spawn(|| counted_calls(&here))).collect();
            calling.into_iter().map(|thread| thread.join().expect("a calling thread")).collect()
        });
        let most = counts.iter().max().expect("a count");
        assert!(*most <= FEW, "{form:?}: {counts:?} allocations in {} calls each", 5 * CALLS);
    }
}

fn counted_calls(here: &Session) -> u64 {
    let mut reply = Vec::with_capacity(64);
    let mut all = |calls: u64| (0..calls).for_each(|_| here.call_into(ECHO, &[7; 40], &mut reply).expect("a reply"));
    all(CALLS);
    let before = asked();
    all(5 * CALLS);
    asked() - before
}

#[test]
fn what_came_of_messages_that_were_given_up_is_used_again() {
    let (here, there) = ring(1 << 16).pair().expect("a pair");
    let mut here = RawSide::new(here);
    let mut there = LocalSession::new(there, &Form::Local.options(), ());
    let mut give_up = |messages: u64| {
        for id in 0..messages {
            here.send(frame(Kind::Event, Part::First, id, 0, 10), b"half");
            here.send(frame(Kind::Event, Part::Abort, id, 0, 0), b"");
            there.dispatch().expect("an honest peer");
        }
    };
    give_up(10);
    let before = asked();
    give_up(CALLS);
    assert_eq!(asked() - before, 0);
}

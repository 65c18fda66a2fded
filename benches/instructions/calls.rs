//! The operations of a session: each side of a call by itself, and events.

use std::hint::black_box;

use super::counted::{Case, Run, each, nothing};
use super::peer::beside;
use super::side::Side;

/// The caller's side of a call: its reply is there already.
pub fn call<S: Side>(run: Run<'_>, size: usize) {
    let (mut session, mut mouth, mut ear) = beside::<S>(size);
    let (request, mut reply) = (vec![7; size], Vec::new());
    let operation = |times| each(times, || black_box(&mut session).call(black_box(&request), black_box(&mut reply)));
    let (before, after) = (|times| mouth.reply(times), |times| ear.take(times));
    run.case(Case { name: S::CALL, size, before, operation, after });
}

/// The other side of it: from the request to its reply.
pub fn serve<S: Side>(run: Run<'_>, size: usize) {
    let (mut session, mut mouth, mut ear) = beside::<S>(size);
    let operation = |times| session.dispatch(times);
    let (before, after) = (|times| mouth.call(times), |times| ear.take(times));
    run.case(Case { name: S::SERVE, size, before, operation, after });
}

/// An event, by who sends it.
pub fn notify<S: Side>(run: Run<'_>, size: usize) {
    let (mut session, _mouth, mut ear) = beside::<S>(size);
    let event = vec![7; size];
    let operation = |times| each(times, || black_box(&mut session).notify(black_box(&event)));
    run.case(Case { name: S::NOTIFY, size, before: nothing, operation, after: |times| ear.take(times) });
}

/// The same event, by who takes it.
pub fn take<S: Side>(run: Run<'_>, size: usize) {
    let (mut session, mut mouth, _ear) = beside::<S>(size);
    let operation = |times| session.dispatch(times);
    run.case(Case { name: S::TAKE, size, before: |times| mouth.notify(times), operation, after: nothing });
}

//! Receiving when nobody waits for a reply.

use std::sync::Arc;
use std::time::Duration;

use super::engine::{Engine, Leading};
use super::error::Halt;
use crate::channel::{End, NextError};
use crate::os::clock::Deadline;
use crate::wait::WaitStrategy;

/// What one look around came to.
#[derive(Debug)]
pub(super) enum Served {
    /// So many messages were handled; there are no more now, or another thread receives.
    Messages(usize),
    /// The session has ended.
    End(End),
}

/// The most messages that are handled in one turn of a poll loop.
const TURN: usize = 1024;

/// How long a listener stays away while others receive. A request that comes just after the last of them has gone waits for
/// this long at most.
const AWAY: Duration = Duration::from_millis(1);

/// How long a listener waits with the lead before it rests without it.
const LINGER: Duration = Duration::from_micros(20);

/// Handles what has come.
pub(super) fn dispatch(engine: &Arc<Engine>) -> Served {
    if engine.owned().is_err() {
        return Served::End(End::Forked);
    }
    if let Some(alarm) = &engine.alarm {
        alarm.lower();
    }
    let served = look_around(engine, TURN);
    arm(engine);
    served
}

/// Has the alarm raised if there is something, and the doorbell armed if not.
pub(super) fn arm(engine: &Engine) {
    drop(engine.try_lead());
}

/// Handles at most `most` messages, and arms nothing.
pub(super) fn look_around(engine: &Arc<Engine>, most: usize) -> Served {
    for handled in 0..most {
        if engine.waiting.get() > 0 {
            // The other side has replies to read first.
            return Served::Messages(handled);
        }
        match turn(engine, None) {
            Turn::Done => {}
            Turn::Empty | Turn::Led => return Served::Messages(handled),
            Turn::End(end) => return Served::End(end),
        }
    }
    Served::Messages(most)
}

enum Turn {
    /// A message was handled.
    Done,
    /// There was none.
    Empty,
    /// Another thread receives.
    Led,
    End(End),
}

/// Handles one message, waiting for it until `deadline`, or not at all.
#[inline]
fn turn(engine: &Arc<Engine>, deadline: Option<Deadline>) -> Turn {
    let Some(mut leader) = engine.try_lead() else { return Turn::Led };
    leader.hush();
    lead(engine, leader, deadline)
}

fn lead(engine: &Arc<Engine>, leader: Leading<'_>, deadline: Option<Deadline>) -> Turn {
    match engine.serve_one(leader, deadline) {
        Ok(()) => Turn::Done,
        Err(NextError::Empty) => Turn::Empty,
        Err(NextError::End(end)) => Turn::End(end),
    }
}

/// Serves on the user's thread.
pub(super) fn serve(engine: &Arc<Engine>) -> Result<(), End> {
    loop {
        match serve_until(engine, Deadline::NEVER) {
            Ok(()) => return Ok(()),
            Err(Halt::Ended(end)) => return Err(end),
            Err(_) => {}
        }
    }
}

/// The same until the deadline.
pub(super) fn serve_until(engine: &Arc<Engine>, deadline: Deadline) -> Result<(), Halt> {
    engine.owned()?;
    if engine.listens() {
        return engine.await_end(deadline).ok_or(Halt::Timeout).and_then(in_order);
    }
    loop {
        match turn(engine, Some(deadline)) {
            Turn::Done | Turn::Empty => {}
            Turn::Led => stay_away(engine),
            Turn::End(end) => return in_order(end),
        }
        if deadline.passed() {
            return Err(Halt::Timeout);
        }
    }
}

/// Whether it was an end in order.
fn in_order(end: End) -> Result<(), Halt> {
    if end == End::Closed { Ok(()) } else { Err(Halt::Ended(end)) }
}

fn stay_away(engine: &Engine) {
    if engine.strategy == WaitStrategy::Spin {
        std::hint::spin_loop();
    } else {
        engine.attention.settle();
        engine.attention.nap(Deadline::after(AWAY));
    }
}

/// The listener thread: receives until the session ends, and rests without holding the lead.
pub(super) fn listen(engine: &Arc<Engine>) {
    while !engine.is_closing() {
        // If it may spin, for a moment: what follows a message often follows soon.
        let linger = (engine.strategy == WaitStrategy::SpinThenPark).then(|| Deadline::after(LINGER));
        let Some(mut leader) = engine.try_lead() else {
            stay_away(engine);
            continue;
        };
        leader.end_own_rest();
        match lead(engine, leader, linger) {
            Turn::Done | Turn::Led => {}
            Turn::Empty => rest(engine),
            Turn::End(end) => return engine.end(end),
        }
    }
}

/// Sleeps until there is a message, the end, or a call for attention, unless another thread receives.
fn rest(engine: &Engine) {
    let Some(mut leader) = engine.try_lead() else { return };
    engine.attention.settle();
    // Looked at after that: a close is either seen here or called out.
    if engine.is_closing() || leader.leader().backlog.len() > 0 {
        return;
    }
    let Some(rest) = leader.inbox().receiver().incoming().rest() else { return };
    leader.leader().resting = true;
    leader.give_up();
    rest.sleep(&engine.attention, Deadline::NEVER);
}

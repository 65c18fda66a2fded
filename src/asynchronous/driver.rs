//! The one task that receives for a session, sends what waits for room, and is all that watches its socket.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::yield_now;

use super::handler::Event;
use super::limit::within;
use super::line::Line;
use super::race::{First, first};
use crate::channel::End;
use crate::os::clock::Deadline;
use crate::os::readiness::Readiness;

/// Drives a session to its end. Dropped before that, with its runtime, it ends the session.
pub(super) struct Driver {
    line: Arc<Line>,
    shown: Readiness,
    /// How many events its task has room for.
    events: mpsc::WeakSender<Event>,
    linger: Duration,
    greeted: bool,
    /// When the last message came.
    last: Option<Instant>,
}

/// How a round ended.
enum Round {
    /// There may be more to do.
    Again,
    /// There is nothing to do until something happens, or the deadline passes.
    Rest(Deadline),
    /// Everything is done.
    Over,
}

/// Messages that are handled before other tasks have their turn, and events that may wait.
pub(super) const TURN: usize = 64;

impl Driver {
    pub(super) fn new(line: Arc<Line>, shown: Readiness, events: mpsc::WeakSender<Event>, linger: Duration) -> Self {
        Self { line, shown, events, linger, greeted: false, last: None }
    }

    pub(super) async fn drive(mut self) {
        loop {
            match self.round() {
                Ok(Round::Again) => yield_now().await,
                Ok(Round::Rest(deadline)) => {
                    if self.rest(deadline).await.is_err() {
                        return;
                    }
                }
                Ok(Round::Over) => return self.line.finish(End::Closed),
                Err(end) => return self.line.finish(end),
            }
        }
    }

    /// Waits until the socket shows something, a task wants something, or the deadline passes; an error once the runtime is
    /// gone.
    async fn rest(&self, deadline: Deadline) -> std::io::Result<()> {
        match first(self.line.driver.notified(), within(deadline, self.shown.wait())).await {
            First::Other(Some(Err(error))) => Err(error),
            _ => Ok(()),
        }
    }

    /// Does what there is to do, without waiting and within bounds.
    fn round(&mut self) -> Result<Round, End> {
        if let Some(since) = self.line.session.flush() {
            return self.wait_for_room(since);
        }
        self.line.make_room();
        if self.line.is_closing() {
            return Ok(Round::Over);
        }
        let room = self.events.upgrade().map_or(TURN, |events| events.capacity()).min(TURN);
        if room == 0 { self.hold_back() } else { self.receive(room) }
    }

    /// Something waits for room: only replies are taken, so that two sides that are both full do not block each other.
    /// For replies, and in the end for anything, it waits no longer than a reply may wait.
    fn wait_for_room(&mut self, since: Instant) -> Result<Round, End> {
        let session = &self.line.session;
        session.receive_replies()?;
        let bounded = if self.line.is_closing() { Some(since) } else { session.oldest_reply() };
        let longest = self.line.options.longest_wait();
        let deadline = bounded.and_then(|since| since.checked_add(longest)).map_or(Deadline::NEVER, Deadline::at);
        if deadline.passed() {
            // The other side would wait for it for ever.
            return Err(End::Disconnected);
        }
        // After the receiver was armed, which takes the pokes off.
        Ok(if session.arm_for_room() { Round::Rest(deadline) } else { Round::Again })
    }

    /// As many events wait as may: their task says when there is room again.
    fn hold_back(&self) -> Result<Round, End> {
        self.line.session.receive_replies()?;
        Ok(Round::Rest(Deadline::NEVER))
    }

    fn receive(&mut self, most: usize) -> Result<Round, End> {
        let handled = self.line.session.turn(most)?;
        if !self.greeted && self.line.session.is_greeted() {
            self.greeted = true;
            self.line.open();
        }
        if handled == most || self.lingers(handled > 0) {
            return Ok(Round::Again);
        }
        self.line.session.arm();
        Ok(Round::Rest(Deadline::NEVER))
    }

    /// Whether to look again before resting.
    fn lingers(&mut self, found: bool) -> bool {
        if self.linger.is_zero() {
            return false;
        }
        if found {
            self.last = Some(Instant::now());
        }
        self.last.is_some_and(|last| last.elapsed() < self.linger)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Nothing new, if it has ended already.
        self.line.finish(End::Disconnected);
    }
}

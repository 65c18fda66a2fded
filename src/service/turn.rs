//! What is done for one client at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::client::Entry;
use super::counters::Parting;
use super::hall::{Hall, Phase};
use super::timers::Due;
use crate::session::Session;

/// How a turn went.
enum Outcome {
    /// So many messages were handled.
    Handled(usize),
    /// It has not said hello.
    Waits,
    /// It has to read what waits for it first, or has sent too much; the clock tells when to look again.
    Stuck,
    /// It goes.
    Parts(Parting),
}

/// The most turns of one [`dispatch`](super::Service::dispatch).
const TURNS: usize = 64;

/// How much is done for clients between two looks at the descriptors: an empty look at a ring costs one, a turn with messages
/// more.
const LOOKS: usize = 64;
const COST: usize = 8;

/// When room for what waits is looked for again: at first, and at most.
const FIRST_RETRY: Duration = Duration::from_millis(1);
const LAST_RETRY: Duration = Duration::from_millis(50);

impl<T: Send + Sync + 'static> Hall<T> {
    /// One round by a thread that does not stay; how many messages were handled.
    pub(super) fn dispatch(self: &Arc<Self>) -> usize {
        let awake = self.schedule.rise();
        self.look(&awake, Some(Duration::ZERO));
        let mut handled = 0;
        for _ in 0..self.schedule.len().min(TURNS) {
            let Some(entry) = self.schedule.pop() else { break };
            handled += self.turn(&entry, Duration::ZERO);
        }
        handled
    }

    /// Dispatches until `done`, sleeping for at most `nap` at a time if it says so.
    pub(super) fn serve_until(self: &Arc<Self>, nap: Option<Duration>, mut done: impl FnMut() -> bool) {
        let awake = self.schedule.rise();
        let mut left = 0;
        while !done() {
            if left == 0 {
                self.look(&awake, nap);
                left = LOOKS;
            }
            left = left.saturating_sub(self.next_turn());
        }
    }

    /// The turn of whoever is next; what it cost.
    fn next_turn(self: &Arc<Self>) -> usize {
        let Some(entry) = self.schedule.pop() else { return LOOKS };
        match self.turn(&entry, self.limits.linger) {
            0 => 1,
            // After a full turn, as of one that floods, the others are looked for.
            messages => COST.max(messages * LOOKS / self.limits.turn),
        }
    }

    /// One client's turn; how many messages were handled.
    fn turn(self: &Arc<Self>, entry: &Arc<Entry<T>>, linger: Duration) -> usize {
        if !entry.begin() {
            return 0;
        }
        let Some(session) = entry.session() else { return 0 };
        match self.serve(entry, &session) {
            Outcome::Handled(messages) => {
                self.end_turn(entry, &session, messages, linger);
                messages
            }
            Outcome::Waits => {
                session.arm();
                self.requeue(entry, false);
                0
            }
            Outcome::Stuck => {
                self.requeue(entry, false);
                0
            }
            Outcome::Parts(parting) => {
                drop(session);
                if entry.go() {
                    self.part(entry, &parting);
                }
                0
            }
        }
    }

    fn serve(self: &Arc<Self>, entry: &Arc<Entry<T>>, session: &Session) -> Outcome {
        if let Some(parting) = entry.dismissal() {
            return Outcome::Parts(parting);
        }
        if !entry.is_known() {
            if let Some(outcome) = self.greet(entry, session) {
                return outcome;
            }
        }
        if let Some(since) = session.flush() {
            return self.wait_for(entry, since);
        }
        let most = match entry.allowance(self.limits.turn) {
            Ok(most) => most,
            Err(pause) => {
                self.timers.add(pause.max(FIRST_RETRY), Due::Client(entry.id));
                return Outcome::Stuck;
            }
        };
        let turn = session.turn(most);
        entry.spend(*turn.as_ref().unwrap_or(&0));
        match turn {
            Ok(0) if self.is_drained(session) => Outcome::Parts(Parting::Shutdown),
            Ok(messages) => Outcome::Handled(messages),
            Err(end) => Outcome::Parts(end.into()),
        }
    }

    /// Hears a client's hello; `None` if it has come.
    fn greet(&self, entry: &Entry<T>, session: &Session) -> Option<Outcome> {
        if let Err(end) = session.turn(1) {
            return Some(Outcome::Parts(end.into()));
        }
        if session.is_greeted() {
            let stays = self.introduce(entry, session);
            return (!stays).then(|| Outcome::Parts(Parting::Dismissed("the service failed".to_owned())));
        }
        let late = entry.age() >= self.limits.hello || self.phase() > Phase::Open;
        Some(if late { Outcome::Parts(Parting::Died) } else { Outcome::Waits })
    }

    /// It does not read: it has as long as a reply may wait.
    fn wait_for(&self, entry: &Entry<T>, since: Instant) -> Outcome {
        let waited = since.elapsed();
        if waited >= self.session.longest_wait() {
            return Outcome::Parts(Parting::NeverRead);
        }
        self.timers.add((waited / 4).clamp(FIRST_RETRY, LAST_RETRY), Due::Client(entry.id));
        Outcome::Stuck
    }

    /// Whether the service is to end, and nothing is owed to this client.
    fn is_drained(&self, session: &Session) -> bool {
        self.phase() > Phase::Open && !session.owes_replies()
    }

    fn end_turn(&self, entry: &Arc<Entry<T>>, session: &Session, messages: usize, linger: Duration) {
        let more = entry.lingers(messages > 0, linger) || messages >= self.limits.turn;
        if more {
            if messages == 0 {
                std::hint::spin_loop();
            }
        } else {
            entry.rest();
            session.arm();
            if self.phase() > Phase::Open {
                // Its responders may be at work.
                self.timers.add(FIRST_RETRY, Due::Client(entry.id));
            }
        }
        self.requeue(entry, more);
    }

    fn requeue(&self, entry: &Arc<Entry<T>>, more: bool) {
        if entry.end(more) && self.phase() < Phase::Over {
            return self.schedule.push(Arc::clone(entry));
        }
        // Perhaps nobody will come back to it.
        self.part_if_dismissed(entry);
    }

    fn part_if_dismissed(&self, entry: &Arc<Entry<T>>) {
        if let Some(parting) = entry.dismissal() {
            if entry.go_unless_running() {
                self.part(entry, &parting);
            }
        }
    }
}

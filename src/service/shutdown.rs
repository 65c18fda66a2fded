//! The end of a service: in order, or not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::counters::Parting;
use super::hall::{Hall, Phase};

/// How long a thread that waits for the others sleeps at a time: the last of them may go in another's turn.
const NAP: Duration = Duration::from_millis(5);

impl<T: Send + Sync + 'static> Hall<T> {
    /// Accepts nobody any more, and has all clients looked after.
    pub(super) fn begin_draining(&self) {
        self.go_on_to(Phase::Draining);
        self.close_listener();
        self.everybody().iter().for_each(|entry| self.wake(entry));
    }

    /// Accepts nobody any more, answers what has come, and parts with each client once nothing is owed to it; how many are
    /// left at the deadline. This thread helps.
    pub(super) fn drain(self: &Arc<Self>, timeout: Duration) -> usize {
        self.begin_draining();
        let deadline = Instant::now().checked_add(timeout);
        let late = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        self.serve_until(Some(NAP), || self.is_empty() || late());
        self.everybody().len()
    }

    /// Has all dispatchers return.
    pub(super) fn stop(&self) {
        self.go_on_to(Phase::Over);
        self.close_listener();
        self.schedule.end();
    }

    /// Parts with whoever is left. Who is in a handler is parted with after it: the thread that runs it finds the dismissal when
    /// the turn is over.
    pub(super) fn sweep(&self) {
        for entry in self.everybody() {
            entry.dismiss(Parting::Shutdown);
            if entry.go_unless_running() {
                self.part(&entry, &Parting::Shutdown);
            }
        }
    }
}

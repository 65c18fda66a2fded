//! What a session lets others see of it, if its process asked for that.

use std::sync::Arc;
use std::time::Instant;

use super::options::SessionOptions;
use crate::connection::Sender;
use crate::ledger::{Entry, layout};
use crate::memory::Counts;

/// Where a session counts what it receives, and how long its calls take.
#[derive(Debug)]
pub(super) struct Seen {
    /// Counted in by who receives.
    pub(super) received: Counts,
    pub(super) latency: Latency,
}

/// Takes the time of calls, if they are to be recorded.
#[derive(Clone, Debug)]
pub(super) struct Latency(Option<Arc<Entry>>);

impl Seen {
    pub(super) fn new(sender: &Sender, options: &SessionOptions) -> Self {
        let Some(entry) = sender.entry() else {
            return Self { received: Counts::default(), latency: Latency(None) };
        };
        let recorded = options.latency;
        entry.build(layout::BUILT_SESSION | if recorded { layout::BUILT_LATENCY } else { 0 });
        Self { received: entry.line(layout::SESSION_IN), latency: Latency(recorded.then(|| Arc::clone(entry))) }
    }
}

impl Latency {
    /// The time, if it is wanted.
    #[inline]
    pub(super) fn start(&self) -> Option<Instant> {
        self.0.as_ref().map(|_| Instant::now())
    }

    /// Records a call that was begun then.
    #[inline]
    pub(super) fn stop(&self, begun: Option<Instant>) {
        if let (Some(entry), Some(begun)) = (&self.0, begun) {
            entry.record(begun.elapsed().as_nanos().try_into().unwrap_or(u64::MAX));
        }
    }
}

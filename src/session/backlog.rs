//! What has come and nobody has handled yet.

use std::collections::VecDeque;

use super::hello::Hello;

/// A request or an event.
#[derive(Debug)]
pub(super) enum Job {
    /// Run the handler, and answer.
    Call { id: u64, selector: u32, payload: Vec<u8> },
    /// Run the handler.
    Event { selector: u32, payload: Vec<u8> },
    /// Answer that there are too many.
    Decline { id: u64 },
}

/// Jobs in the order in which they came, within bounds.
#[derive(Debug)]
pub(super) struct Backlog {
    jobs: VecDeque<Job>,
    bytes: u64,
    most_jobs: usize,
    most_bytes: u64,
}

/// How many events may wait beside the requests in flight.
const MOST_EVENTS: usize = 1024;

impl Backlog {
    /// Empty, for a side that accepts this.
    pub(super) fn new(accepted: Hello) -> Self {
        let most_jobs = accepted.calls as usize + MOST_EVENTS;
        let most_bytes = accepted.largest.saturating_mul(accepted.open.into());
        Self { jobs: VecDeque::new(), bytes: 0, most_jobs, most_bytes }
    }

    /// Whether nothing more is to be taken in.
    pub(super) fn is_full(&self) -> bool {
        self.jobs.len() >= self.most_jobs || self.bytes >= self.most_bytes
    }

    pub(super) fn push(&mut self, job: Job) {
        self.bytes += job.payload().len() as u64;
        self.jobs.push_back(job);
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Job> {
        let job = self.jobs.pop_front()?;
        self.bytes -= job.payload().len() as u64;
        Some(job)
    }

    /// Takes the requests out, whose ids these are.
    pub(super) fn take_calls(&mut self) -> Vec<u64> {
        let mut ids = Vec::new();
        self.jobs.retain(|job| match job {
            Job::Call { id, payload, .. } => {
                ids.push(*id);
                self.bytes -= payload.len() as u64;
                false
            }
            Job::Event { .. } | Job::Decline { .. } => true,
        });
        ids
    }

    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }
}

impl Job {
    fn payload(&self) -> &[u8] {
        match self {
            Self::Call { payload, .. } | Self::Event { payload, .. } => payload,
            Self::Decline { .. } => &[],
        }
    }
}

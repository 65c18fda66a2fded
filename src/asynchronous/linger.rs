//! Looking on for a while before asking to be woken.

use std::time::{Duration, Instant};

/// How long a wait looks before it announces itself. No thread is held up: other tasks run between two looks.
#[derive(Debug)]
pub(super) struct Linger {
    time: Duration,
    began: Option<Instant>,
}

impl Linger {
    pub(super) fn new(time: Duration) -> Self {
        Self { time, began: None }
    }

    /// Whether to look again; the time counts from the first question.
    pub(super) fn goes_on(&mut self) -> bool {
        !self.time.is_zero() && self.began.get_or_insert_with(Instant::now).elapsed() < self.time
    }
}

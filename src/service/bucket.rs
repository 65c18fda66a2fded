//! So many a second, and a tenth of that at once.

use std::time::{Duration, Instant};

/// What is left of a rate: tokens that come back with time.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: u64,
    /// In billionths.
    tokens: u64,
    filled: Instant,
}

const BILLION: u64 = 1_000_000_000;

impl Bucket {
    /// Full, at that many a second.
    pub(super) fn new(rate: u32) -> Self {
        let rate = u64::from(rate.max(1));
        Self { rate, tokens: most(rate), filled: Instant::now() }
    }

    /// How many may come now.
    pub(super) fn left(&mut self) -> usize {
        let now = Instant::now();
        let passed = now.saturating_duration_since(self.filled).as_nanos().min(BILLION.into()) as u64;
        self.tokens = (self.tokens + passed * self.rate).min(most(self.rate));
        self.filled = now;
        (self.tokens / BILLION) as usize
    }

    /// So many came.
    pub(super) fn spend(&mut self, count: usize) {
        self.tokens = self.tokens.saturating_sub(count as u64 * BILLION);
    }

    /// How long until the next may come.
    pub(super) fn pause(&self) -> Duration {
        Duration::from_nanos(BILLION.saturating_sub(self.tokens) / self.rate + 1)
    }
}

/// The tokens of a tenth of a second, and at least one.
fn most(rate: u64) -> u64 {
    (rate * BILLION / 10).max(BILLION)
}

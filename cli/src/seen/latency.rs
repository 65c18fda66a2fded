//! How long calls took, of what a process has recorded.

use hdrhistogram::Histogram;
use serde::Serialize;
use twinring::Latency;

/// Quantiles of recorded calls, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// How many calls.
    pub calls: u64,
    /// The median.
    pub p50_nanos: u64,
    /// One in ten takes longer.
    pub p90_nanos: u64,
    /// One in a hundred takes longer.
    pub p99_nanos: u64,
    /// One in a thousand takes longer.
    pub p999_nanos: u64,
    /// The longest.
    pub max_nanos: u64,
}

impl Quantiles {
    /// Of what was recorded; `None` if nothing was.
    #[must_use]
    pub fn of(recorded: &Latency) -> Option<Self> {
        // Up to 137 seconds, by two digits: more than the buckets have.
        let mut histogram = Histogram::<u64>::new_with_bounds(1, 1 << 37, 2).ok()?;
        for (range, calls) in recorded.ranges() {
            // In the middle of its range it is wrong by a sixteenth at most.
            histogram.saturating_record_n(range.start + (range.end - range.start) / 2, calls);
        }
        let at = |quantile| histogram.value_at_quantile(quantile);
        (!histogram.is_empty()).then(|| Self {
            calls: recorded.calls(),
            p50_nanos: at(0.5),
            p90_nanos: at(0.9),
            p99_nanos: at(0.99),
            p999_nanos: at(0.999),
            max_nanos: histogram.max(),
        })
    }
}

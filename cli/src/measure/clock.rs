//! The clock, and what reading it costs.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// A stopwatch that does not count the reading of itself.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    overhead: u64,
}

/// The longest time that a histogram tells apart: what takes longer counts as this.
const LONGEST: u64 = 60_000_000_000;

/// Readings to find out what one costs.
const READINGS: usize = 4_096;

impl Clock {
    /// Finds out what a reading costs: the median of many intervals with nothing in them.
    pub fn calibrated() -> Self {
        let mut empty: Vec<u64> = (0..READINGS).map(|_| nanos(Instant::now().elapsed())).collect();
        empty.sort_unstable();
        Self { overhead: empty[READINGS / 2] }
    }

    /// The nanoseconds from `started` to `ended`, without the cost of one reading.
    #[inline]
    pub fn between(&self, started: Instant, ended: Instant) -> u64 {
        nanos(ended.duration_since(started)).saturating_sub(self.overhead)
    }

    /// What a reading costs, in nanoseconds.
    pub fn overhead(&self) -> u64 {
        self.overhead
    }
}

/// Nanoseconds that both processes count from the same instant.
#[inline]
pub fn now() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

#[inline]
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// How long a cell is measured in one round.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Before anything is recorded.
    pub warm_up: Duration,
    /// While it is recorded.
    pub timed: Duration,
    /// The most round trips.
    pub most: u64,
}

impl Budget {
    /// `timed`, after a fifth of it to warm up.
    pub fn new(timed: Duration) -> Self {
        Self { warm_up: timed / 5, timed, most: u64::MAX }
    }

    /// So many round trips, however long they take.
    pub fn of(most: u64) -> Self {
        Self { warm_up: Duration::ZERO, timed: Duration::MAX, most }
    }
}

/// Round trips until the budget is used up: warms up, then records. `trip` is given its number and tells how long it
/// took; recording comes after it.
///
/// # Errors
///
/// The first error of a trip.
#[inline]
pub fn record<E>(budget: Budget, mut trip: impl FnMut(u64) -> Result<Timed, E>) -> Result<Histogram<u64>, E> {
    let mut histogram = histogram();
    let begun = Instant::now();
    for number in 1.. {
        let Timed { nanos, ended } = trip(number)?;
        let elapsed = ended.duration_since(begun);
        if elapsed >= budget.warm_up {
            histogram.saturating_record(nanos);
        }
        if elapsed >= budget.warm_up + budget.timed || number == budget.most {
            break;
        }
    }
    Ok(histogram)
}

/// One timed interval.
#[derive(Clone, Copy, Debug)]
pub struct Timed {
    /// How long it was, in nanoseconds.
    pub nanos: u64,
    /// When it ended.
    pub ended: Instant,
}

impl Clock {
    /// Times `work`.
    #[inline]
    pub fn time<T>(&self, work: impl FnOnce() -> T) -> (Timed, T) {
        let started = Instant::now();
        let done = work();
        let ended = Instant::now();
        (Timed { nanos: self.between(started, ended), ended }, done)
    }
}

/// An empty histogram of nanoseconds, exact to three digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).unwrap_or_else(|_| unreachable!("the bounds are constant and in order"))
}

/// The same, exact to two digits: what is told to another process is one message, however much times differ.
pub fn coarse_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 2).unwrap_or_else(|_| unreachable!("the bounds are constant and in order"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_of_reading_is_taken_off() {
        let clock = Clock { overhead: 30 };
        let started = Instant::now();
        assert_eq!(clock.between(started, started + Duration::from_nanos(130)), 100);
        assert_eq!(clock.between(started, started), 0);
    }

    #[test]
    fn what_comes_before_the_warm_up_has_ended_is_not_recorded() {
        let budget = Budget { warm_up: Duration::from_secs(5), ..Budget::new(Duration::from_secs(10)) };
        let begun = Instant::now();
        let trip = |number: u64| Ok::<_, ()>(Timed { nanos: number, ended: begun + Duration::from_secs(number) });
        let recorded = record(budget, trip).unwrap();
        // The first trips end before the warm-up has: a second or two is lost to the clock having been read earlier.
        assert!((10..=11).contains(&recorded.len()), "{} trips", recorded.len());
        assert!(recorded.min() >= 5);
    }
}

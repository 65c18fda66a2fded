//! Round trips at a pace, and how long one way of them took: the answer begins with the time at which the message came.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::carrier::Asked;
use super::clock::{histogram, now};
use super::pace::{self, Pace};
use super::pattern::{self, STOP, TIMED};
use crate::failure::Failure;
use crate::os::processor;

/// Round trips at a pace, all times in nanoseconds from when a message was due.
pub struct Paced {
    /// Until the answer was there.
    pub trips: Histogram<u64>,
    /// Until the message was there.
    pub one_way: Histogram<u64>,
    /// What this process used of its processor, without what it waited for the time to come.
    pub used: Duration,
    /// How many there were.
    pub count: u64,
}

/// Asks at the pace.
///
/// # Errors
///
/// If a trip fails, or an answer is not what was asked.
pub fn ask(of: &mut impl Asked, size: usize, pace: Pace) -> Result<Paced, Failure> {
    let (mut asked, mut answer) = (vec![0; size], vec![0; size]);
    let mut paced = Paced { trips: histogram(), one_way: histogram(), used: Duration::ZERO, count: 0 };
    for number in pace.numbers() {
        pattern::write(&mut asked, number | TIMED);
        let due = pace.due(number);
        pace::rest_until(due);
        let (before, awake) = (processor::used()?, now());
        let begun = pace::stay_until(due);
        let length = of.trip(&asked, &mut answer)?;
        let ended = now();
        paced.used += (processor::used()? - before).saturating_sub(Duration::from_nanos(begun - awake));
        pattern::same(pattern::behind(&asked), pattern::behind(&answer[..length]))?;
        paced.trips.saturating_record(ended - due);
        paced.one_way.saturating_record(pattern::number(&answer).saturating_sub(due));
        paced.count += 1;
    }
    pattern::write(&mut asked, STOP);
    of.trip(&asked, &mut answer)?;
    Ok(paced)
}

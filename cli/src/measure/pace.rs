//! A fixed pace: each message is due at a time of its own, whatever became of those before it.
//!
//! What is late counts from the time at which it was due. Whoever waits for one answer before it asks again would otherwise
//! leave out just those messages that a slow moment delays (Gil Tene calls that coordinated omission).

use std::hint::spin_loop;
use std::thread;
use std::time::Duration;

use super::clock::now;

/// So long before a message is due nobody sleeps any more: the one who sends is awake, and its wake-up is not measured.
const AWAKE: u64 = 200_000;

/// Messages for a round of a cell, unless that takes too long.
const WANTED: u64 = 20;

/// The longest that a round of a cell takes for the sake of more messages.
const LONGEST: Duration = Duration::from_secs(1);

/// When messages are due.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    rate: u32,
    messages: u64,
    begun: u64,
}

impl Pace {
    /// From now on `rate` messages a second, for as long as `cell`, or a little longer if that is too short for a few.
    pub fn new(rate: u32, cell: Duration) -> Self {
        let within = |time: Duration| (time.as_secs_f64() * f64::from(rate)) as u64;
        let messages = within(cell).max(WANTED.min(within(LONGEST))).max(1);
        Self { rate, messages, begun: now() }
    }

    /// The numbers of the messages.
    pub fn numbers(self) -> std::ops::RangeInclusive<u64> {
        1..=self.messages
    }

    /// When a message is due.
    #[inline]
    pub fn due(self, number: u64) -> u64 {
        self.begun + (u128::from(number) * 1_000_000_000 / u128::from(self.rate)) as u64
    }
}

/// Sleeps until shortly before `due`.
#[inline]
pub fn rest_until(due: u64) {
    let left = due.saturating_sub(now());
    if left > AWAKE {
        thread::sleep(Duration::from_nanos(left - AWAKE));
    }
}

/// Stays awake until `due`; tells when it was over.
#[inline]
pub fn stay_until(due: u64) -> u64 {
    loop {
        let now = now();
        if now >= due {
            return now;
        }
        spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_due_one_interval_after_another() {
        let pace = Pace { rate: 3, messages: 9, begun: 100 };
        assert_eq!([3, 6, 9].map(|number| pace.due(number)), [1_000_000_100, 2_000_000_100, 3_000_000_100]);
        assert_eq!(pace.due(1), 333_333_433);
    }

    #[test]
    fn a_slow_pace_has_few_messages_and_a_quick_one_as_many_as_there_is_time_for() {
        let messages = |rate| *Pace::new(rate, Duration::from_millis(60)).numbers().end();
        assert_eq!([1, 10, 100, 1_000, 10_000, 1_000_000].map(messages), [1, 10, 20, 60, 600, 60_000]);
    }

    #[test]
    fn nobody_stops_waiting_before_it_is_time() {
        let due = now() + 2_000_000;
        rest_until(due);
        assert!(now() < due + 1_000_000_000);
        assert!(stay_until(due) >= due);
    }
}

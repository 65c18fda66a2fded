//! One way under load: messages at a pace that nobody slows down, each of which says when it was due.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::carrier::Carrier;
use super::clock::{coarse_histogram, histogram, now};
use super::pace::{self, Pace};
use super::pattern::{self, STOP};
use super::streams::Flow;
use crate::failure::Failure;

/// Sends at the pace, or as fast as the carrier lets it if that is less; tells what flowed.
///
/// # Errors
///
/// If the carrier fails, or the other side confirms another number of messages.
pub fn pour(carrier: &mut impl Carrier, size: usize, pace: Pace) -> Result<Flow, Failure> {
    let mut payload = vec![0; size];
    let begun = now();
    for number in pace.numbers() {
        let due = pace.due(number);
        pace::rest_until(due);
        pace::stay_until(due);
        pattern::write(&mut payload, due);
        carrier.send(&payload)?;
    }
    pattern::write(&mut payload, STOP);
    carrier.send(&payload)?;
    let mut confirmation = [0; 8];
    carrier.receive(&mut confirmation)?;
    let elapsed = Duration::from_nanos(now() - begun);
    let (sent, confirmed) = (*pace.numbers().end(), pattern::number(&confirmation));
    if confirmed == sent {
        return Ok(Flow { messages: sent, elapsed });
    }
    Err(Failure::new(format!("sent {sent} messages, {confirmed} were confirmed")))
}

/// Receives them: nanoseconds from when a message was due until it was there, and how often.
///
/// # Errors
///
/// If the carrier fails, or a message is not what it should be.
pub fn drink(carrier: &mut impl Carrier, size: usize) -> Result<Vec<(u64, u64)>, Failure> {
    let (mut payload, mut scratch) = (vec![0; size], vec![0; size]);
    let mut recorded = coarse_histogram();
    for messages in 0_u64.. {
        let length = carrier.receive(&mut payload)?;
        let came = now();
        let due = pattern::number(&payload);
        if due == STOP {
            carrier.send(&messages.to_le_bytes())?;
            break;
        }
        pattern::check(&payload[..length], due, &mut scratch)?;
        recorded.saturating_record(came.saturating_sub(due));
    }
    Ok(told(&recorded))
}

/// Times as they are told to the other process.
fn told(recorded: &Histogram<u64>) -> Vec<(u64, u64)> {
    recorded.iter_recorded().map(|value| (value.value_iterated_to(), value.count_at_value())).collect()
}

/// What the other side has told.
pub fn recorded(times: &[(u64, u64)]) -> Histogram<u64> {
    let mut recorded = histogram();
    for &(nanos, count) in times {
        recorded.saturating_record_n(nanos, count);
    }
    recorded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::control::{LONGEST, Reply};

    #[test]
    fn times_of_every_length_fit_the_message_that_tells_them() {
        let mut times = coarse_histogram();
        for step in 0..600_000 {
            let nanos = 10_f64.powf(f64::from(step) / 50_000.0) as u64;
            times.saturating_record_n(nanos, 1_000_000);
        }
        assert!(times.iter_recorded().count() > 3_000);
        let message = serde_json::to_vec(&Reply::Done(told(&times))).unwrap();
        assert!(message.len() < LONGEST, "{} bytes", message.len());
        assert_eq!(recorded(&told(&times)).len(), times.len());
    }
}

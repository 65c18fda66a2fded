//! One-way streams: one side sends as fast as it can, the other receives everything and confirms it.
//!
//! Two stretches: an untimed one, of which every byte is compared (it also touches every page), and a timed one, of which
//! each message's number is checked at both its ends.

use std::time::{Duration, Instant};

use super::carrier::Carrier;
use super::clock::Budget;
use super::pattern::{self, STOP};
use crate::failure::Failure;

/// What flowed in the timed stretch.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// How many messages.
    pub messages: u64,
    /// From the first send to the confirmation of the last message.
    pub elapsed: Duration,
}

impl Flow {
    /// Messages per second.
    pub fn rate(&self) -> f64 {
        self.messages as f64 / self.elapsed.as_secs_f64()
    }
}

/// The length of a confirmation.
const CONFIRMATION: usize = 8;

/// Bytes sent between two looks at the clock.
const STRIDE: usize = 32 * 1024;

/// Sends both stretches.
///
/// # Errors
///
/// If the carrier fails, or the other side confirms another number of messages.
pub fn pour(carrier: &mut impl Carrier, size: usize, budget: Budget) -> Result<Flow, Failure> {
    send_stretch(carrier, size, budget.warm_up, pattern::write)?;
    send_stretch(carrier, size, budget.timed, pattern::stamp)
}

/// Receives both stretches.
///
/// # Errors
///
/// If the carrier fails, or a message is not what it should be.
pub fn drink(carrier: &mut impl Carrier, size: usize) -> Result<(), Failure> {
    let mut scratch = vec![0; size];
    receive_stretch(carrier, size, |payload, number| pattern::check(payload, number, &mut scratch))?;
    receive_stretch(carrier, size, |payload, number| {
        if pattern::is_stamped(payload, number) { Ok(()) } else { Err(out_of_turn(payload, number)) }
    })
}

fn send_stretch(
    carrier: &mut impl Carrier,
    size: usize,
    time: Duration,
    mut mark: impl FnMut(&mut [u8], u64),
) -> Result<Flow, Failure> {
    let stride = (STRIDE / size).max(1) as u64;
    let mut payload = vec![0; size];
    pattern::write(&mut payload, 0);
    let mut messages = 0;
    let started = Instant::now();
    while messages == 0 || started.elapsed() < time {
        for number in messages..messages + stride {
            mark(&mut payload, number);
            carrier.send(&payload)?;
        }
        messages += stride;
    }
    pattern::write(&mut payload, STOP);
    carrier.send(&payload)?;
    await_confirmation(carrier, messages)?;
    Ok(Flow { messages, elapsed: started.elapsed() })
}

fn await_confirmation(carrier: &mut impl Carrier, messages: u64) -> Result<(), Failure> {
    let mut confirmation = [0; CONFIRMATION];
    let length = carrier.receive(&mut confirmation)?;
    let confirmed = pattern::number(&confirmation);
    if length == CONFIRMATION && confirmed == messages {
        return Ok(());
    }
    Err(Failure::new(format!("sent {messages} messages, {confirmed} were confirmed")))
}

fn receive_stretch(
    carrier: &mut impl Carrier,
    size: usize,
    mut check: impl FnMut(&[u8], u64) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut payload = vec![0; size];
    for number in 0.. {
        let length = carrier.receive(&mut payload)?;
        if pattern::number(&payload) == STOP {
            return carrier.send(&u64::to_le_bytes(number));
        }
        if length != size {
            return Err(Failure::new(format!("expected a message of {size} bytes, {length} came")));
        }
        check(&payload, number)?;
    }
    Ok(())
}

#[cold]
fn out_of_turn(payload: &[u8], number: u64) -> Failure {
    Failure::new(format!("expected message {number}, {} came, or only a part of it", pattern::number(payload)))
}

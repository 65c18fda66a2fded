//! Round trips: one side asks, the other answers with the same bytes.

use hdrhistogram::Histogram;

use super::carrier::{Asked, Carrier};
use super::clock::{Budget, Clock, Timed, record};
use super::pattern::{self, STOP};
use crate::failure::Failure;

/// Round trips.
#[derive(Debug)]
pub struct Trips {
    /// How long those took that were recorded, in nanoseconds.
    pub times: Histogram<u64>,
    /// How many there were, with those before anything was recorded.
    pub count: u64,
}

/// The side that asks, with its buffers.
pub struct Asker {
    asked: Vec<u8>,
    answer: Vec<u8>,
    clock: Clock,
}

impl Asker {
    /// Asks with payloads of `size` bytes.
    pub fn new(size: usize, clock: Clock) -> Self {
        Self { asked: vec![0; size], answer: vec![0; size], clock }
    }

    /// One round trip: its time, once every byte of the answer has been compared.
    ///
    /// # Errors
    ///
    /// If it fails, or the answer is not what was asked.
    #[inline]
    pub fn ask(&mut self, of: &mut impl Asked, number: u64) -> Result<Timed, Failure> {
        let Self { asked, answer, clock } = self;
        pattern::write(asked, number);
        let (timed, length) = clock.time(|| of.trip(asked, answer));
        pattern::same(asked, &answer[..length?])?;
        Ok(timed)
    }
}

/// Asks until the budget is used up, and tells how long the trips took.
///
/// # Errors
///
/// If a trip fails, or an answer is not what was asked.
pub fn ask(of: &mut impl Asked, size: usize, budget: Budget, clock: Clock) -> Result<Trips, Failure> {
    let mut asker = Asker::new(size, clock);
    let mut count = 0;
    let times = record(budget, |number| {
        count = number;
        asker.ask(of, number)
    })?;
    asker.ask(of, STOP)?;
    Ok(Trips { times, count })
}

/// Answers until told to stop.
///
/// # Errors
///
/// If the carrier fails.
pub fn answer(carrier: &mut impl Carrier, size: usize) -> Result<(), Failure> {
    let mut buffer = vec![0; size];
    loop {
        let length = carrier.receive(&mut buffer)?;
        let last = pattern::number(&buffer) == STOP;
        pattern::answer(&mut buffer);
        carrier.send(&buffer[..length])?;
        if last {
            return Ok(());
        }
    }
}

//! Pauses at random, so that either side is found in each of its states.

use std::hint::spin_loop;
use std::thread;
use std::time::Duration;

use fastrand::Rng;

/// Now and then a moment, seldom a sleep.
pub struct Pauses {
    random: Rng,
    until: u32,
}

impl Pauses {
    pub fn new(seed: u64) -> Self {
        Self { random: Rng::with_seed(seed), until: 0 }
    }

    /// Pauses, if it is time to.
    pub fn now_and_then(&mut self) {
        match self.until.checked_sub(1) {
            Some(left) => self.until = left,
            None => self.pause(),
        }
    }

    fn pause(&mut self) {
        self.until = self.random.u32(..4000);
        match self.random.u32(..20) {
            0 => thread::sleep(Duration::from_micros(self.random.u64(..300))),
            1..4 => thread::yield_now(),
            _ => (0..self.random.u32(..4000)).for_each(|_| spin_loop()),
        }
    }
}

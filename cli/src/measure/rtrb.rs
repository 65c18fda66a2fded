//! `rtrb` between two threads: the ring that others are compared with, used as its documentation recommends.
//!
//! Small messages are elements of their own type, pushed and popped; larger ones are slices of bytes, copied in and out
//! whole. Both rings hold as many bytes as ours.

use rtrb::{Consumer, Producer, RingBuffer};

use super::carrier::Carrier;
use super::clock::{Budget, Clock};
use super::streams::{self, Flow};
use super::trips::Trips;
use super::{ours, threads, trips};
use crate::failure::Failure;

/// Bytes in a ring.
const CAPACITY: usize = 1 << 20;

/// Both measures of one size.
///
/// # Errors
///
/// If a message comes wrong.
pub fn measure(size: usize, budget: Budget, clock: Clock, core: Option<usize>) -> Result<(Trips, Flow), Failure> {
    match size {
        8 => run(elements::<8>, size, budget, clock, core),
        56 => run(elements::<56>, size, budget, clock, core),
        64 => run(elements::<64>, size, budget, clock, core),
        _ => run(|| slices(size), size, budget, clock, core),
    }
}

fn run<C: Carrier + Send>(
    pair: impl Fn() -> (C, C),
    size: usize,
    budget: Budget,
    clock: Clock,
    core: Option<usize>,
) -> Result<(Trips, Flow), Failure> {
    let (mut here, mut there) = pair();
    threads::beside(
        core,
        || {
            trips::answer(&mut there, size)?;
            streams::drink(&mut there, size)
        },
        || Ok((trips::ask(&mut here, size, budget, clock)?, streams::pour(&mut here, size, budget)?)),
    )
}

/// Messages as elements.
struct Elements<const N: usize> {
    out: Producer<[u8; N]>,
    into: Consumer<[u8; N]>,
}

fn elements<const N: usize>() -> (Elements<N>, Elements<N>) {
    let (there, into) = RingBuffer::new(CAPACITY / N);
    let (out, here) = RingBuffer::new(CAPACITY / N);
    (Elements { out, into }, Elements { out: there, into: here })
}

impl<const N: usize> Carrier for Elements<N> {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        let element = payload.try_into().unwrap_or_else(|_| padded(payload));
        spin(&mut self.out, |out| out.push(element).ok(), Producer::is_abandoned)
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let element = spin(&mut self.into, |into| into.pop().ok(), Consumer::is_abandoned)?;
        match <&mut [u8; N]>::try_from(&mut *buffer) {
            Ok(whole) => *whole = element,
            Err(_) => unpad(&element, buffer),
        }
        Ok(buffer.len())
    }
}

/// A confirmation is shorter than the messages that it confirms.
#[cold]
fn padded<const N: usize>(payload: &[u8]) -> [u8; N] {
    let mut element = [0; N];
    element[..payload.len()].copy_from_slice(payload);
    element
}

#[cold]
fn unpad(element: &[u8], buffer: &mut [u8]) {
    buffer.copy_from_slice(&element[..buffer.len()]);
}

/// Messages as slices of bytes.
struct Slices {
    out: Producer<u8>,
    into: Consumer<u8>,
}

fn slices(size: usize) -> (Slices, Slices) {
    let capacity = ours::capacity(size);
    let (there, into) = RingBuffer::new(capacity);
    let (out, here) = RingBuffer::new(capacity);
    (Slices { out, into }, Slices { out: there, into: here })
}

impl Carrier for Slices {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        spin(&mut self.out, |out| out.push_entire_slice(payload).ok(), Producer::is_abandoned)
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        spin(&mut self.into, |into| into.pop_entire_slice(buffer).ok(), Consumer::is_abandoned)?;
        Ok(buffer.len())
    }
}

/// Tries until it works, with the pause of our own loop; looks now and then whether the other thread has gone.
#[inline]
fn spin<E, T>(
    end: &mut E,
    mut attempt: impl FnMut(&mut E) -> Option<T>,
    gone: impl Fn(&E) -> bool,
) -> Result<T, Failure> {
    loop {
        for _ in 0..1_024 {
            if let Some(done) = attempt(end) {
                return Ok(done);
            }
            std::hint::spin_loop();
        }
        if gone(end) {
            return Err(Failure::new("the other thread has gone"));
        }
    }
}

//! Which points of an operation a sweep kills at: all, or some that differ from run to run.

use std::collections::HashMap;
use std::env;
use std::hash::{BuildHasher, RandomState};

use crate::tracing::Point;

/// Points a sweep, unless `TWINRING_CRASH_POINTS` says another number.
const FEW: usize = 40;

/// How many instructions after a system call a victim may be killed.
const BETWEEN_CALLS: usize = 2000;

/// How far before a point the address is looked for by way of which it is come to.
const REACH: usize = 2000;

/// How many steps take as long as to stop at an address and go on.
const STOP: usize = 2;

fn most() -> usize {
    let chosen = env::var("TWINRING_CRASH_POINTS").ok().map(|number| number.parse().expect("a number of points"));
    chosen.unwrap_or(FEW)
}

fn random(below: usize) -> usize {
    // Each of these has keys of its own.
    RandomState::new().hash_one(below) as usize % below.max(1)
}

/// So many of `0..length`, as evenly spread as they can be, beginning anywhere.
fn spread(length: usize) -> impl Iterator<Item = usize> {
    let stride = length.div_ceil(most()).max(1);
    (random(stride)..length).step_by(stride)
}

/// Of an operation that executes the instructions at these addresses. To go step by step takes long, so each point is come
/// to by way of an address before it that is met seldom, and soon before it.
pub fn among_instructions(addresses: &[i64]) -> Vec<Point> {
    let mut met = HashMap::new();
    let times: Vec<_> = addresses
        .iter()
        .map(|address| {
            let times = met.entry(address).or_insert(0_usize);
            *times += 1;
            *times
        })
        .collect();
    let point = |at: usize| {
        let before = at.saturating_sub(REACH).max(1)..=at;
        let from = before.min_by_key(|&from| STOP * times[from] + (at - from));
        match from.filter(|&from| STOP * times[from] + (at - from) < at) {
            Some(from) => Point::Address { address: addresses[from], times: times[from], steps: at - from },
            None => Point::Steps(at),
        }
    };
    spread(addresses.len()).map(point).collect()
}

/// Of an operation that stops so often at the kernel's door: there, and at an instruction after each; more than one where
/// it seldom stops.
pub fn among_calls(stops: usize) -> Vec<Point> {
    let rounds = FEW.div_ceil(2 * stops.max(1));
    let point = |at: usize| Point::Call { stops: at / 2, steps: if at % 2 == 0 { 0 } else { random(BETWEEN_CALLS) } };
    (0..rounds).flat_map(|_| spread(2 * stops).map(point)).collect()
}

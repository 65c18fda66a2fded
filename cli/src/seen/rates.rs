//! How fast counters count: the difference of two looks.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::latency::Quantiles;
use super::{Key, Seen};

/// A connection, and how much a second it did between two looks.
#[derive(Clone, Debug)]
pub struct Rated {
    /// The later look.
    pub seen: Seen,
    /// Messages sent a second.
    pub sent: f64,
    /// Messages received a second.
    pub received: f64,
    /// Bytes sent a second.
    pub bytes_sent: f64,
    /// Bytes received a second.
    pub bytes_received: f64,
    /// How often a second there was no room.
    pub full: f64,
    /// How often a second either end slept.
    pub sleeps: f64,
    /// How often a second either end woke the peer.
    pub wakes: f64,
    /// Calls sent a second.
    pub calls: f64,
    /// Calls answered a second.
    pub served: f64,
    /// Of the calls between the looks, or of all if there were none.
    pub latency: Option<Quantiles>,
}

/// The look before this one.
#[derive(Debug, Default)]
pub struct Before {
    looked: Option<Instant>,
    seen: HashMap<Key, Seen>,
}

impl Before {
    /// Compares a look with the one before, and remembers it.
    pub fn compare(&mut self, now: Vec<Seen>) -> Vec<Rated> {
        let looked = Instant::now();
        let between = self.looked.replace(looked).map(|before| looked - before).unwrap_or_default();
        let seen = now.iter().map(|seen| (seen.key(), seen.clone())).collect();
        let before = std::mem::replace(&mut self.seen, seen);
        now.into_iter().map(|seen| Rated::new(before.get(&seen.key()), seen, between)).collect()
    }
}

impl Rated {
    fn new(before: Option<&Seen>, seen: Seen, between: Duration) -> Self {
        let (new, old) = (&seen.connection, before.map(|before| &before.connection));
        let seconds = between.as_secs_f64();
        // Of a connection that was not there before, nothing is known yet.
        let rate = |now: u64, before: Option<u64>| match before {
            Some(before) if seconds > 0.0 => now.saturating_sub(before) as f64 / seconds,
            _ => 0.0,
        };
        let calls = new.session.map(|counted| counted.calls).unwrap_or_default();
        let served = new.session.map(|counted| counted.served).unwrap_or_default();
        let session = old.and_then(|old| old.session);
        let recent = old.and_then(|old| Some(new.latency.as_ref()?.since(old.latency.as_ref()?)));
        let latency = recent.as_ref().and_then(Quantiles::of).or_else(|| new.latency.as_ref().and_then(Quantiles::of));
        Self {
            sent: rate(new.sender.messages, old.map(|old| old.sender.messages)),
            received: rate(new.receiver.messages, old.map(|old| old.receiver.messages)),
            bytes_sent: rate(new.sender.bytes, old.map(|old| old.sender.bytes)),
            bytes_received: rate(new.receiver.bytes, old.map(|old| old.receiver.bytes)),
            full: rate(new.sender.times_full, old.map(|old| old.sender.times_full)),
            sleeps: rate(
                new.sender.sleeps.wrapping_add(new.receiver.sleeps),
                old.map(|old| old.sender.sleeps.wrapping_add(old.receiver.sleeps)),
            ),
            wakes: rate(
                new.sender.wakes.wrapping_add(new.receiver.wakes),
                old.map(|old| old.sender.wakes.wrapping_add(old.receiver.wakes)),
            ),
            calls: rate(calls, session.map(|old| old.calls)),
            served: rate(served, session.map(|old| old.served)),
            latency,
            seen,
        }
    }

    /// Messages a second, both ways.
    #[must_use]
    pub fn messages(&self) -> f64 {
        self.sent + self.received
    }

    /// How full the ring is that this side sends through, from 0 to 1.
    #[must_use]
    pub fn fullness(&self) -> f64 {
        let connection = &self.seen.connection;
        if connection.ring == 0 { 0.0 } else { (connection.occupied as f64 / connection.ring as f64).min(1.0) }
    }
}

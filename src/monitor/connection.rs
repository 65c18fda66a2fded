//! What is read of one connection.

use std::ops::Range;

use crate::connection::{ReceiverCounters, SenderCounters, Side, Transport};
use crate::ledger::latency::least;
use crate::ledger::{Row, layout};
use crate::memory::Count;
use crate::os::credentials::Credentials;
use crate::session::SessionCounters;

/// A connection of a monitored process, and what its own side has counted. The words are that process's own: as true as it is
/// honest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MonitoredConnection {
    /// Tells the connections of one process apart: no other one ever has the same two numbers.
    pub id: (usize, u64),
    /// By what name or path the two found each other; empty if they did not need one.
    pub endpoint: String,
    /// What this side did to become connected.
    pub side: Option<Side>,
    /// Who is at the other end.
    pub peer: Credentials,
    /// What carries the messages.
    pub transport: Transport,
    /// Bytes of the ring that it sends through.
    pub ring: u64,
    /// Bytes of the ring that its peer sends through.
    pub peer_ring: u64,
    /// Bytes of the ring that it sends through which the peer had not given back, when it last looked. A peer gives back what it
    /// has received when there is nothing else to receive, or an eighth of the ring is to be given back.
    pub occupied: u64,
    /// What the end that sends has counted.
    pub sender: SenderCounters,
    /// What the end that receives has counted.
    pub receiver: ReceiverCounters,
    /// What a session has counted, if one is built on it.
    pub session: Option<SessionCounters>,
    /// Calls of it that had no reply yet, when it last looked; not known of a session of one thread.
    pub in_flight: Option<u64>,
    /// How long its calls took, if it records that.
    pub latency: Option<Latency>,
}

/// How many calls took how long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency(Vec<u64>);

impl Latency {
    /// The ranges, in nanoseconds, in which calls were counted, and how many, from the shortest on. A range is at most an eighth
    /// of its start wide.
    pub fn ranges(&self) -> impl Iterator<Item = (Range<u64>, u64)> {
        let counted = self.0.iter().enumerate().filter(|&(_, &calls)| calls > 0);
        counted.map(|(bucket, &calls)| (least(bucket)..least(bucket + 1), calls))
    }

    /// What was counted since an earlier look.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let before = earlier.0.iter().chain(std::iter::repeat(&0));
        Self(self.0.iter().zip(before).map(|(now, before)| now.saturating_sub(*before)).collect())
    }

    /// How many calls there are.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.0.iter().fold(0, |sum, &calls| sum.saturating_add(calls))
    }
}

/// What an entry says, whatever its words are.
///
/// # Panics
///
/// If it is no entry as [`crate::ledger::row`] reads them.
#[must_use]
pub fn understood(number: usize, row: &Row) -> MonitoredConnection {
    MonitoredConnection::new(number, row)
}

impl MonitoredConnection {
    pub(super) fn new(number: usize, row: &Row) -> Self {
        let word = |at: usize| row.words[at];
        let count = |line: usize, count: Count| word(line + count as usize);
        let known = |at: usize| u32::try_from(word(at)).ok();
        let built = |bit| word(layout::BUILT) & bit != 0;
        let (out, into) = (layout::SESSION_OUT, layout::SESSION_IN);
        Self {
            id: (number, row.generation),
            endpoint: name(row),
            side: Side::of_number(word(layout::SIDE)),
            peer: Credentials {
                pid: known(layout::PEER.start),
                uid: known(layout::PEER.start + 1),
                gid: known(layout::PEER.start + 2),
            },
            transport: if word(layout::CARRIED) == 0 { Transport::SharedMemory } else { Transport::Socket },
            ring: word(layout::RINGS.start),
            peer_ring: word(layout::RINGS.start + 1),
            occupied: word(layout::OCCUPIED),
            sender: SenderCounters {
                messages: count(layout::SENDER, Count::Messages),
                bytes: count(layout::SENDER, Count::Bytes),
                times_full: count(layout::SENDER, Count::TimesFull),
                sleeps: count(layout::SENDER, Count::Sleeps),
                wakes: count(layout::SENDER, Count::Wakes),
            },
            receiver: ReceiverCounters {
                messages: count(layout::RECEIVER, Count::Messages),
                bytes: count(layout::RECEIVER, Count::Bytes),
                sleeps: count(layout::RECEIVER, Count::Sleeps),
                wakes: count(layout::RECEIVER, Count::Wakes),
            },
            session: built(layout::BUILT_SESSION).then(|| SessionCounters {
                calls: count(out, Count::Calls),
                events: count(out, Count::Events),
                served: count(out, Count::Served),
                events_taken: count(into, Count::EventsTaken),
                late_replies: count(into, Count::LateReplies),
            }),
            in_flight: Some(word(layout::IN_FLIGHT)).filter(|&calls| calls != u64::MAX),
            latency: row.latency.clone().map(Latency),
        }
    }
}

/// A name as it may be shown: whatever stands there, nothing in it that a terminal would obey.
fn name(row: &Row) -> String {
    let bytes: Vec<u8> = row.words[layout::NAME].iter().flat_map(|word| word.to_ne_bytes()).collect();
    let length = (row.words[layout::NAME_LENGTH] as usize).min(bytes.len());
    let text = String::from_utf8_lossy(&bytes[..length]);
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

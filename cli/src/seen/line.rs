//! A connection as one flat record, for programs.

use serde::Serialize;
use twinring::SessionCounters;

use super::Seen;
use super::latency::Quantiles;

/// What `stat --json` prints of a connection; what is not known is null.
#[derive(Debug, Serialize)]
pub struct Line {
    endpoint: String,
    pid: u32,
    program: Option<String>,
    side: Option<String>,
    peer_pid: Option<u32>,
    peer_program: Option<String>,
    peer_uid: Option<u32>,
    transport: String,
    ring_bytes: u64,
    peer_ring_bytes: u64,
    occupied_bytes: u64,
    sent_messages: u64,
    sent_bytes: u64,
    sender_times_full: u64,
    sender_sleeps: u64,
    sender_wakes: u64,
    received_messages: u64,
    received_bytes: u64,
    receiver_sleeps: u64,
    receiver_wakes: u64,
    session: Option<Session>,
    latency: Option<Quantiles>,
}

#[derive(Debug, Serialize)]
struct Session {
    calls: u64,
    in_flight: Option<u64>,
    late_replies: u64,
    served: u64,
    events_sent: u64,
    events_taken: u64,
}

impl Session {
    fn new(counted: SessionCounters, in_flight: Option<u64>) -> Self {
        let SessionCounters { calls, events, served, events_taken, late_replies, .. } = counted;
        Self { calls, in_flight, late_replies, served, events_sent: events, events_taken }
    }
}

impl From<Seen> for Line {
    fn from(seen: Seen) -> Self {
        let Seen { pid, programs: [program, peer_program], connection } = seen;
        let (sender, receiver) = (connection.sender, connection.receiver);
        Self {
            pid,
            program,
            peer_program,
            side: connection.side.map(|side| side.to_string()),
            peer_pid: connection.peer.pid,
            peer_uid: connection.peer.uid,
            transport: connection.transport.to_string(),
            ring_bytes: connection.ring,
            peer_ring_bytes: connection.peer_ring,
            occupied_bytes: connection.occupied,
            sent_messages: sender.messages,
            sent_bytes: sender.bytes,
            sender_times_full: sender.times_full,
            sender_sleeps: sender.sleeps,
            sender_wakes: sender.wakes,
            received_messages: receiver.messages,
            received_bytes: receiver.bytes,
            receiver_sleeps: receiver.sleeps,
            receiver_wakes: receiver.wakes,
            session: connection.session.map(|counted| Session::new(counted, connection.in_flight)),
            latency: connection.latency.as_ref().and_then(Quantiles::of),
            endpoint: connection.endpoint,
        }
    }
}

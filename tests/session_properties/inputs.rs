//! Random headers.

use proptest::prelude::*;
use twinring::session::header::{Header, Kind, LARGEST_ID, Part, Status};

pub fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

pub const STATUSES: [Status; 7] = [
    Status::Ok,
    Status::NoSelector,
    Status::Failed,
    Status::TooLarge,
    Status::Refused,
    Status::Overloaded,
    Status::NotAnswered,
];

/// A kind of message that may come in fragments.
pub fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Call), Just(Kind::Event), prop::sample::select(&STATUSES[..]).prop_map(Kind::Reply)]
}

/// An id: a small one most often.
pub fn id() -> impl Strategy<Value = u64> {
    prop_oneof![3 => 0u64..4, 1 => 0..=LARGEST_ID, 1 => Just(LARGEST_ID)]
}

/// A header that an honest peer may write.
pub fn header() -> impl Strategy<Value = Header> {
    let part = prop_oneof![Just(Part::First), Just(Part::Later), Just(Part::Abort)];
    let message = (kind(), part, id(), any::<u32>(), any::<u32>()).prop_map(|(kind, part, id, selector, remaining)| {
        let selector = if matches!(kind, Kind::Reply(_)) { 0 } else { selector };
        Header { kind, part, id, selector, remaining: if part == Part::Abort { 0 } else { remaining } }
    });
    prop_oneof![8 => message, 1 => Just(Header::whole(Kind::Hello, 0, 0))]
}

//! Several lies at once, at any reads, of any kinds.

use std::collections::BTreeMap;

use proptest::collection::btree_map;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::campaign::Scenario;
use crate::lies::Lie;
use crate::stage::{Plan, Stage};
use crate::{reading, receiving, ringing, sending, sleeping, writing};

/// As many, of each kind of scenario; `TWINRING_MIXTURES` says how many else.
const CASES: u32 = 3000;

/// No scenario reads more in an honest run.
const READS: usize = 150;

fn lie() -> impl Strategy<Value = Lie> {
    prop_oneof![
        4 => (0u8..5, prop_oneof![Just(0u16), 0u16..=80]).prop_map(|(kind, length)| Lie::Header { kind, length }),
        3 => (0u64..8, 0u64..24).prop_map(|(bits, number)| Lie::Word(bits << 32 | number)),
        3 => (-20i8..=20).prop_map(Lie::Near),
        2 => any::<u8>().prop_map(Lie::Bit),
        1 => any::<u64>().prop_map(Lie::Word),
    ]
}

fn lies() -> impl Strategy<Value = BTreeMap<usize, Lie>> {
    // Most reads are early ones.
    let at = prop_oneof![3 => 0..20_usize, 1 => 0..READS];
    btree_map(at, lie(), 2..12)
}

fn assert_survived(scenarios: &[Scenario]) {
    let cases = std::env::var("TWINRING_MIXTURES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(which: Index, lies in lies())| {
        let scenario = which.get(scenarios);
        let stage = Stage::new(Plan::Many(lies));
        let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (scenario.play)(&stage)));
        prop_assert!(played.is_ok(), "{}", scenario.name);
    });
}

#[test]
fn an_end_of_a_ring_survives_several_lies() {
    assert_survived(&[reading::scenarios(), writing::scenarios()].into_iter().flatten().collect::<Vec<_>>());
}

#[test]
fn a_side_of_a_doorbell_survives_several_lies() {
    assert_survived(&[ringing::scenarios(), sleeping::scenarios()].into_iter().flatten().collect::<Vec<_>>());
}

#[test]
fn an_end_of_a_direction_survives_several_lies() {
    assert_survived(&[receiving::scenarios(), sending::scenarios()].into_iter().flatten().collect::<Vec<_>>());
}

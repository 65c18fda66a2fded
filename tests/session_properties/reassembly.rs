//! Messages from fragments: any interleaving of honest ones gives the right messages, and one wrong word is found out.

#[path = "../../fuzz/src/fragments.rs"]
mod fragments;

use proptest::prelude::*;
use proptest::sample::Index;
use twinring::session::header::{Header, Kind, Part};
use twinring::session::hello::Hello;
use twinring::session::reassembly::Reassembly;

use super::inputs::{cases, kind};
use fragments::{Came, Model};

const LARGEST: u64 = 5000;

/// A message and where it is cut.
#[derive(Clone, Debug)]
struct Cut {
    kind: Kind,
    selector: u32,
    payload: Vec<u8>,
    ends: Vec<usize>,
    given_up: bool,
}

fn cut() -> impl Strategy<Value = Cut> {
    let length = prop_oneof![1 => Just(0), 4 => 1..200_usize, 1 => 1..LARGEST as usize, 1 => Just(LARGEST as usize)];
    let ends = prop::collection::vec(any::<Index>(), 0..6);
    (kind(), 0u32..4, length, ends, any::<u8>(), prop::bool::weighted(0.1)).prop_map(
        |(kind, selector, length, ends, byte, given_up)| {
            let mut ends: Vec<_> = ends.iter().filter(|_| length > 0).map(|end| 1 + end.index(length)).collect();
            ends.push(length);
            ends.sort_unstable();
            ends.dedup();
            let selector = if matches!(kind, Kind::Reply(_)) { 0 } else { selector };
            let payload = (0..length).map(|at| (at * 7) as u8 ^ byte).collect();
            Cut { kind, selector, payload, ends, given_up }
        },
    )
}

/// The frames of message number `number`.
fn frames(number: usize, cut: &Cut) -> Vec<(Header, Vec<u8>)> {
    let mut start = 0;
    let mut frames: Vec<_> = cut
        .ends
        .iter()
        .map(|&end| {
            let part = if start == 0 { Part::First } else { Part::Later };
            let header = Header {
                kind: cut.kind,
                part,
                id: number as u64,
                selector: cut.selector,
                remaining: (cut.payload.len() - end) as u32,
            };
            let frame = (header, cut.payload[start..end].to_vec());
            start = end;
            frame
        })
        .collect();
    if cut.given_up && frames.len() > 1 {
        let (last, _) = frames.pop().expect("a last frame");
        frames.push((Header { part: Part::Abort, remaining: 0, ..last }, Vec::new()));
    }
    frames
}

/// All frames, those of a message in their order, of others in between.
fn interleaved(cuts: &[Cut], order: &[Index]) -> Vec<(usize, Header, Vec<u8>)> {
    let mut left: Vec<_> =
        cuts.iter().enumerate().map(|(number, cut)| (number, frames(number, cut).into_iter())).collect();
    let mut order = order.iter().cycle();
    let mut all = Vec::new();
    while !left.is_empty() {
        let chosen = order.next().expect("an order").index(left.len());
        let (number, frames) = &mut left[chosen];
        match frames.next() {
            Some((header, payload)) => all.push((*number, header, payload)),
            None => drop(left.swap_remove(chosen)),
        }
    }
    all
}

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Part(Part),
    Remaining(i8),
    Id(u64),
    Selector,
    Longer,
    Shorter,
    Kind(Kind),
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        prop_oneof![Just(Part::First), Just(Part::Later), Just(Part::Abort)].prop_map(Fault::Part),
        any::<i8>().prop_map(Fault::Remaining),
        (0u64..12).prop_map(Fault::Id),
        Just(Fault::Selector),
        Just(Fault::Longer),
        Just(Fault::Shorter),
        kind().prop_map(Fault::Kind),
    ]
}

impl Fault {
    fn apply(self, header: &mut Header, payload: &mut Vec<u8>) {
        match self {
            Self::Part(part) => header.part = part,
            Self::Remaining(change) => header.remaining = header.remaining.wrapping_add_signed(change.into()),
            Self::Id(id) => header.id = id,
            Self::Selector => header.selector ^= 1,
            Self::Longer => payload.push(0),
            Self::Shorter => drop(payload.pop()),
            Self::Kind(kind) => header.kind = kind,
        }
    }
}

fn accepted(open: u32) -> Hello {
    Hello { calls: 1, open, largest: LARGEST }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn honest_fragments_give_the_right_messages(
        cuts in prop::collection::vec(cut(), 1..8),
        order in prop::collection::vec(any::<Index>(), 1..40),
    ) {
        let (mut reassembly, mut model) = (Reassembly::new(accepted(8)), Model::new(accepted(8)));
        let mut complete = vec![false; cuts.len()];
        for (number, header, payload) in interleaved(&cuts, &order) {
            match model.check(&mut reassembly, &header, &payload) {
                Came::Complete(message) => {
                    prop_assert_eq!(&message, &cuts[number].payload);
                    complete[number] = true;
                }
                Came::Lie => prop_assert!(false, "honest, and refused: {:?}", header),
                Came::Part | Came::GivenUp(_) => {}
            }
        }
        for (complete, cut) in complete.iter().zip(&cuts) {
            prop_assert_eq!(*complete, !(cut.given_up && cut.ends.len() > 1));
        }
        prop_assert_eq!((reassembly.under_way(), reassembly.held()), (0, 0));
    }

    #[test]
    fn one_wrong_frame_is_handled_by_the_rules(
        cuts in prop::collection::vec(cut(), 1..6),
        order in prop::collection::vec(any::<Index>(), 1..40),
        at: Index,
        fault in fault(),
        open in 1u32..8,
    ) {
        let (mut reassembly, mut model) = (Reassembly::new(accepted(open)), Model::new(accepted(open)));
        let mut frames = interleaved(&cuts, &order);
        let at = at.index(frames.len());
        let (_, header, payload) = &mut frames[at];
        fault.apply(header, payload);
        for (_, header, payload) in frames {
            // The model says what is to come of it; after the first lie nothing counts.
            if model.check(&mut reassembly, &header, &payload) == Came::Lie {
                break;
            }
        }
    }

    #[test]
    fn more_messages_than_agreed_are_a_lie(open in 1u32..=64) {
        let mut reassembly = Reassembly::new(accepted(open));
        for id in 0..u64::from(open) {
            let header = Header { remaining: 1, ..Header::whole(Kind::Event, id, 0) };
            prop_assert!(reassembly.place(&header, 1, Vec::new).is_ok());
        }
        let header = Header { remaining: 1, ..Header::whole(Kind::Event, open.into(), 0) };
        prop_assert!(reassembly.place(&header, 1, Vec::new).is_err());
    }
}

#[test]
fn a_fragment_names_the_selector_of_its_message() {
    for (selector, honest) in [(6, false), (7, true), (8, false)] {
        let mut reassembly = Reassembly::new(accepted(1));
        let first = Header { remaining: 1, ..Header::whole(Kind::Event, 1, 7) };
        assert!(reassembly.place(&first, 1, Vec::new).is_ok());
        let last = Header { part: Part::Later, selector, remaining: 0, ..first };
        assert_eq!(reassembly.place(&last, 1, Vec::new).is_ok(), honest, "{selector}");
    }
}

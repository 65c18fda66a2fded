//! The header of a message, against the table of its bits.

use proptest::prelude::*;
use twinring::session::header::{Header, Kind, LARGEST_ID, Part, Status};

use super::inputs::{STATUSES, cases, header};

/// The table, read by somebody else.
fn said([first, second]: [u64; 2]) -> Option<Header> {
    let (kind, part, reserved, status, id) =
        (first & 15, first >> 4 & 3, first >> 6 & 3, (first >> 8 & 255) as usize, first >> 16);
    let (selector, remaining) = (second as u32, (second >> 32) as u32);
    let part = [Part::Later, Part::First, Part::Abort].get(part as usize).copied()?;
    let kind = match (kind, status) {
        (1, 0) if id == 0 && part == Part::First && remaining == 0 => Kind::Hello,
        (2, 0) => Kind::Call,
        (3, status) => Kind::Reply(*STATUSES.get(status)?),
        (4, 0) => Kind::Event,
        _ => return None,
    };
    let selects = matches!(kind, Kind::Call | Kind::Event);
    let honest = reserved == 0 && (selects || selector == 0) && (part != Part::Abort || remaining == 0);
    honest.then_some(Header { kind, part, id, selector, remaining })
}

/// Words that are nearly honest, most often.
fn words() -> impl Strategy<Value = [u64; 2]> {
    let near = (header(), 0u32..128).prop_map(|(header, bit)| {
        let mut words = header.words();
        words[bit as usize / 64] ^= 1 << (bit % 64);
        words
    });
    prop_oneof![2 => header().prop_map(Header::words), 4 => near, 1 => any::<[u64; 2]>()]
}

proptest! {
    #![proptest_config(cases(10_000))]

    #[test]
    fn a_header_comes_back(header in header()) {
        prop_assert_eq!(Header::parse(header.words()), Ok(header));
        let bytes = header.bytes();
        let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("a word"));
        prop_assert_eq!([word(0), word(8)], header.words());
    }

    #[test]
    fn a_header_is_what_the_table_says(words in words()) {
        check(words)?;
    }
}

fn check(words: [u64; 2]) -> Result<(), TestCaseError> {
    match Header::parse(words) {
        Ok(header) => {
            prop_assert_eq!(Some(header), said(words));
            prop_assert_eq!(header.words(), words);
        }
        Err(corrupt) => {
            prop_assert_eq!(None, said(words));
            prop_assert!(!(corrupt.least..=corrupt.most).contains(&corrupt.seen), "{}", corrupt);
        }
    }
    Ok(())
}

/// Honest headers whose fields are the least or the most that they may be.
fn extremes() -> impl Iterator<Item = Header> {
    let kinds = [Kind::Call, Kind::Event, Kind::Reply(Status::Ok), Kind::Reply(Status::NotAnswered)];
    let parts = kinds.into_iter().flat_map(|kind| [Part::First, Part::Later, Part::Abort].map(|part| (kind, part)));
    let messages = parts.flat_map(|(kind, part)| {
        let selectors = if matches!(kind, Kind::Reply(_)) { [0, 0] } else { [0, u32::MAX] };
        let rests = if part == Part::Abort { [0, 0] } else { [0, u32::MAX] };
        let ends = [0, 1].into_iter().flat_map(move |id| selectors.map(|selector| (id * LARGEST_ID, selector)));
        ends.flat_map(move |(id, selector)| rests.map(|remaining| Header { kind, part, id, selector, remaining }))
    });
    messages.chain([Header::whole(Kind::Hello, 0, 0)])
}

#[test]
fn each_bit_of_a_header_at_its_limits_counts() {
    for header in extremes() {
        let words = header.words();
        check(words).expect("by the table");
        for bit in 0..128 {
            let mut wrong = words;
            wrong[bit / 64] ^= 1 << (bit % 64);
            check(wrong).unwrap_or_else(|error| panic!("{header:?}, bit {bit}: {error}"));
        }
    }
}

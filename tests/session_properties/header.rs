//! The header of a message, against the table of its bits.

use proptest::prelude::*;
use twinring::session::header::{Header, Kind, Part};

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
    }
}

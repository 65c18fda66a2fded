//! The header word of a frame, against the table of its bits.

use proptest::prelude::*;
use twinring::ring::{Header, Kind};

use super::inputs::cases;

fn reserved() -> impl Strategy<Value = u64> {
    prop_oneof![4 => Just(0), 1 => (0u32..24).prop_map(|bit| 1 << bit), 1 => 0u64..1 << 24]
}

fn length() -> impl Strategy<Value = u64> {
    prop_oneof![2 => Just(0), 3 => 0u64..=64, 1 => any::<u32>().prop_map(u64::from), 1 => Just(u32::MAX.into())]
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn a_header_is_what_the_table_says(kind in 0u64..=5, reserved in reserved(), length in length(), largest in length()) {
        let word = reserved << 40 | kind << 32 | length;
        let expected = match (reserved, kind, length) {
            (0, 1, length) if length <= largest => Some(Kind::Data(length as usize)),
            (0, 2, 0) => Some(Kind::Skip),
            (0, 3, 0) => Some(Kind::Fin),
            _ => None,
        };
        match Header::parse(word, largest as usize) {
            Ok(parsed) => assert_eq!(Some(parsed), expected),
            Err(corrupt) => {
                assert_eq!(None, expected);
                assert!(!(corrupt.least..=corrupt.most).contains(&corrupt.seen), "{corrupt}");
            }
        }
    }

    #[test]
    fn any_word_is_parsed_or_refused(word: u64, largest: u32) {
        match Header::parse(word, largest as usize) {
            Ok(Kind::Data(length)) => assert_eq!(Header::data(length).word(), word),
            Ok(Kind::Skip) => assert_eq!(word, 2 << 32),
            Ok(Kind::Fin) => assert_eq!(word, 3 << 32),
            Err(corrupt) => assert!(!(corrupt.least..=corrupt.most).contains(&corrupt.seen), "{corrupt}"),
        }
    }

    #[test]
    fn a_header_comes_back(length in length(), more: u32) {
        let word = Header::data(length as usize).word();
        let largest = length.saturating_add(more.into()) as usize;
        assert_eq!(Header::parse(word, largest), Ok(Kind::Data(length as usize)));
    }
}

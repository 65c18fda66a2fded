//! The first message of a side, against the table of its bytes.

use proptest::prelude::*;
use twinring::session::hello::{Hello, LARGEST, LENGTH, MOST_CALLS, MOST_OPEN};

use super::inputs::cases;

fn hello() -> impl Strategy<Value = Hello> {
    (1..=MOST_CALLS, 1..=MOST_OPEN, 1..=LARGEST).prop_map(|(calls, open, largest)| Hello { calls, open, largest })
}

fn honest(bytes: &[u8]) -> bool {
    let Ok(bytes) = <[u8; LENGTH]>::try_from(bytes) else { return false };
    let short = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
    let largest = u64::from_le_bytes(bytes[16..].try_into().expect("8 bytes"));
    short(0) == 1
        && (1..=4096).contains(&short(4))
        && (1..=64).contains(&short(8))
        && short(12) == 0
        && (1..1 << 32).contains(&largest)
}

proptest! {
    #![proptest_config(cases(5000))]

    #[test]
    fn a_hello_comes_back(hello in hello()) {
        prop_assert_eq!(Hello::parse(&hello.bytes()), Ok(hello));
    }

    #[test]
    fn a_hello_is_what_the_table_says(hello in hello(), at in 0..LENGTH, byte: u8, length in 0..=2 * LENGTH) {
        let mut bytes = hello.bytes().to_vec();
        bytes[at] = byte;
        check(&bytes)?;
        bytes.resize(length, byte);
        check(&bytes)?;
    }

    #[test]
    fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        check(&bytes)?;
    }
}

fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    match Hello::parse(bytes) {
        Ok(hello) => {
            prop_assert!(honest(bytes));
            prop_assert_eq!(&hello.bytes()[..], bytes);
        }
        Err(corrupt) => {
            prop_assert!(!honest(bytes), "{} refused: {}", bytes.len(), corrupt);
            prop_assert!(!(corrupt.least..=corrupt.most).contains(&corrupt.seen), "{}", corrupt);
        }
    }
    Ok(())
}

#[test]
fn the_bounds_of_a_hello_are_those_of_the_table() {
    let hello = Hello { calls: 1, open: 1, largest: 1 }.bytes();
    for length in [LENGTH - 1, LENGTH, LENGTH + 1] {
        let mut bytes = hello.to_vec();
        bytes.resize(length, 0);
        check(&bytes).expect("by the table");
    }
    for (at, length, bound) in
        [(0, 4, 1), (4, 4, 1), (4, 4, 4096), (8, 4, 1), (8, 4, 64), (12, 4, 0), (16, 8, 1), (16, 8, LARGEST)]
    {
        for number in [bound.saturating_sub(1), bound, bound + 1] {
            let mut bytes = hello;
            bytes[at..at + length].copy_from_slice(&number.to_le_bytes()[..length]);
            check(&bytes).unwrap_or_else(|error| panic!("{number} at {at}: {error}"));
        }
    }
}

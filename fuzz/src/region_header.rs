//! What a peer announces of its half, and the header that stands there.

use std::cell::RefCell;

use arbitrary::{Arbitrary, Unstructured};
use twinring::region::Half;
use twinring::ring::Corrupt;

use super::lies::Lie;
use super::oracle::assert_explains;

const PAGE: u64 = 4096;
const HUGE_PAGE: u64 = 2 << 20;
const LARGEST: u64 = 256 << 20;

#[derive(Debug, Arbitrary)]
struct Input {
    /// What the peer would like.
    ring: u64,
    huge: bool,
    /// What it says instead.
    bytes: Lie,
    announced: Lie,
    /// The largest ring accepted here: this power of two.
    largest: u8,
    header: [Lie; 8],
}

/// An honest half passes; of a lying one only what fits into the limits, and whose header says word for word what was
/// announced, each word read once.
pub fn region_header(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let honest = Half::with_ring(input.ring, if input.huge { HUGE_PAGE } else { PAGE });
    assert!(honest.ring >= input.ring.min(LARGEST) && honest.bytes % PAGE == 0);
    check_announced(honest, LARGEST);
    assert!(honest.check(LARGEST).is_ok());
    let half = Half { bytes: input.bytes.instead_of(honest.bytes), ring: input.announced.instead_of(honest.ring) };
    check_announced(half, PAGE << (input.largest % 17));
    check_header(honest, input.header);
}

fn check_announced(half: Half, largest: u64) {
    let ring = half.ring.is_power_of_two() && (PAGE..=largest).contains(&half.ring);
    let least = PAGE.saturating_add(half.ring);
    let expected = ring && (least..least.saturating_add(HUGE_PAGE)).contains(&half.bytes);
    match half.check(largest) {
        Ok(checked) => {
            assert!(expected && checked == half, "{half:?} was accepted");
            let geometry = half.geometry();
            assert_eq!(geometry.capacity() * 8, half.ring);
            assert!(geometry.largest_payload() as u64 <= half.ring / 2);
        }
        Err(corrupt) => {
            assert!(!expected, "{half:?} was refused: {corrupt}");
            assert_names_what_was_seen(corrupt, half);
        }
    }
}

fn assert_names_what_was_seen(corrupt: Corrupt, half: Half) {
    assert!([half.bytes, half.ring].contains(&corrupt.seen), "{corrupt}");
    // That a number is no power of two can't be said by two limits alone.
    if half.ring.is_power_of_two() {
        assert_explains(corrupt);
    }
}

/// The header of a half, by the table of the protocol.
fn header(half: Half) -> [u64; 8] {
    let magic = u64::from_le_bytes(*b"twinring");
    [magic, 0x0102_0304 << 32 | 1, half.bytes, PAGE, half.ring, half.ring / 8, 0, 0]
}

fn check_header(half: Half, lies: [Lie; 8]) {
    let honest = header(half);
    assert_eq!(half.check_header(|word| honest[word]), Ok(()));
    let read = RefCell::new(Vec::new());
    let shown: Vec<_> = lies.iter().zip(honest).map(|(lie, honest)| lie.instead_of(honest)).collect();
    let result = half.check_header(|word| {
        read.borrow_mut().push(word);
        shown[word]
    });
    let first_lie = (0..8).find(|&word| shown[word] != honest[word]);
    let expected: Vec<_> = (0..8).take(first_lie.map_or(8, |word| word + 1)).collect();
    assert_eq!(*read.borrow(), expected, "each word once, up to the first lie");
    match (first_lie, result) {
        (None, Ok(())) => {}
        (Some(word), Err(corrupt)) if corrupt.seen == shown[word] => assert_explains(corrupt),
        (lie, result) => panic!("{result:?}, the first lie is {lie:?}"),
    }
}

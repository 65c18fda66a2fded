//! What a peer may announce of its half: every bound, and one less and one more.

use twinring::Corrupt;
use twinring::region::{Half, LARGEST_RING, RING_OFFSET, SMALLEST_RING};

const WORDS: u64 = RING_OFFSET as u64;
const HUGE_PAGE: u64 = 2 * 1024 * 1024;

fn half(bytes: u64, ring: u64) -> Half {
    Half { bytes, ring }
}

#[test]
fn a_ring_has_a_size_within_both_sides_limits() {
    let of = |ring| half(WORDS + ring, ring).check(1 << 20);
    let refused = |ring| {
        let Corrupt { what, seen, least, most } = of(ring).expect_err("a size that is refused");
        assert_eq!((seen, least, most), (ring, SMALLEST_RING, 1 << 20));
        what
    };
    assert_eq!(of(SMALLEST_RING), Ok(half(WORDS + SMALLEST_RING, SMALLEST_RING)));
    assert_eq!(of(1 << 20), Ok(half(WORDS + (1 << 20), 1 << 20)));
    for ring in [0, SMALLEST_RING / 2, SMALLEST_RING - 1, (1 << 20) + 1, 1 << 21] {
        assert_eq!(refused(ring), "the size of a ring", "{ring}");
    }
    for ring in [SMALLEST_RING + 1, (1 << 20) - 1, 3 << 12] {
        assert_eq!(refused(ring), "the size of a ring, a power of two", "{ring}");
    }
}

#[test]
fn a_half_ends_with_its_ring_or_less_than_a_huge_page_later() {
    let of = |bytes| half(bytes, 1 << 16).check(LARGEST_RING);
    let (least, most) = (WORDS + (1 << 16), WORDS + (1 << 16) + HUGE_PAGE - 1);
    for bytes in [least, least + 1, most] {
        assert_eq!(of(bytes), Ok(half(bytes, 1 << 16)));
    }
    for seen in [0, least - 1, most + 1, u64::MAX] {
        assert_eq!(of(seen), Err(Corrupt { what: "the size of a half", seen, least, most }));
    }
}

#[test]
fn a_half_that_is_not_shared_has_no_size_and_a_ring_within_the_limits() {
    assert_eq!(half(0, 1 << 16).check_carried(1 << 16), Ok(half(WORDS + (1 << 16), 1 << 16)));
    assert_eq!(half(1, 1 << 16).check_carried(1 << 16).map_err(|corrupt| corrupt.seen), Err(1));
    for ring in [0, SMALLEST_RING - 1, (1 << 16) + 1, 1 << 17, u64::MAX] {
        assert_eq!(half(0, ring).check_carried(1 << 16).map_err(|corrupt| corrupt.seen), Err(ring));
    }
}

/// Each word of a header, by itself: what it must be, and the values beside that.
#[test]
fn every_word_of_a_header_is_what_it_must_be() {
    let shape = half(WORDS + (1 << 16), 1 << 16);
    let order_and_version = 0x0102_0304 << 32 | u64::from(twinring::region::VERSION);
    let header = [twinring::region::MAGIC, order_and_version, shape.bytes, WORDS, 1 << 16, 1 << 13, 0, 0];
    assert_eq!(shape.check_header(|word| header[word]), Ok(()));
    for lie in 0..header.len() {
        for seen in [header[lie] + 1, header[lie].wrapping_sub(1), !header[lie]] {
            let checked = shape.check_header(|word| if word == lie { seen } else { header[word] });
            let corrupt = checked.expect_err("a word that is refused");
            assert_eq!((corrupt.seen, corrupt.least, corrupt.most), (seen, header[lie], header[lie]), "word {lie}");
        }
    }
}

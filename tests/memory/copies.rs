//! Copies out of a mapping are of the bytes that were asked for, at every offset and of every length.

use twinring::memory::{Foreign, Mapped, Memory};

const BYTES: usize = 256;

#[test]
fn whatever_is_copied_out_is_what_was_copied_in() {
    let own = Mapped::private(BYTES).expect("a page");
    let all: Vec<u8> = (0..BYTES).map(|at| at as u8 ^ 0x5a).collect();
    own.copy_in(0, &all);
    let foreign = Foreign::new(Mapped::clone(&own));
    for offset in 0..80 {
        for length in 0..=BYTES - offset {
            let mut to = vec![0xee; length + 1];
            foreign.copy_out(offset, &mut to[..length]);
            assert_eq!(to[..length], all[offset..offset + length], "{length} bytes at {offset}");
            assert_eq!(to[length], 0xee, "more than {length} bytes at {offset}");
        }
    }
}

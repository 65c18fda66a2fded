//! Messages whose length is part of their type, for libraries whose rings are made of elements.

use twinring_cli::failure::Failure;

use crate::name::CAPACITY;

/// Calls a generic function with a length that is only known when it runs.
macro_rules! of_size {
    ($size:expr, $function:ident($($argument:expr),*)) => {
        match $size {
            8 => $function::<8>($($argument),*),
            56 => $function::<56>($($argument),*),
            64 => $function::<64>($($argument),*),
            256 => $function::<256>($($argument),*),
            1_024 => $function::<1_024>($($argument),*),
            4_096 => $function::<4_096>($($argument),*),
            16_384 => $function::<16_384>($($argument),*),
            65_536 => $function::<65_536>($($argument),*),
            _ => Err($crate::fixed::unknown()),
        }
    };
}

pub(crate) use of_size;

#[cold]
pub fn unknown() -> Failure {
    Failure::new("its elements are built for 8, 56, 64, 256, 1024, 4096, 16384 and 65536 bytes")
}

/// How many elements hold as many bytes as a ring of ours.
pub const fn slots(size: usize) -> usize {
    1 << (CAPACITY / size).ilog2()
}

/// A confirmation is shorter than the messages that it confirms.
#[cold]
pub fn padded<const N: usize>(payload: &[u8]) -> [u8; N] {
    let mut element = [0; N];
    element[..payload.len()].copy_from_slice(payload);
    element
}

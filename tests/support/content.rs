//! Messages that say which they are, so that a lost, repeated, reordered or torn one shows.
#![allow(dead_code, reason = "each test binary uses what it needs of it")]

/// No message of [`fill`] is longer.
pub const LONGEST: usize = 8 + 700;

/// Makes message number `number`: the number, then bytes that depend on it, of a length that does too.
pub fn fill(number: u64, message: &mut Vec<u8>) {
    message.clear();
    message.extend_from_slice(&number.to_le_bytes());
    let length = 8 + (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % (LONGEST - 8);
    message.extend((8..length).map(|at| (number as usize * 31 + at) as u8));
}

/// Whether `message` is message number `number`, whole.
pub fn is(number: u64, message: &[u8], scratch: &mut Vec<u8>) -> bool {
    fill(number, scratch);
    message == scratch
}

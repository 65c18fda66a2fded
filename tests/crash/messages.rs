//! Messages of any length that say which they are, so that a lost, repeated, reordered or torn one shows.

/// Message `number`, `length` bytes long, which are 8 at least.
pub fn message(number: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    fill(number, &mut bytes);
    bytes
}

fn fill(number: u64, bytes: &mut [u8]) {
    let length = bytes.len() as u64;
    for (at, chunk) in bytes.chunks_mut(8).enumerate() {
        let word = number ^ (at as u64).wrapping_mul(length.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
    }
}

/// Whether this is message `number`, whole.
pub fn is(number: u64, bytes: &[u8]) -> bool {
    bytes == message(number, bytes.len())
}

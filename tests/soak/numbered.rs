//! Messages that say which they are: the number, then words that depend on it, in a length that does too.

/// No message is longer; nearly all are far shorter.
pub const LONGEST: usize = 16 << 10;

/// A number that depends on all bits of another one (the finaliser of SplitMix64).
pub fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

/// How long message `number` is, in bytes.
pub fn length(number: u64) -> usize {
    let random = mixed(number) as usize;
    let longest = match random % 1000 {
        0 => LONGEST,
        1..10 => 1 << 10,
        10..100 => 256,
        _ => 64,
    };
    8 + (random >> 16) % (longest - 7)
}

/// Writes message `number` to the front of `to`; its length.
pub fn write(number: u64, to: &mut [u8]) -> usize {
    let length = length(number);
    let mut word = number;
    for chunk in to[..length].chunks_mut(8) {
        chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
        word = word.wrapping_mul(5).wrapping_add(number | 1);
    }
    length
}

/// Fails unless `message` is message `number`, whole.
#[track_caller]
pub fn check(number: u64, message: &[u8]) {
    assert_eq!(message.len(), length(number), "the length of message {number}, which begins {:x?}", first(message));
    let mut word = number;
    for (at, chunk) in message.chunks(8).enumerate() {
        assert!(
            chunk == &word.to_le_bytes()[..chunk.len()],
            "word {at} of message {number} is {chunk:x?}, not {word:x}"
        );
        word = word.wrapping_mul(5).wrapping_add(number | 1);
    }
}

fn first(message: &[u8]) -> &[u8] {
    &message[..message.len().min(8)]
}

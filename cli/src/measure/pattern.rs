//! What the payloads say: each message differs from every other in every word.

use super::clock;
use crate::failure::Failure;

/// The number of the message that ends a run.
pub const STOP: u64 = u64::MAX;

/// Set in the number of a message whose answer begins with the time at which it came.
pub const TIMED: u64 = 1 << 63;

/// The shortest payload that carries a number.
pub const SHORTEST: usize = WORD;

const WORD: usize = size_of::<u64>();

/// What makes a number differ from its neighbours in every byte, and a word from the next one.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Writes every byte of message `number`.
#[inline]
pub fn write(payload: &mut [u8], number: u64) {
    let mut word = number.wrapping_mul(SPREAD);
    let mut chunks = payload.chunks_exact_mut(WORD);
    for chunk in &mut chunks {
        chunk.copy_from_slice(&word.to_le_bytes());
        word = word.wrapping_add(SPREAD);
    }
    let rest = chunks.into_remainder();
    rest.copy_from_slice(&word.to_le_bytes()[..rest.len()]);
    set(payload, 0, number);
}

/// Compares every byte with message `number`; `scratch` is as long as the payload.
///
/// # Errors
///
/// Which message came instead, or where it differs.
pub fn check(payload: &[u8], number: u64, scratch: &mut [u8]) -> Result<(), Failure> {
    write(scratch, number);
    same(scratch, payload)
}

/// Compares every byte of what was expected with what came.
///
/// # Errors
///
/// Where they differ.
#[inline]
pub fn same(expected: &[u8], came: &[u8]) -> Result<(), Failure> {
    if expected == came { Ok(()) } else { Err(difference(expected, came)) }
}

#[cold]
fn difference(expected: &[u8], came: &[u8]) -> Failure {
    if expected.len() != came.len() {
        return Failure::new(format!("expected a message of {} bytes, {} came", expected.len(), came.len()));
    }
    let at = expected.iter().zip(came).position(|(one, other)| one != other).unwrap_or(0);
    let (wanted, got) = (number(expected), number(came));
    Failure::new(format!(
        "message {wanted} came wrong: byte {at} is {:#04x}, expected {:#04x} (the message says that it is {got})",
        came[at], expected[at]
    ))
}

/// Writes the number at both ends of a payload, and leaves what lies between.
#[inline]
pub fn stamp(payload: &mut [u8], number: u64) {
    set(payload, 0, number);
    set(payload, payload.len() - WORD, number);
}

/// Whether the number stands at both ends.
#[inline]
pub fn is_stamped(payload: &[u8], number: u64) -> bool {
    get(payload, 0) == number && get(payload, payload.len() - WORD) == number
}

/// Makes of a message the answer to it: the same, but for the time at which it came, if that is wanted.
#[inline]
pub fn answer(payload: &mut [u8]) {
    let number = number(payload);
    if number & TIMED != 0 && number != STOP {
        set(payload, 0, clock::now());
    }
}

/// The bytes behind the number of a message.
pub fn behind(payload: &[u8]) -> &[u8] {
    &payload[WORD..]
}

/// The number of a message.
#[inline]
pub fn number(payload: &[u8]) -> u64 {
    get(payload, 0)
}

#[inline]
fn set(payload: &mut [u8], at: usize, value: u64) {
    payload[at..at + WORD].copy_from_slice(&value.to_le_bytes());
}

#[inline]
fn get(payload: &[u8], at: usize) -> u64 {
    let mut word = [0; WORD];
    word.copy_from_slice(&payload[at..at + WORD]);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_any_byte_is_seen() {
        for size in [8, 9, 64, 100] {
            let mut payload = vec![0; size];
            write(&mut payload, 7);
            check(&payload, 7, &mut vec![0; size]).unwrap();
            for at in 0..size {
                let mut changed = payload.clone();
                changed[at] ^= 1;
                assert!(check(&changed, 7, &mut vec![0; size]).is_err(), "byte {at} of {size}");
            }
        }
    }

    #[test]
    fn the_message_before_is_told_from_this_one_in_every_word() {
        let (mut one, mut other) = (vec![0; 64], vec![0; 64]);
        write(&mut one, 41);
        write(&mut other, 42);
        assert!(one.chunks(8).zip(other.chunks(8)).all(|(one, other)| one != other));
    }

    #[test]
    fn a_difference_says_where_and_what() {
        let (mut one, mut other) = (vec![0; 16], vec![0; 16]);
        write(&mut one, 5);
        write(&mut other, 5);
        other[9] = !one[9];
        let said = same(&one, &other).unwrap_err().to_string();
        assert!(said.starts_with("message 5 came wrong: byte 9 is"), "{said}");
        assert_eq!(same(&one, &other[..8]).unwrap_err().to_string(), "expected a message of 16 bytes, 8 came");
    }

    #[test]
    fn stamps_stand_at_both_ends() {
        let mut payload = vec![0; 24];
        stamp(&mut payload, 3);
        assert!(is_stamped(&payload, 3) && !is_stamped(&payload, 4));
        payload[23] = 1;
        assert!(!is_stamped(&payload, 3));
    }
}

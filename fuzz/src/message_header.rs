//! The header of a session's message, and its hello.

use twinring::session::header::{Header, Kind, LENGTH, Part, Status};
use twinring::session::hello::Hello;

/// `Header::parse` accepts what the table of bits allows and nothing else, and what it accepts is written back as the same
/// words; so with the hello.
pub fn message_header(data: &[u8]) {
    if let Some((bytes, rest)) = data.split_at_checked(LENGTH) {
        check_header(std::array::from_fn(|word| number(&bytes[8 * word..][..8])));
        check_hello(rest);
    }
    check_hello(data);
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn check_header(words: [u64; 2]) {
    match Header::parse(words) {
        Ok(header) => {
            assert!(allowed(words), "{words:#x?} was accepted: {header:?}");
            assert_eq!(header.words(), words);
            check_meaning(&header, words);
        }
        Err(corrupt) => {
            assert!(!allowed(words), "{words:#x?} was refused: {corrupt}");
            assert!(!(corrupt.least..=corrupt.most).contains(&corrupt.seen), "{corrupt}");
        }
    }
}

/// The table of the header.
pub fn allowed([first, second]: [u64; 2]) -> bool {
    let (kind, part, reserved, status) = (first & 15, first >> 4 & 3, first >> 6 & 3, first >> 8 & 255);
    let (id, selector, remaining) = (first >> 16, second as u32, second >> 32);
    let kind_is_right = match kind {
        1 => part == 1 && status == 0 && id == 0 && selector == 0 && remaining == 0,
        2 | 4 => status == 0,
        3 => status <= 6 && selector == 0,
        _ => false,
    };
    kind_is_right && part < 3 && reserved == 0 && (part < 2 || remaining == 0)
}

fn check_meaning(header: &Header, [first, second]: [u64; 2]) {
    let statuses = [
        Status::Ok,
        Status::NoSelector,
        Status::Failed,
        Status::TooLarge,
        Status::Refused,
        Status::Overloaded,
        Status::NotAnswered,
    ];
    let kind = match first & 15 {
        1 => Kind::Hello,
        2 => Kind::Call,
        3 => Kind::Reply(statuses[(first >> 8 & 255) as usize]),
        _ => Kind::Event,
    };
    let part = [Part::Later, Part::First, Part::Abort][(first >> 4 & 3) as usize];
    assert_eq!(
        *header,
        Header { kind, part, id: first >> 16, selector: second as u32, remaining: (second >> 32) as u32 }
    );
}

/// The table of the hello.
pub fn allowed_hello(bytes: &[u8]) -> bool {
    let at = |from: usize, length: usize| number(&bytes[from..][..length]);
    bytes.len() == 24
        && at(0, 4) == 1
        && (1..=4096).contains(&at(4, 4))
        && (1..=64).contains(&at(8, 4))
        && at(12, 4) == 0
        && (1..1 << 32).contains(&at(16, 8))
}

fn check_hello(bytes: &[u8]) {
    match Hello::parse(bytes) {
        Ok(hello) => {
            assert!(allowed_hello(bytes), "{bytes:?} was accepted: {hello:?}");
            assert_eq!(hello.bytes(), bytes);
        }
        Err(corrupt) => {
            assert!(!allowed_hello(bytes), "{bytes:?} was refused: {corrupt}");
            assert!(!(corrupt.least..=corrupt.most).contains(&corrupt.seen), "{corrupt}");
        }
    }
}

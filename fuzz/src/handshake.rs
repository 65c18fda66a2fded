//! The messages of the handshake, as a peer sends them.

use arbitrary::{Arbitrary, Unstructured};
use twinring::connection::wire::{Features, LONGEST, LONGEST_REASON, Message};
use twinring::region::Half;

#[derive(Debug, Arbitrary)]
struct Input {
    message: Sent,
    edits: Vec<Edit>,
}

/// A message, whose fields may say anything.
#[derive(Debug, Arbitrary)]
enum Sent {
    Hello { oldest: u16, newest: u16, features: u32 },
    Welcome { version: u16, features: u32, bytes: u64, ring: u64 },
    Half { bytes: u64, ring: u64 },
    Ready,
    Refused { reason: String, times: u16 },
}

/// What happens to it on its way.
#[derive(Clone, Copy, Debug, Arbitrary)]
enum Edit {
    Set { at: u16, to: u8 },
    Cut(u16),
    Append(u8),
}

/// What is parsed is what the table of the protocol allows, and would be sent as the same bytes; what is sent is parsed as
/// what it was.
pub fn handshake(data: &[u8]) {
    check(data);
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let mut bytes = sent(input.message);
    for edit in input.edits {
        apply(edit, &mut bytes);
    }
    check(&bytes);
}

fn check(bytes: &[u8]) {
    match Message::parse(bytes) {
        Ok(message) => {
            assert!(allowed(bytes), "{message:?} was accepted");
            assert!(bytes.len() <= LONGEST);
            assert_eq!(message.encode(), bytes);
        }
        Err(error) => {
            assert!(!allowed(bytes), "{bytes:?} was refused: {error}");
            assert!(!error.to_string().is_empty());
        }
    }
}

/// The table of the protocol.
fn allowed(bytes: &[u8]) -> bool {
    let Some((prefix, body)) = bytes.split_at_checked(16) else { return false };
    let number = |at: usize, bytes: usize| (0..bytes).rev().fold(0, |sum, i| sum << 8 | usize::from(prefix[at + i]));
    let prefix_is_right = prefix.starts_with(b"twinring") && number(10, 2) == 0 && number(12, 4) == body.len();
    let body_is_right = match number(8, 2) {
        1 => body.len() == 8,
        2 => body.len() == 24 && body[2..4] == [0, 0],
        3 => body.len() == 16,
        4 => body.is_empty(),
        5 => body.len() <= 512 && std::str::from_utf8(body).is_ok(),
        _ => false,
    };
    prefix_is_right && body_is_right
}

/// The message as bytes, which are parsed as the same message.
fn sent(sent: Sent) -> Vec<u8> {
    let message = match sent {
        Sent::Hello { oldest, newest, features } => Message::Hello { oldest, newest, features: Features(features) },
        Sent::Welcome { version, features, bytes, ring } => {
            Message::Welcome { version, features: Features(features), half: Half { bytes, ring } }
        }
        Sent::Half { bytes, ring } => Message::Half(Half { bytes, ring }),
        Sent::Ready => Message::Ready,
        Sent::Refused { reason, times } => Message::Refused { reason: reason.repeat(usize::from(times % 600)) },
    };
    let bytes = message.encode();
    assert!(bytes.len() <= LONGEST);
    match (Message::parse(&bytes), message) {
        (Ok(Message::Refused { reason: parsed }), Message::Refused { reason }) => assert_is_cut(&parsed, &reason),
        (parsed, message) => assert_eq!(parsed, Ok(message)),
    }
    bytes
}

/// A reason is as long as it may be, and ends between two characters.
fn assert_is_cut(parsed: &str, reason: &str) {
    assert!(reason.starts_with(parsed) && parsed.len() <= LONGEST_REASON);
    let next = reason[parsed.len()..].chars().next();
    assert!(next.is_none_or(|next| parsed.len() + next.len_utf8() > LONGEST_REASON), "cut too short: {parsed:?}");
}

fn apply(edit: Edit, bytes: &mut Vec<u8>) {
    match edit {
        Edit::Set { at, to } if !bytes.is_empty() => {
            let at = usize::from(at) % bytes.len();
            bytes[at] = to;
        }
        Edit::Set { .. } => {}
        Edit::Cut(length) => bytes.truncate(length.into()),
        Edit::Append(byte) => bytes.push(byte),
    }
}

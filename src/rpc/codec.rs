//! Values as bytes: postcard's format, whose integers are little-endian varints on every machine.

use std::fmt;

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

/// Bytes that are no value of the type that was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(Undecodable);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Undecodable {
    Malformed(postcard::Error),
    /// A value came, and then more.
    Trailing {
        used: usize,
        length: usize,
    },
    Empty,
    /// A reply says in an unknown way how its call ended.
    Outcome(u8),
    /// A reply says that its call ended with an error that the procedure does not have.
    NoSuchError,
}

impl DecodeError {
    /// Of a known outcome that the procedure cannot have.
    pub(super) fn unexpected(outcome: u8) -> Self {
        debug_assert_eq!(outcome, outcome::FAILED);
        Self(Undecodable::NoSuchError)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Undecodable::Malformed(error) => write!(f, "malformed bytes: {error}"),
            Undecodable::Trailing { used, length } => write!(f, "{length} bytes, of which the value takes only {used}"),
            Undecodable::Empty => f.write_str("no byte at all"),
            Undecodable::NoSuchError => f.write_str("an error, and the procedure has none of its own"),
            Undecodable::Outcome(seen) => write!(f, "the outcome {seen}, known are 0 to {}", outcome::LAST),
        }
    }
}

impl std::error::Error for DecodeError {}

/// A value that cannot be written as bytes: its own `Serialize` fails, or a list does not know its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError(postcard::Error);

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for EncodeError {}

/// How a reply begins: what came of its call.
pub(super) mod outcome {
    /// The value follows.
    pub(crate) const RETURNED: u8 = 0;
    /// The procedure's own error follows.
    pub(crate) const FAILED: u8 = 1;
    /// Not run, because the arguments don't decode; the reason follows as plain text.
    pub(crate) const BAD_ARGUMENTS: u8 = 2;
    /// The procedure panicked; its message follows as plain text.
    pub(crate) const PANICKED: u8 = 3;
    /// It ran, and what it returned cannot be encoded; the reason follows as plain text.
    pub(crate) const BAD_RESULT: u8 = 4;
    /// The last of these.
    pub(crate) const LAST: u8 = BAD_RESULT;
}

/// Appends to a buffer that is kept.
struct Onto<'a>(&'a mut Vec<u8>);

impl Flavor for Onto<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Appends a value's bytes.
#[inline]
pub(super) fn encode(value: &(impl Serialize + ?Sized), onto: &mut Vec<u8>) -> Result<(), EncodeError> {
    postcard::serialize_with_flavor(value, Onto(onto)).map_err(EncodeError)
}

/// The value that all of these bytes are; it may borrow from them.
///
/// # Errors
///
/// If they are none, or more than one.
#[inline]
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(malformed)?;
    if rest.is_empty() { Ok(value) } else { Err(trailing(bytes.len(), rest.len())) }
}

#[cold]
fn malformed(error: postcard::Error) -> DecodeError {
    DecodeError(Undecodable::Malformed(error))
}

#[cold]
fn trailing(length: usize, rest: usize) -> DecodeError {
    DecodeError(Undecodable::Trailing { used: length - rest, length })
}

/// A reply's outcome, and the rest of it.
#[inline]
pub(super) fn split_reply(reply: &[u8]) -> Result<(u8, &[u8]), DecodeError> {
    match reply.split_first() {
        Some((&outcome, rest)) if outcome <= outcome::LAST => Ok((outcome, rest)),
        Some((&outcome, _)) => Err(DecodeError(Undecodable::Outcome(outcome))),
        None => Err(DecodeError(Undecodable::Empty)),
    }
}

/// Writes a reply: the value that a procedure returned. For the code that [`interface!`](crate::interface) makes.
#[inline]
pub fn write_returned(reply: &mut Vec<u8>, value: &impl Serialize) {
    write_reply(reply, outcome::RETURNED, value);
}

/// Writes a reply: what a procedure returned that has an error of its own. For the code that
/// [`interface!`](crate::interface) makes.
#[inline]
pub fn write_result(reply: &mut Vec<u8>, result: &Result<impl Serialize, impl Serialize>) {
    match result {
        Ok(value) => write_reply(reply, outcome::RETURNED, value),
        Err(error) => write_reply(reply, outcome::FAILED, error),
    }
}

#[inline]
fn write_reply(reply: &mut Vec<u8>, outcome: u8, value: &impl Serialize) {
    reply.clear();
    reply.push(outcome);
    if let Err(error) = encode(value, reply) {
        write_text(reply, outcome::BAD_RESULT, &error);
    }
}

/// Writes a reply that says in words what happened.
#[cold]
pub(super) fn write_text(reply: &mut Vec<u8>, outcome: u8, text: &dyn fmt::Display) {
    reply.clear();
    reply.push(outcome);
    reply.extend_from_slice(text.to_string().as_bytes());
}

/// What a peer says in words, fit to be shown: without control characters.
pub(super) fn plain_text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

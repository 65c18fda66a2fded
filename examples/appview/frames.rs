//! Messages in frames, as AppView speaks: `METADATA NUL PART`, the metadata in JSON.
//!
//! A request's metadata are `req` (1: more frames follow, 0: the last), `uniq` and `remain`; a reply's are `status` (206: more
//! follow, else: the last), `uniq` and `remain`. `uniq` is the same in all frames of a request and of its reply, and `remain`
//! says how many bytes are left, this frame's among them: so it falls from frame to frame by what the frame held.

use std::fmt;

use serde_json::{Value, json};

/// The longest frame, metadata included: small, so that replies split.
pub const LONGEST: usize = 96;

/// The longest message that is put together.
pub const LARGEST: usize = 1 << 16;

/// Room for the metadata of any frame.
const METADATA: usize = 64;

const OK: u64 = 200;
const PARTIAL: u64 = 206;

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the viewer.
    Request,
    /// From the viewed.
    Reply,
}

/// A rule that a frame breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Longer than [`LONGEST`].
    TooLong(usize),
    /// No NUL between metadata and part.
    NoMetadata,
    /// Metadata that are not JSON, or lack one of the three numbers.
    Malformed(String),
    /// A mark that there is none of.
    Mark(u64),
    /// Another message's number.
    Uniq { expected: u64, came: u64 },
    /// Not what is left after the frames before.
    Remain { expected: usize, came: usize },
    /// A message larger than [`LARGEST`].
    TooLarge(usize),
    /// More bytes in the frame than remain.
    Overrun { remain: usize, came: usize },
    /// Nothing in a frame of which more should follow: what remains would not fall.
    Empty,
    /// Marked as the last, and bytes remain.
    NotTheLast { left: usize },
    /// Marked as one of more, and none remain.
    TheLast,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(came) => write!(f, "expected a frame of at most {LONGEST} bytes, came {came}"),
            Self::NoMetadata => f.write_str("expected a NUL after the metadata, came none"),
            Self::Malformed(what) => write!(f, "malformed metadata: {what}"),
            Self::Mark(mark) => write!(f, "a mark of {mark} says neither that more follows nor that this is the last"),
            Self::Uniq { expected, came } => write!(f, "expected uniq {expected}, came {came}"),
            Self::Remain { expected, came } => write!(f, "expected that {expected} bytes remain, came {came}"),
            Self::TooLarge(came) => write!(f, "expected a message of at most {LARGEST} bytes, came {came}"),
            Self::Overrun { remain, came } => write!(f, "expected at most the {remain} bytes that remain, came {came}"),
            Self::Empty => f.write_str("expected bytes in a frame after which more follows, came none"),
            Self::NotTheLast { left } => write!(f, "marked as the last, and {left} bytes remain"),
            Self::TheLast => f.write_str("marked as one of more, and nothing remains"),
        }
    }
}

impl std::error::Error for Violation {}

/// A message in frames.
pub fn split(way: Way, uniq: u64, body: &[u8]) -> Vec<Vec<u8>> {
    let mut remain = body.len();
    let parts: Vec<_> = if body.is_empty() { vec![body] } else { body.chunks(LONGEST - METADATA).collect() };
    let frame = |part: &[u8]| {
        let last = part.len() == remain;
        let metadata = metadata(way, last, uniq, remain).to_string();
        remain -= part.len();
        [metadata.as_bytes(), &[0], part].concat()
    };
    parts.into_iter().map(frame).collect()
}

fn metadata(way: Way, last: bool, uniq: u64, remain: usize) -> Value {
    match way {
        Way::Request => json!({ "req": u64::from(!last), "uniq": uniq, "remain": remain }),
        Way::Reply => json!({ "status": if last { OK } else { PARTIAL }, "uniq": uniq, "remain": remain }),
    }
}

/// A message that is being put together.
#[derive(Debug)]
pub struct Assembly {
    way: Way,
    /// Of the request that a reply is to, or of the first frame.
    uniq: Option<u64>,
    remain: Option<usize>,
    body: Vec<u8>,
}

impl Assembly {
    /// A request of whatever number.
    pub fn of_request() -> Self {
        Self { way: Way::Request, uniq: None, remain: None, body: Vec::new() }
    }

    /// The reply to a request.
    pub fn of_reply(uniq: u64) -> Self {
        Self { way: Way::Reply, uniq: Some(uniq), remain: None, body: Vec::new() }
    }

    /// Takes a frame; the message's number and bytes if it was the last.
    ///
    /// # Errors
    ///
    /// The first rule that it breaks.
    pub fn take(&mut self, frame: &[u8]) -> Result<Option<(u64, Vec<u8>)>, Violation> {
        if frame.len() > LONGEST {
            return Err(Violation::TooLong(frame.len()));
        }
        let nul = frame.iter().position(|&byte| byte == 0).ok_or(Violation::NoMetadata)?;
        let (metadata, part) = (parse(&frame[..nul])?, &frame[nul + 1..]);
        let last = self.is_last(&metadata)?;
        let uniq = self.check_uniq(number(&metadata, "uniq")?)?;
        let left = self.check_remain(number(&metadata, "remain")?, part.len())?;
        match (last, left) {
            (true, 1..) => return Err(Violation::NotTheLast { left }),
            (false, _) if part.is_empty() => return Err(Violation::Empty),
            (false, 0) => return Err(Violation::TheLast),
            _ => {}
        }
        self.body.extend_from_slice(part);
        self.remain = Some(left);
        Ok(last.then(|| (uniq, std::mem::take(&mut self.body))))
    }

    fn is_last(&self, metadata: &Value) -> Result<bool, Violation> {
        match self.way {
            Way::Request => match number(metadata, "req")? {
                mark @ 0..=1 => Ok(mark == 0),
                other => Err(Violation::Mark(other)),
            },
            Way::Reply => match number(metadata, "status")? {
                OK | 400..=599 => Ok(true),
                PARTIAL => Ok(false),
                other => Err(Violation::Mark(other)),
            },
        }
    }

    fn check_uniq(&mut self, came: u64) -> Result<u64, Violation> {
        let expected = *self.uniq.get_or_insert(came);
        if came == expected { Ok(came) } else { Err(Violation::Uniq { expected, came }) }
    }

    /// What is left after this frame.
    fn check_remain(&self, came: u64, part: usize) -> Result<usize, Violation> {
        let came = usize::try_from(came).map_err(|_| Violation::TooLarge(usize::MAX))?;
        match self.remain {
            None if came > LARGEST => return Err(Violation::TooLarge(came)),
            Some(expected) if came != expected => return Err(Violation::Remain { expected, came }),
            _ => {}
        }
        came.checked_sub(part).ok_or(Violation::Overrun { remain: came, came: part })
    }
}

fn parse(metadata: &[u8]) -> Result<Value, Violation> {
    serde_json::from_slice(metadata).map_err(|error| Violation::Malformed(error.to_string()))
}

fn number(metadata: &Value, name: &str) -> Result<u64, Violation> {
    let found = metadata.get(name).and_then(Value::as_u64);
    found.ok_or_else(|| Violation::Malformed(format!("expected a number as {name}")))
}

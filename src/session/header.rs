//! The header of a session's message: two words before its payload, in every frame.

use crate::ring::Corrupt;

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// What the sender accepts; the first message of each side, and only that.
    Hello,
    /// A request.
    Call,
    /// What came of a request of the other side.
    Reply(Status),
    /// A message that wants no reply.
    Event,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// The handler replied.
    Ok,
    /// No handler takes this selector.
    NoSelector,
    /// The handler failed; the payload says why.
    Failed,
    /// The reply is larger than the caller accepts.
    TooLarge,
    /// The handler will not do it for this caller; the payload says why.
    Refused,
    /// Too many requests at once, or nested too deeply.
    Overloaded,
    /// The handler gave the request away and nobody answered.
    NotAnswered,
}

/// Which part of its message a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Not the first.
    Later,
    /// The first; the only one if nothing remains.
    First,
    /// None: the sender gave the message up, it is to be forgotten.
    Abort,
}

/// The header of a frame.
///
/// | word | bits | meaning |
/// |---|---|---|
/// | 0 | 0 to 3 | kind: 1 HELLO, 2 CALL, 3 REPLY, 4 EVENT |
/// | 0 | 4 and 5 | part: 0 a later frame of a message, 1 its first (and perhaps only) one, 2 ABORT: it ends here, incomplete |
/// | 0 | 6 and 7 | reserved, 0 |
/// | 0 | 8 to 15 | status of a REPLY, in the order of [`Status`]; else 0 |
/// | 0 | 16 to 63 | id: chosen by the caller for CALL and repeated in its REPLY, chosen by the sender for EVENT, 0 for HELLO |
/// | 1 | 0 to 31 | selector of a CALL or an EVENT; else 0 |
/// | 1 | 32 to 63 | how many bytes of the message are still to come after this frame; 0 is the mark of the last |
///
/// Both words are little-endian. The frames of one message repeat kind, status, id and selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the message is for.
    pub kind: Kind,
    /// Which part of it the frame is.
    pub part: Part,
    /// The number of the message.
    pub id: u64,
    /// What is called, or what happened.
    pub selector: u32,
    /// Bytes of the message in later frames.
    pub remaining: u32,
}

/// The length of a header, in bytes.
pub const LENGTH: usize = 16;

/// The largest id.
pub const LARGEST_ID: u64 = (1 << (64 - ID_SHIFT)) - 1;

const PART_SHIFT: u32 = 4;
const PARTS: u64 = 0b11;
const ABORT: u64 = 2;
const STATUS_SHIFT: u32 = 8;
const ID_SHIFT: u32 = 16;
const KINDS: u64 = 0xf;
const STATUSES: u64 = 0xff;

const HELLO: u64 = 1;
const CALL: u64 = 2;
const REPLY: u64 = 3;
const EVENT: u64 = 4;

const STATUS: [Status; 7] = [
    Status::Ok,
    Status::NoSelector,
    Status::Failed,
    Status::TooLarge,
    Status::Refused,
    Status::Overloaded,
    Status::NotAnswered,
];

impl Header {
    /// The header of a message that is one frame.
    #[must_use]
    #[inline]
    pub fn whole(kind: Kind, id: u64, selector: u32) -> Self {
        Self { kind, part: Part::First, id, selector, remaining: 0 }
    }

    /// The two words.
    #[must_use]
    #[inline]
    pub fn words(self) -> [u64; 2] {
        debug_assert!(self.id <= LARGEST_ID);
        let (kind, status) = match self.kind {
            Kind::Hello => (HELLO, 0),
            Kind::Call => (CALL, 0),
            Kind::Reply(status) => (REPLY, status as u64),
            Kind::Event => (EVENT, 0),
        };
        let word = kind | (self.part as u64) << PART_SHIFT | status << STATUS_SHIFT | self.id << ID_SHIFT;
        [word, u64::from(self.selector) | u64::from(self.remaining) << 32]
    }

    /// The bytes, as they stand before the payload.
    #[must_use]
    #[inline]
    pub fn bytes(self) -> [u8; LENGTH] {
        bytes_of(self.words())
    }

    /// The id and the selector, if these words say that the frame is a whole request: most are.
    #[must_use]
    #[inline]
    pub fn whole_call([first, second]: [u64; 2]) -> Option<(u64, u32)> {
        const WHOLE: u64 = CALL | 1 << PART_SHIFT;
        let whole = first & ((1 << ID_SHIFT) - 1) == WHOLE && second >> 32 == 0;
        whole.then_some((first >> ID_SHIFT, second as u32))
    }

    /// Reads what a peer wrote.
    ///
    /// # Errors
    ///
    /// If no honest peer would have written it.
    pub fn parse([first, second]: [u64; 2]) -> Result<Self, Corrupt> {
        let kind = Corrupt::check("the kind of a message", first & KINDS, HELLO, EVENT)?;
        Corrupt::check("the reserved bits of a message", first >> 6 & 0b11, 0, 0)?;
        let statuses = if kind == REPLY { STATUS.len() as u64 - 1 } else { 0 };
        let status = Corrupt::check("the status of a message", first >> STATUS_SHIFT & STATUSES, 0, statuses)?;
        let id =
            Corrupt::check("the id of a message", first >> ID_SHIFT, 0, if kind == HELLO { 0 } else { LARGEST_ID })?;
        let selectors = if matches!(kind, CALL | EVENT) { u64::from(u32::MAX) } else { 0 };
        let selector = Corrupt::check("the selector of a message", second & u64::from(u32::MAX), 0, selectors)?;
        let (least, most) = if kind == HELLO { (1, 1) } else { (0, ABORT) };
        let part = Corrupt::check("the part of a message", first >> PART_SHIFT & PARTS, least, most)?;
        let remaining = if kind == HELLO || part == ABORT { 0 } else { u64::from(u32::MAX) };
        let remaining = Corrupt::check("the rest of a message", second >> 32, 0, remaining)?;
        let kind = match kind {
            HELLO => Kind::Hello,
            CALL => Kind::Call,
            REPLY => Kind::Reply(STATUS[status as usize]),
            _ => Kind::Event,
        };
        let part = match part {
            ABORT => Part::Abort,
            1 => Part::First,
            _ => Part::Later,
        };
        Ok(Self { kind, part, id, selector: selector as u32, remaining: remaining as u32 })
    }
}

/// The words of the first frame of a message, changed to those of another of its frames.
#[must_use]
pub(super) fn frame([first, second]: [u64; 2], part: Part, remaining: u32) -> [u64; 2] {
    let selector = second & u64::from(u32::MAX);
    [first & !(PARTS << PART_SHIFT) | (part as u64) << PART_SHIFT, selector | u64::from(remaining) << 32]
}

/// The words of a message whose id was 0, changed to those of one with this id.
#[must_use]
#[inline]
pub(super) fn with_id([first, second]: [u64; 2], id: u64) -> [u64; 2] {
    debug_assert!(id <= LARGEST_ID && first >> ID_SHIFT == 0);
    [first | id << ID_SHIFT, second]
}

/// The bytes of the two words.
#[must_use]
#[inline]
pub(super) fn bytes_of([first, second]: [u64; 2]) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[..8].copy_from_slice(&first.to_le_bytes());
    bytes[8..].copy_from_slice(&second.to_le_bytes());
    bytes
}

/// The two words from their bytes.
#[must_use]
pub fn words_of(bytes: [u8; LENGTH]) -> [u64; 2] {
    let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
    [word(0), word(8)]
}

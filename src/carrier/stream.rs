//! Frames on a stream of bytes: `docs/PROTOCOL.md`, "Over the socket".
//!
//! A frame is a header of 8 bytes, little-endian, and its payload, without padding. It may come in any pieces.
//!
//! | bits of the header | meaning |
//! |---|---|
//! | 0 to 31 | length of the payload in bytes; 0 for FIN and GONE |
//! | 32 to 39 | kind: 1 DATA, 2 FIN (nothing will be sent any more), 3 GONE (nothing will be received any more) |
//! | 40 to 63 | reserved, 0 |
//!
//! FIN and GONE come once each, in any order, each side's own. After FIN there is no DATA; both together are the goodbye, and
//! nothing follows it.

use crate::ring::Corrupt;

/// Bytes of a header.
pub const HEADER: usize = 8;

/// No packet is longer, where the socket keeps packets apart.
pub const LONGEST_PACKET: usize = 1 << 15;

const DATA: u64 = 1;
const FIN: u64 = 2;
const GONE: u64 = 3;
const KIND_SHIFT: u32 = 32;

/// The header of a message of `length` bytes, less than 4 GiB.
#[must_use]
pub fn data(length: usize) -> [u8; HEADER] {
    debug_assert!(u32::try_from(length).is_ok());
    (DATA << KIND_SHIFT | length as u64).to_le_bytes()
}

/// The frame that says that nothing will be sent any more.
#[must_use]
pub fn fin() -> [u8; HEADER] {
    (FIN << KIND_SHIFT).to_le_bytes()
}

/// The frame that says that nothing will be received any more.
#[must_use]
pub fn gone() -> [u8; HEADER] {
    (GONE << KIND_SHIFT).to_le_bytes()
}

/// Something that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A message of so many bytes begins: its payload is what follows.
    Message(usize),
    /// The next bytes of the payload, at least one.
    Payload(&'a [u8]),
    /// The peer will send nothing more.
    Fin,
    /// The peer will receive nothing more.
    Gone,
}

/// Takes a peer's stream apart, whatever the peer writes and in whatever pieces it comes. Keeps a header, never a payload.
#[derive(Debug)]
pub struct Reader {
    largest: usize,
    header: [u8; HEADER],
    /// Bytes of the header that have come.
    known: usize,
    /// Bytes of the payload that have not come.
    left: usize,
    finished: bool,
    gone: bool,
}

impl Reader {
    /// A reader of messages of up to `largest` bytes.
    #[must_use]
    pub fn new(largest: usize) -> Self {
        Self { largest, header: [0; HEADER], known: 0, left: 0, finished: false, gone: false }
    }

    /// Whether it has said goodbye: it will neither send nor receive.
    #[must_use]
    pub fn said_goodbye(&self) -> bool {
        self.finished && self.gone
    }

    /// The next piece, taken off the beginning of `input`; `None` if that is used up.
    ///
    /// # Errors
    ///
    /// If no honest peer would have sent it. Nothing that follows means anything.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Piece<'a>>, Corrupt> {
        if self.left > 0 {
            let payload = take(input, self.left);
            self.left -= payload.len();
            return Ok((!payload.is_empty()).then_some(Piece::Payload(payload)));
        }
        if self.said_goodbye() {
            // At least so many; how many more is the socket's whim.
            Corrupt::check("the number of bytes after a goodbye", input.len().min(1) as u64, 0, 0)?;
        }
        let part = take(input, HEADER - self.known);
        self.header[self.known..][..part.len()].copy_from_slice(part);
        self.known += part.len();
        if self.known < HEADER {
            return Ok(None);
        }
        self.known = 0;
        self.parse(u64::from_le_bytes(self.header)).map(Some)
    }

    fn parse<'a>(&mut self, header: u64) -> Result<Piece<'a>, Corrupt> {
        let kind = Corrupt::check("the kind of a frame", header >> KIND_SHIFT, self.least_kind(), self.most_kind())?;
        let most = if kind == DATA { self.largest as u64 } else { 0 };
        let length = Corrupt::check("the length of a frame", header & u64::from(u32::MAX), 0, most)? as usize;
        self.left = length;
        self.finished |= kind == FIN;
        self.gone |= kind == GONE;
        Ok(match kind {
            DATA => Piece::Message(length),
            FIN => Piece::Fin,
            _ => Piece::Gone,
        })
    }

    /// After FIN only GONE may come.
    fn least_kind(&self) -> u64 {
        if self.finished { GONE } else { DATA }
    }

    /// GONE comes once.
    fn most_kind(&self) -> u64 {
        if self.gone { FIN } else { GONE }
    }
}

/// Takes up to `most` bytes off the beginning of `input`.
fn take<'a>(input: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, rest) = input.split_at(most.min(input.len()));
    *input = rest;
    taken
}

//! The messages of the handshake, as bytes. All numbers are little-endian; see `docs/PROTOCOL.md`.

use core::fmt;

use crate::region::{Half, MAGIC};

/// No message is longer.
pub const LONGEST: usize = 576;

/// The longest reason for a refusal, in bytes.
pub const LONGEST_REASON: usize = 512;

const PREFIX: usize = 16;

/// What a side can do and has promised. Bits that are unknown here are ignored, so that later versions may add some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Features(pub u32);

impl Features {
    /// The process is registered for `membarrier(GLOBAL_EXPEDITED)`.
    pub const MEMBARRIER: u32 = 1;
    /// This side never sleeps.
    pub const SPINS: u32 = 2;
    /// Messages may go over the socket.
    pub const CARRIES: u32 = 4;
    /// No memory is shared: messages go over the socket.
    pub const UNSHARED: u32 = 8;

    /// Whether all of these bits are set.
    #[must_use]
    pub fn has(self, bits: u32) -> bool {
        self.0 & bits == bits
    }
}

/// A message of the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The connector: which versions it speaks.
    Hello {
        /// The oldest version.
        oldest: u16,
        /// The newest version.
        newest: u16,
        /// What the connector can do.
        features: Features,
    },
    /// The listener: accepted; its half comes with it.
    Welcome {
        /// The version chosen.
        version: u16,
        /// What the listener can do.
        features: Features,
        /// The shape of the listener's half.
        half: Half,
    },
    /// The connector's half comes with it.
    Half(Half),
    /// The listener: the connection is established.
    Ready,
    /// Either side: no connection, because.
    Refused {
        /// For a person to read.
        reason: String,
    },
}

const HELLO: u16 = 1;
const WELCOME: u16 = 2;
const HALF: u16 = 3;
const READY: u16 = 4;
const REFUSED: u16 = 5;

/// Bytes that are no message of the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireError {
    /// Shorter than the prefix of every message.
    Short {
        /// How many bytes there are.
        length: usize,
    },
    /// It does not begin as it must.
    Magic {
        /// The first eight bytes.
        found: u64,
    },
    /// There is no such message.
    Kind {
        /// What stands there.
        found: u16,
    },
    /// The prefix or the kind of message calls for another length.
    Length {
        /// How many bytes of body there are.
        found: usize,
        /// How many there must be.
        expected: usize,
    },
    /// A reserved field is not 0.
    Reserved,
    /// The reason for a refusal is not UTF-8.
    Text,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { length } => write!(f, "malformed message: expected at least {PREFIX} bytes, came {length}"),
            Self::Magic { found } => write!(f, "malformed message: expected to begin with {MAGIC:#x}, came {found:#x}"),
            Self::Kind { found } => write!(f, "malformed message: expected kind {HELLO} to {REFUSED}, came {found}"),
            Self::Length { found, expected } => {
                write!(f, "malformed message: expected a body of {expected} bytes, came {found}")
            }
            Self::Reserved => f.write_str("malformed message: expected 0 in a reserved field, came something else"),
            Self::Text => f.write_str("malformed message: expected a reason in UTF-8, came other bytes"),
        }
    }
}

impl std::error::Error for WireError {}

impl Message {
    /// What the protocol calls it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "HELLO",
            Self::Welcome { .. } => "WELCOME",
            Self::Half(_) => "HALF",
            Self::Ready => "READY",
            Self::Refused { .. } => "REFUSED",
        }
    }

    /// The half that it announces, whose descriptor comes with it, unless it has no bytes.
    #[must_use]
    pub fn half(&self) -> Option<Half> {
        match *self {
            Self::Welcome { half, .. } | Self::Half(half) => Some(half),
            _ => None,
        }
    }

    /// The message as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (kind, body) = match self {
            Self::Hello { oldest, newest, features } => {
                (HELLO, [&oldest.to_le_bytes()[..], &newest.to_le_bytes(), &features.0.to_le_bytes()].concat())
            }
            Self::Welcome { version, features, half } => {
                let start = [&version.to_le_bytes()[..], &[0; 2], &features.0.to_le_bytes()].concat();
                (WELCOME, [&start[..], &encode_half(*half)].concat())
            }
            Self::Half(half) => (HALF, encode_half(*half)),
            Self::Ready => (READY, Vec::new()),
            Self::Refused { reason } => (REFUSED, cut(reason).as_bytes().to_vec()),
        };
        let length = body.len() as u32;
        [&MAGIC.to_le_bytes()[..], &kind.to_le_bytes(), &[0; 2], &length.to_le_bytes(), &body].concat()
    }

    /// Reads a message that a peer sent.
    ///
    /// # Errors
    ///
    /// If it is none, see [`WireError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let Some((prefix, body)) = bytes.split_at_checked(PREFIX) else {
            return Err(WireError::Short { length: bytes.len() });
        };
        let mut prefix = Fields(prefix);
        let magic = prefix.u64()?;
        if magic != MAGIC {
            return Err(WireError::Magic { found: magic });
        }
        let kind = prefix.u16()?;
        prefix.reserved()?;
        let length = prefix.u32()? as usize;
        if length != body.len() {
            return Err(WireError::Length { found: body.len(), expected: length });
        }
        parse_body(kind, body)
    }
}

/// What each side of a stream says first, where there is no handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The version that it speaks.
    pub version: u16,
    /// The size of the ring that it sends through, in bytes: what its largest message follows from.
    pub ring: u64,
}

impl Opening {
    /// Bytes of an opening.
    pub const LENGTH: usize = 24;

    /// The opening as bytes.
    #[must_use]
    pub fn encode(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..8].copy_from_slice(&MAGIC.to_le_bytes());
        bytes[8..10].copy_from_slice(&self.version.to_le_bytes());
        bytes[16..].copy_from_slice(&self.ring.to_le_bytes());
        bytes
    }

    /// Reads an opening that a peer sent.
    ///
    /// # Errors
    ///
    /// If it is none, see [`WireError`].
    pub fn parse(bytes: &[u8; Self::LENGTH]) -> Result<Self, WireError> {
        let mut fields = Fields(bytes);
        let magic = fields.u64()?;
        if magic != MAGIC {
            return Err(WireError::Magic { found: magic });
        }
        let version = fields.u16()?;
        fields.reserved()?;
        fields.reserved()?;
        fields.reserved()?;
        Ok(Self { version, ring: fields.u64()? })
    }
}

fn parse_body(kind: u16, body: &[u8]) -> Result<Message, WireError> {
    let expected = match kind {
        HELLO => 8,
        WELCOME => 24,
        HALF => 16,
        READY => 0,
        REFUSED => body.len().min(LONGEST_REASON),
        found => return Err(WireError::Kind { found }),
    };
    if body.len() != expected {
        return Err(WireError::Length { found: body.len(), expected });
    }
    let mut fields = Fields(body);
    Ok(match kind {
        HELLO => Message::Hello { oldest: fields.u16()?, newest: fields.u16()?, features: Features(fields.u32()?) },
        WELCOME => {
            let version = fields.u16()?;
            fields.reserved()?;
            Message::Welcome { version, features: Features(fields.u32()?), half: fields.half()? }
        }
        HALF => Message::Half(fields.half()?),
        READY => Message::Ready,
        _ => {
            let reason = core::str::from_utf8(body).map_err(|_| WireError::Text)?;
            Message::Refused { reason: reason.to_owned() }
        }
    })
}

fn encode_half(half: Half) -> Vec<u8> {
    [half.bytes.to_le_bytes(), half.ring.to_le_bytes()].concat()
}

/// The longest beginning of a reason that may be sent.
fn cut(reason: &str) -> &str {
    let end = (0..=LONGEST_REASON.min(reason.len())).rev().find(|&end| reason.is_char_boundary(end));
    &reason[..end.unwrap_or(0)]
}

/// What is left to read of a message.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (field, rest) = self.0.split_first_chunk().ok_or(WireError::Length { found: self.0.len(), expected: N })?;
        self.0 = rest;
        Ok(*field)
    }

    fn u16(&mut self) -> Result<u16, WireError> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, WireError> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, WireError> {
        self.take().map(u64::from_le_bytes)
    }

    fn half(&mut self) -> Result<Half, WireError> {
        Ok(Half { bytes: self.u64()?, ring: self.u64()? })
    }

    fn reserved(&mut self) -> Result<(), WireError> {
        if self.u16()? == 0 { Ok(()) } else { Err(WireError::Reserved) }
    }
}

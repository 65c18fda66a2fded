//! Messages from fragments, and the check of every rule that an honest sender keeps.

use super::header::{Header, Kind, Part};
use super::hello::Hello;
use crate::ring::Corrupt;

/// The messages that are under way to this side in fragments.
///
/// What is held grows with the bytes that came, never with those that were announced; the most is the number of messages
/// times the largest one.
#[derive(Debug)]
pub struct Reassembly {
    accepted: Hello,
    open: Vec<Partial>,
}

/// A message of which some has come.
#[derive(Debug)]
struct Partial {
    kind: Kind,
    id: u64,
    selector: u32,
    remaining: u32,
    payload: Vec<u8>,
}

/// Where the payload of a frame belongs.
#[derive(Debug)]
pub enum Place<'a> {
    /// It is a whole message.
    Whole,
    /// At the end of this message, which is not complete.
    Middle(&'a mut Vec<u8>),
    /// At the end of this message, which is complete then.
    Last(Vec<u8>),
    /// Nowhere: the sender gave the message up, and this is what had come of it.
    Nowhere(Vec<u8>),
}

impl Reassembly {
    /// Nothing under way; `accepted` is what the peer was told.
    #[must_use]
    pub fn new(accepted: Hello) -> Self {
        Self { accepted, open: Vec::new() }
    }

    /// Where the `length` bytes of a frame with this header go. `buffer` gives an empty buffer for a message that begins.
    ///
    /// # Errors
    ///
    /// If no honest peer would have sent the frame.
    pub fn place(
        &mut self,
        header: &Header,
        length: usize,
        buffer: impl FnOnce() -> Vec<u8>,
    ) -> Result<Place<'_>, Corrupt> {
        let position = self.open.iter().position(|open| open.is(header));
        match (header.part, position) {
            (Part::First, None) => self.begin(header, length, buffer),
            (Part::Later, Some(position)) => self.carry_on(position, header, length),
            (Part::Abort, Some(position)) => self.forget(position, length),
            (Part::First, Some(_)) => Err(unexpected("the first frame of a message that is under way", header)),
            (_, None) => Err(unexpected("a later frame of a message that is not under way", header)),
        }
    }

    fn begin(
        &mut self,
        header: &Header,
        length: usize,
        buffer: impl FnOnce() -> Vec<u8>,
    ) -> Result<Place<'_>, Corrupt> {
        let total = length as u64 + u64::from(header.remaining);
        Corrupt::check("the length of a message", total, 0, self.accepted.largest)?;
        if header.remaining == 0 {
            return Ok(Place::Whole);
        }
        Corrupt::check("the length of a fragment", length as u64, 1, u32::MAX.into())?;
        let most = u64::from(self.accepted.open);
        Corrupt::check("the number of messages under way", self.open.len() as u64 + 1, 1, most)?;
        let Header { kind, id, selector, remaining, .. } = *header;
        self.open.push(Partial { kind, id, selector, remaining, payload: buffer() });
        let last = self.open.len() - 1;
        Ok(Place::Middle(&mut self.open[last].payload))
    }

    fn carry_on(&mut self, position: usize, header: &Header, length: usize) -> Result<Place<'_>, Corrupt> {
        let open = &mut self.open[position];
        Corrupt::check(
            "the selector of a fragment",
            header.selector.into(),
            open.selector.into(),
            open.selector.into(),
        )?;
        Corrupt::check("the length of a fragment", length as u64, 1, open.remaining.into())?;
        let falls_to = u64::from(open.remaining) - length as u64;
        Corrupt::check("the rest of a message", header.remaining.into(), falls_to, falls_to)?;
        open.remaining = header.remaining;
        if header.remaining == 0 {
            return Ok(Place::Last(self.open.swap_remove(position).payload));
        }
        Ok(Place::Middle(&mut self.open[position].payload))
    }

    fn forget(&mut self, position: usize, length: usize) -> Result<Place<'_>, Corrupt> {
        Corrupt::check("the length of an abort", length as u64, 0, 0)?;
        Ok(Place::Nowhere(self.open.swap_remove(position).payload))
    }

    /// The largest message that is accepted, in bytes.
    #[must_use]
    #[inline]
    pub fn largest(&self) -> usize {
        self.accepted.largest as usize
    }

    /// How many messages are under way.
    #[must_use]
    #[inline]
    pub fn under_way(&self) -> usize {
        self.open.len()
    }

    /// How many bytes are held for them.
    #[must_use]
    pub fn held(&self) -> usize {
        self.open.iter().map(|open| open.payload.len()).sum()
    }
}

impl Partial {
    fn is(&self, header: &Header) -> bool {
        self.id == header.id && self.kind == header.kind
    }
}

/// A frame that cannot stand here: shown by its id.
fn unexpected(what: &'static str, header: &Header) -> Corrupt {
    Corrupt { what, seen: header.id, least: 1, most: 0 }
}

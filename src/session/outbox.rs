//! The sending side of a session: whole messages in, frames out.

use std::io::IoSlice;

use super::header::{self, Header, Kind, Part, bytes_of};
use super::hello::Hello;
use crate::channel::ClaimError;
use crate::connection::Sender;
use crate::ledger::layout;
use crate::memory::{Count, Counts};
use crate::os::clock::Deadline;

/// The sender, and what is owed to the peer before anything else.
#[derive(Debug)]
pub(super) struct Outbox {
    sender: Sender,
    /// Messages that were begun and given up: the peer is told as soon as there is room.
    aborted: Vec<[u64; 2]>,
    fragment: usize,
    long_fragment: usize,
    /// Ids of messages that are no calls.
    last: u64,
    counts: Counts,
}

/// A message on its way out: what is left of it.
#[derive(Debug)]
pub(super) struct Letter<'a> {
    /// The header of its first frame, were that the only one: made where the kind is known, so that it costs next to nothing.
    words: [u64; 2],
    kind: Kind,
    parts: &'a [IoSlice<'a>],
    length: usize,
    sent: usize,
}

/// The largest message that goes in one frame, and the payload of a frame of a larger one: so that the receiver copies one
/// while the sender writes the next, and that a small message soon finds its turn.
const FRAGMENT: usize = 16 * 1024;

/// The payload of a frame of a message that is longer than [`LONG`]: fewer headers and notifications.
const LONG_FRAGMENT: usize = 32 * 1024;
const LONG: usize = 1 << 20;

impl<'a> Letter<'a> {
    #[inline]
    pub(super) fn new(kind: Kind, id: u64, selector: u32, parts: &'a [IoSlice<'a>]) -> Self {
        // A sum that overflows is too large for anybody.
        let length = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
        Self { words: Header::whole(kind, id, selector).words(), kind, parts, length, sent: 0 }
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }

    pub(super) fn set_id(&mut self, id: u64) {
        self.words = header::with_id(self.words, id);
    }

    /// How much of a message of several frames has left.
    pub(super) fn sent(&self) -> usize {
        self.sent
    }

    /// Goes on with a message of which this much has left.
    pub(super) fn go_on_from(&mut self, sent: usize) {
        self.sent = sent;
    }

    /// Whether the peer has seen some of it.
    pub(super) fn is_begun(&self) -> bool {
        self.sent > 0
    }
}

impl Outbox {
    pub(super) fn new(sender: Sender) -> Self {
        // Several in the ring at the same time, however small it is.
        let most = sender.largest() / 4;
        let (fragment, long_fragment) = (FRAGMENT.min(most), LONG_FRAGMENT.min(most));
        let counts = sender.entry().map(|entry| entry.line(layout::SESSION_OUT)).unwrap_or_default();
        Self { sender, aborted: Vec::new(), fragment, long_fragment, last: 0, counts }
    }

    /// Says what this side accepts. The ring is empty yet; if the session has ended already, the first call finds out.
    pub(super) fn greet(&mut self, accepted: Hello) {
        let bytes = accepted.bytes();
        let _ = self.step(&mut Letter::new(Kind::Hello, 0, 0, &[IoSlice::new(&bytes)]), None);
    }

    pub(super) fn sender(&mut self) -> &mut Sender {
        &mut self.sender
    }

    /// How many messages of each kind have left.
    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The id of the next message that is no call.
    pub(super) fn next_id(&mut self) -> u64 {
        self.last = (self.last + 1) & header::LARGEST_ID;
        self.last
    }

    /// The largest message that goes in one frame.
    pub(super) fn fragment_size(&self) -> usize {
        self.fragment
    }

    /// The longest frame that is ever sent, in bytes.
    pub(super) fn longest_frame(&self) -> usize {
        header::LENGTH + self.long_fragment
    }

    /// Sends the next frame of a message, waiting for room until the deadline, or not at all; `true` if that was the last.
    #[inline]
    pub(super) fn step(&mut self, letter: &mut Letter<'_>, deadline: Option<Deadline>) -> Result<bool, ClaimError> {
        if let ([part], true) = (letter.parts, self.aborted.is_empty() && letter.length <= self.fragment) {
            self.sender.send_headed(&bytes_of(letter.words), std::iter::once(&**part), letter.length, deadline)?;
            self.count(letter.kind);
            return Ok(true);
        }
        self.step_slowly(letter, deadline)
    }

    /// The same for a message in parts, or one of several frames.
    fn step_slowly(&mut self, letter: &mut Letter<'_>, deadline: Option<Deadline>) -> Result<bool, ClaimError> {
        self.pay(deadline)?;
        if letter.length <= self.fragment {
            let parts = letter.parts.iter().map(|part| &**part);
            self.sender.send_headed(&bytes_of(letter.words), parts, letter.length, deadline)?;
            self.count(letter.kind);
            return Ok(true);
        }
        self.send_fragment(letter, deadline)
    }

    fn send_fragment(&mut self, letter: &mut Letter<'_>, deadline: Option<Deadline>) -> Result<bool, ClaimError> {
        let longest = if letter.length > LONG { self.long_fragment } else { self.fragment };
        let length = longest.min(letter.length - letter.sent);
        let part = if letter.is_begun() { Part::Later } else { Part::First };
        let remaining = (letter.length - letter.sent - length) as u32;
        let words = header::frame(letter.words, part, remaining);
        let parts = cut(letter.parts, letter.sent, length);
        self.sender.send_headed(&bytes_of(words), parts, length, deadline)?;
        letter.sent += length;
        if remaining == 0 {
            self.count(letter.kind);
        }
        Ok(remaining == 0)
    }

    #[inline]
    fn count(&mut self, kind: Kind) {
        match kind {
            Kind::Hello => {}
            Kind::Call => self.counts.add(Count::Calls, 1),
            Kind::Reply(_) => self.counts.add(Count::Served, 1),
            Kind::Event => self.counts.add(Count::Events, 1),
        }
    }

    /// Gives up a message that was begun.
    pub(super) fn abort(&mut self, letter: &Letter<'_>) {
        if letter.is_begun() && letter.sent < letter.length {
            self.aborted.push(header::frame(letter.words, Part::Abort, 0));
            // If there is no room now, the next message finds out.
            let _ = self.pay(None);
        }
    }

    /// Tells the peer what was given up.
    fn pay(&mut self, deadline: Option<Deadline>) -> Result<(), ClaimError> {
        while let Some(&words) = self.aborted.last() {
            self.sender.send_headed(&bytes_of(words), std::iter::empty(), 0, deadline)?;
            self.aborted.pop();
        }
        Ok(())
    }
}

/// The `length` bytes from `start` on of a message in parts.
#[inline]
fn cut<'a>(parts: &'a [IoSlice<'_>], start: usize, length: usize) -> impl Iterator<Item = &'a [u8]> {
    let (mut start, mut length) = (start, length);
    parts.iter().map(move |part| {
        let from = start.min(part.len());
        let to = part.len().min(from + length);
        start -= from;
        length -= to - from;
        &part[from..to]
    })
}

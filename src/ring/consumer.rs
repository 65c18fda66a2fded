//! The reading end of a ring.

use core::fmt;

use super::{Corrupt, Geometry, Header, Kind, LINE, frame};
use crate::memory::{Foreign, Memory, Ordering, Own, WORD};

/// Up to this many words, the lines of a frame are asked for together: at 256 bytes that saves a fifth of a round trip, at
/// 1 KiB it costs a fifth.
const PREFETCHED: u64 = 8 * LINE;

/// The reading end of a ring.
#[derive(Debug)]
pub struct Consumer<M: Memory> {
    own: Own<M>,
    peer: Foreign<M>,
    geometry: Geometry,
    largest: usize,
    /// Where the next header is looked for.
    head: u64,
    /// What the producer was told: it may overwrite what lies before.
    published: u64,
    /// The last message: the next one is probably alike.
    last: Last,
    /// Why nothing will follow.
    end: Option<PeekError>,
}

/// A header that has been checked, and what it says.
#[derive(Debug)]
struct Last {
    word: u64,
    length: usize,
    words: u64,
}

impl Last {
    /// Like no header: before the first, and after the last.
    const NONE: Self = Self { word: Header::NONE, length: 0, words: u64::MAX };
}

/// Why there is no frame to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeekError {
    /// Nothing has been committed yet.
    Empty,
    /// The producer has left in order, and everything was read.
    Finished,
    /// The producer wrote what an honest one would not.
    Corrupt(Corrupt),
}

impl fmt::Display for PeekError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the ring is empty"),
            Self::Finished => f.write_str("the producer has finished"),
            Self::Corrupt(corrupt) => corrupt.fmt(f),
        }
    }
}

impl std::error::Error for PeekError {}

/// Where a committed payload lies. Good until the frame is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    offset: usize,
    length: usize,
}

impl Span {
    /// The length of the payload, in bytes.
    #[must_use]
    #[inline]
    pub fn length(&self) -> usize {
        self.length
    }

    /// The first byte of the payload, in the producer's memory.
    #[must_use]
    #[inline]
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl<M: Memory> Consumer<M> {
    /// The reading end of the ring that lies in `peer` as `geometry` says, of which nothing has been read.
    ///
    /// # Panics
    ///
    /// If the ring or the head lies outside of the memories.
    #[must_use]
    pub fn new(own: Own<M>, peer: Foreign<M>, geometry: Geometry) -> Self {
        assert!(geometry.ring + geometry.capacity as usize <= peer.words(), "the ring lies outside of its memory");
        assert!(geometry.head < own.words(), "the head lies outside of its memory");
        let largest = geometry.largest_payload();
        Self { own, peer, geometry, largest, head: 0, published: 0, last: Last::NONE, end: None }
    }

    /// Whether [`Consumer::find`] would find anything but [`PeekError::Empty`].
    #[must_use]
    #[inline]
    pub fn would_find(&self) -> bool {
        // Relaxed: what is found is looked at again, with acquire.
        self.end.is_some() || self.peer.load(self.geometry.word(self.head), Ordering::Relaxed) != Header::NONE
    }

    /// For a spinning thread, before each look: asks for the rest of the lines of a frame as long as the last one. Once the
    /// producer takes them for writing, all of them come back at once, and not one behind the other after the header.
    #[inline]
    pub fn prefetch_alike(&self) {
        if self.last.words <= PREFETCHED {
            let last = (self.head + self.last.words - 1) / LINE;
            for line in self.head / LINE + 1..=last {
                self.peer.prefetch(self.geometry.word(line * LINE) * WORD);
            }
        }
    }

    /// Looks for a frame as long as the last one: the fast path. `None` says that [`Consumer::look`] must be asked.
    ///
    /// The length is taken from the last frame and not from the word, so the processor can fetch the frames behind this
    /// one before the word has come: a stream is not bound by one cache miss after the other.
    #[inline(always)]
    pub fn look_alike(&mut self) -> Option<Span> {
        // Acquire, with the producer's release in `Producer::commit`: the payload.
        let (at, to_end) = (self.geometry.word(self.head), self.geometry.to_end(self.head));
        let word = self.peer.load(at, Ordering::Acquire);
        let alike = word == self.last.word && self.last.words <= to_end;
        if alike { Some(Span { offset: (at + 1) * WORD, length: self.last.length }) } else { None }
    }

    /// Looks for the next frame, without releasing anything.
    ///
    /// # Errors
    ///
    /// See [`PeekError`].
    #[inline(always)]
    pub fn look(&mut self) -> Result<Span, PeekError> {
        match self.look_alike() {
            Some(span) => Ok(span),
            None => self.find().map(|()| self.found()),
        }
    }

    /// Looks for any frame; [`Consumer::found`] then says where it lies. In two steps, because a result with a span and an
    /// error in it goes through memory, at the cost of a stalled load or two on the way of every message.
    ///
    /// # Errors
    ///
    /// See [`PeekError`].
    pub fn find(&mut self) -> Result<(), PeekError> {
        if let Some(end) = self.end {
            return Err(end);
        }
        // Acquire, with the producer's release in `Producer::commit`: the payload and the header behind a skip.
        let word = self.peer.load(self.geometry.word(self.head), Ordering::Acquire);
        if word == Header::NONE {
            return Err(PeekError::Empty);
        }
        match Header::parse(word, self.largest) {
            Ok(Kind::Data(length)) if frame::words(length) <= self.geometry.to_end(self.head) => {
                self.last = Last { word, length, words: frame::words(length) };
                Ok(())
            }
            other => self.find_rare(other),
        }
    }

    /// The frame that [`Consumer::find`] has just found.
    #[inline(always)]
    pub fn found(&self) -> Span {
        Span { offset: (self.geometry.word(self.head) + 1) * WORD, length: self.last.length }
    }

    #[cold]
    fn find_rare(&mut self, parsed: Result<Kind, Corrupt>) -> Result<(), PeekError> {
        let found = match parsed {
            Ok(Kind::Fin) => Err(PeekError::Finished),
            Ok(Kind::Skip) => self.skip().map_err(PeekError::Corrupt),
            Ok(Kind::Data(length)) => Err(PeekError::Corrupt(self.overrun(length))),
            Err(corrupt) => Err(PeekError::Corrupt(corrupt)),
        };
        if let Err(end) = found {
            self.end = Some(end);
            self.last = Last::NONE;
        }
        found
    }

    /// Where an honest producer that writes no more has stopped at the latest: one ring full from here.
    pub fn horizon(&self) -> u64 {
        self.head + self.geometry.capacity
    }

    /// Whether all before that position has been released.
    pub fn has_reached(&self, position: u64) -> bool {
        self.head >= position
    }

    /// The frame at offset 0, to which a SKIP at the head points.
    fn skip(&mut self) -> Result<(), Corrupt> {
        // At offset 0 there is nothing to skip: whatever fits in the ring fits there. Before offset 2 there is no room for a frame.
        let offset = self.geometry.offset(self.head);
        Corrupt::check("the offset of a skip", offset, 2, self.geometry.capacity - 1)?;
        let start = self.head + self.geometry.to_end(self.head);
        // Relaxed: the header behind a skip was written before the skip was committed, and that was acquired.
        let word = self.peer.load(self.geometry.word(start), Ordering::Relaxed);
        let Kind::Data(length) = Header::parse(word, self.largest)? else {
            return Err(Corrupt { what: "the header behind a skip", seen: word, ..DATA_HEADERS });
        };
        // An honest producer has reserved what it skips, the frame and a word more, within one lap.
        let words = frame::words(length);
        Corrupt::check("the words of a frame behind a skip", words, 1, offset - 1)?;
        self.head = start;
        self.last = Last { word, length, words };
        Ok(())
    }

    fn overrun(&self, length: usize) -> Corrupt {
        let most = (self.geometry.to_end(self.head) - 1) * WORD as u64;
        Corrupt { what: "the length of a frame before the end of the ring", seen: length as u64, least: 0, most }
    }

    /// Steps over the frame that [`Consumer::look`] found. The producer is told by [`Consumer::publish`].
    #[inline(always)]
    pub fn release(&mut self, span: Span) {
        debug_assert_eq!(span.offset, (self.geometry.word(self.head) + 1) * WORD, "released out of turn");
        self.head += frame::words(span.length);
    }

    /// Whether enough is withheld that the producer should be told (rule 5).
    #[must_use]
    #[inline]
    pub fn publish_is_due(&self) -> bool {
        self.head - self.published >= self.geometry.lazy
    }

    /// Tells the producer what was released; `false` if it knows. Whoever waits for room must be woken then.
    #[inline]
    pub fn publish(&mut self) -> bool {
        if self.head == self.published {
            return false;
        }
        // Release, with the producer's acquire in `Producer::refresh`: our reads of what is released are over.
        self.own.store(self.geometry.head, self.head, Ordering::Release);
        self.published = self.head;
        true
    }

    /// Copies out of the producer's memory from `offset` of the payload on. It may be torn by a lying producer.
    ///
    /// # Panics
    ///
    /// If `to` reaches beyond the payload.
    #[inline(always)]
    pub fn copy_out(&self, span: Span, offset: usize, to: &mut [u8]) {
        if to.len() > span.length || offset > span.length - to.len() {
            overflow(to.len(), offset, span.length);
        }
        self.peer.copy_out(span.offset + offset, to);
    }

    /// Word `at` of the payload, unordered.
    ///
    /// # Panics
    ///
    /// If the payload ends before it.
    #[inline(always)]
    pub fn word(&self, span: Span, at: usize) -> u64 {
        if (at + 1) * WORD > span.length {
            overflow(WORD, at * WORD, span.length);
        }
        self.peer.load(span.offset / WORD + at, Ordering::Relaxed)
    }

    /// The memory that the frames lie in.
    pub(crate) fn memory(&self) -> &Foreign<M> {
        &self.peer
    }

    /// The next frame, to be read in place and released by dropping it.
    ///
    /// # Errors
    ///
    /// See [`PeekError`].
    pub fn peek(&mut self) -> Result<Frame<'_, M>, PeekError> {
        match self.look() {
            Ok(span) => Ok(Frame { consumer: self, span }),
            Err(error) => {
                self.publish();
                Err(error)
            }
        }
    }

    /// Copies the next payload to `to`, which is resized to it, and releases it.
    ///
    /// # Errors
    ///
    /// See [`PeekError`].
    pub fn pop(&mut self, to: &mut Vec<u8>) -> Result<(), PeekError> {
        let frame = self.peek()?;
        to.resize(frame.len(), 0);
        frame.copy_to(0, to);
        Ok(())
    }
}

#[cold]
#[inline(never)]
fn overflow(bytes: usize, offset: usize, length: usize) -> ! {
    panic!("{bytes} bytes at {offset} of a message of {length}")
}

/// What the header behind a skip may be: that of any frame with data.
const DATA_HEADERS: Corrupt = Corrupt { what: "", seen: 0, least: 1 << 32, most: 1 << 32 | u32::MAX as u64 };

/// A frame that is being read; dropping it releases it.
#[derive(Debug)]
#[must_use = "dropping a frame releases it"]
pub struct Frame<'a, M: Memory> {
    consumer: &'a mut Consumer<M>,
    span: Span,
}

impl<M: Memory> Frame<'_, M> {
    /// The length of the payload, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.span.length
    }

    /// Whether the payload is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.span.length == 0
    }

    /// Copies the payload from `offset` on to `to`.
    ///
    /// # Panics
    ///
    /// If `to` reaches beyond the payload.
    pub fn copy_to(&self, offset: usize, to: &mut [u8]) {
        self.consumer.copy_out(self.span, offset, to);
    }
}

impl<M: Memory> Drop for Frame<'_, M> {
    fn drop(&mut self) {
        self.consumer.release(self.span);
        if self.consumer.publish_is_due() {
            self.consumer.publish();
        }
    }
}

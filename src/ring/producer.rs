//! The writing end of a ring.

use core::fmt;

use super::{Corrupt, Geometry, Header, LINE, frame};
use crate::memory::{Foreign, Mapped, Memory, Ordering, Own, WORD};

/// How many lines ahead of the tail are asked for in writing. Enough for a line to arrive before it is written; no more,
/// because the consumer's processor fetches up to twenty lines ahead of its reads and takes back what was asked for
/// earlier. Measured from 1 to 40 (`docs/PERFORMANCE.md`).
const AHEAD: u64 = 4 * LINE;

/// No position is remembered as zeroed: no frame ends there.
const NOWHERE: u64 = u64::MAX;

/// The writing end of a ring.
///
/// Two steps: [`Producer::reserve`] room, write to it, and [`Reservation::commit`] it; or both at once by
/// [`Producer::push`].
#[derive(Debug)]
pub struct Producer<M: Memory> {
    own: Own<M>,
    peer: Foreign<M>,
    geometry: Geometry,
    largest: usize,
    /// Where the next header will stand. Positions count words since the ring was made and never wrap.
    tail: u64,
    /// The consumer's head, when last read.
    head: u64,
    /// What may be written now: `head + capacity`, or 0 once `corrupt`, so that the fast path needs no other check.
    limit: u64,
    /// The position that rule 3 zeroed and no frame has overwritten since.
    zeroed: u64,
    /// Whether nothing may be written any more; `limit` is 0 then.
    finished: bool,
    corrupt: Option<Corrupt>,
}

/// Why room could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReserveError {
    /// Not now: the consumer has not released enough.
    Full,
    /// Never: the payload is larger than a frame can be.
    TooLarge {
        /// The payload asked for, in bytes.
        length: usize,
        /// The largest payload of this ring, in bytes.
        largest: usize,
    },
    /// The consumer's head is one that it cannot have reached.
    Corrupt(Corrupt),
}

impl fmt::Display for ReserveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the ring is full"),
            Self::TooLarge { length, largest } => {
                write!(f, "a payload of {length} bytes, the ring takes at most {largest}")
            }
            Self::Corrupt(corrupt) => corrupt.fmt(f),
        }
    }
}

impl std::error::Error for ReserveError {}

impl From<Corrupt> for ReserveError {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt(corrupt)
    }
}

/// Room that was found for a frame: where it starts and how long its payload is. Good until the producer's next claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a claim publishes nothing until it is committed"]
pub struct Claim {
    start: u64,
    length: usize,
}

impl Claim {
    /// The room for payload, in bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// The same room, of which only the first `length` bytes are used.
    ///
    /// # Panics
    ///
    /// If `length` is more than was claimed.
    pub fn shortened(self, length: usize) -> Self {
        assert!(length <= self.length, "{length} bytes of a reservation of {}", self.length);
        Self { length, ..self }
    }
}

impl<M: Memory> Producer<M> {
    /// The writing end of the ring that lies in `own` as `geometry` says, in which nothing has been written.
    ///
    /// # Panics
    ///
    /// If the ring or the head lies outside of the memories.
    #[must_use]
    pub fn new(own: Own<M>, peer: Foreign<M>, geometry: Geometry) -> Self {
        assert!(geometry.ring + geometry.capacity as usize <= own.words(), "the ring lies outside of its memory");
        assert!(geometry.head < peer.words(), "the head lies outside of its memory");
        let largest = geometry.largest_payload();
        let limit = geometry.capacity;
        Self { own, peer, geometry, largest, tail: 0, head: 0, limit, zeroed: NOWHERE, finished: false, corrupt: None }
    }

    /// The largest payload of one frame, in bytes.
    #[must_use]
    pub fn largest(&self) -> usize {
        self.largest
    }

    /// Finds room for a frame with a payload of `length` bytes, if there is some by what is known of the consumer: the
    /// fast path, which reads nothing shared. `None` says that [`Producer::claim`] must be asked.
    #[inline(always)]
    pub fn claim_known(&mut self, length: usize) -> Option<Claim> {
        if length > self.largest {
            return None;
        }
        let (start, end) = self.place(length);
        // Rule 1: the word at the end is part of the claim.
        if end >= self.limit {
            return None;
        }
        if self.zeroed < end {
            self.zeroed = NOWHERE;
        }
        Some(Claim { start, length })
    }

    /// Where a frame would start and end.
    #[inline(always)]
    fn place(&self, length: usize) -> (u64, u64) {
        let words = frame::words(length);
        let to_end = self.geometry.to_end(self.tail);
        let start = if words <= to_end { self.tail } else { self.tail + to_end };
        (start, start + words)
    }

    /// Finds room for a frame with a payload of `length` bytes.
    ///
    /// # Errors
    ///
    /// See [`ReserveError`].
    pub fn claim(&mut self, length: usize) -> Result<Claim, ReserveError> {
        if let Some(corrupt) = self.corrupt {
            return Err(corrupt.into());
        }
        if length > self.largest {
            return Err(ReserveError::TooLarge { length, largest: self.largest });
        }
        let (_, end) = self.place(length);
        if end >= self.limit {
            self.refresh()?;
        }
        self.claim_known(length).ok_or(ReserveError::Full)
    }

    /// Looks how far the consumer has come.
    fn refresh(&mut self) -> Result<(), Corrupt> {
        if self.finished {
            return Ok(());
        }
        // Acquire, with the consumer's release in `Consumer::publish`: its reads of what it released are over.
        let head = self.peer.load(self.geometry.head, Ordering::Acquire);
        match Corrupt::check("the head", head, self.head, self.tail) {
            Ok(head) => {
                self.head = head;
                self.limit = head + self.geometry.capacity;
                Ok(())
            }
            Err(corrupt) => {
                self.corrupt = Some(corrupt);
                self.limit = 0;
                Err(corrupt)
            }
        }
    }

    /// Whether [`Producer::claim`] would find room for `length` bytes, or would find that it never will.
    #[must_use]
    pub fn would_claim(&mut self, length: usize) -> bool {
        !matches!(self.claim(length), Err(ReserveError::Full))
    }

    /// Writes `bytes` at `offset` of the claimed payload.
    ///
    /// # Panics
    ///
    /// If they do not fit.
    #[inline(always)]
    pub fn fill(&mut self, claim: &Claim, offset: usize, bytes: &[u8]) {
        if bytes.len() > claim.length || offset > claim.length - bytes.len() {
            overflow(bytes.len(), offset, claim.length);
        }
        self.own.copy_in(self.payload(claim) + offset, bytes);
    }

    /// The first byte of the claimed payload.
    #[inline(always)]
    fn payload(&self, claim: &Claim) -> usize {
        (self.geometry.word(claim.start) + 1) * WORD
    }

    /// Makes the claimed frame readable.
    #[inline(always)]
    pub fn commit(&mut self, claim: Claim) {
        let (old, end) = (self.tail, claim.start + frame::words(claim.length));
        // Rule 2.
        if end != self.zeroed {
            self.own.store(self.geometry.word(end), Header::NONE, Ordering::Relaxed);
        }
        let mut header = Header::data(claim.length);
        if claim.start != old {
            // Rule 4.
            self.own.store(self.geometry.word(claim.start), header.word(), Ordering::Relaxed);
            header = Header::SKIP;
        }
        // Release, with the consumer's acquire in `Consumer::look_alike` and `Consumer::find`: the payload, the zero and the
        // header behind a skip.
        self.own.store(self.geometry.word(old), header.word(), Ordering::Release);
        self.tail = end;
        if old / LINE != end / LINE {
            self.prepare(old, end);
        }
    }

    /// Rule 3, and the prefetch: work for the next frames, done while this one is on its way, once for each line.
    #[inline(always)]
    fn prepare(&mut self, old: u64, end: u64) {
        let next_line = (end / LINE + 1) * LINE;
        if next_line < self.limit {
            self.own.store(self.geometry.word(next_line), Header::NONE, Ordering::Relaxed);
            self.zeroed = next_line;
        }
        if end + AHEAD < self.limit {
            let mut line = old.max(end.saturating_sub(AHEAD)) / LINE;
            while line < end / LINE {
                line += 1;
                self.own.prefetch_write(self.geometry.word(line * LINE + AHEAD) * WORD);
            }
        }
    }

    /// Says that nothing will follow; every later claim finds the ring full. There is always room for it: the word at the
    /// tail is free (rule 1), and with nothing to follow it needs no zero behind it.
    pub fn finish(&mut self) {
        // Release, with the consumer's acquire in `Consumer::look`: nothing is attached, but one kind of commit is enough.
        self.own.store(self.geometry.word(self.tail), Header::FIN.word(), Ordering::Release);
        self.close();
    }

    /// Has every later claim find the ring full, without a word to the consumer.
    pub fn close(&mut self) {
        self.finished = true;
        self.limit = 0;
    }

    /// Reserves room for a payload of `length` bytes.
    ///
    /// # Errors
    ///
    /// See [`ReserveError`].
    pub fn reserve(&mut self, length: usize) -> Result<Reservation<'_, M>, ReserveError> {
        let claim = self.claim(length)?;
        Ok(Reservation { producer: self, claim })
    }

    /// Copies a payload into the ring and commits it.
    ///
    /// # Errors
    ///
    /// See [`ReserveError`]. Nothing was written then.
    #[inline]
    pub fn push(&mut self, payload: &[u8]) -> Result<(), ReserveError> {
        let claim = match self.claim_known(payload.len()) {
            Some(claim) => claim,
            None => self.claim(payload.len())?,
        };
        self.fill(&claim, 0, payload);
        self.commit(claim);
        Ok(())
    }

    /// What the consumer said that no honest one would, if a claim has found that.
    #[must_use]
    pub fn lie(&self) -> Option<Corrupt> {
        self.corrupt
    }

    /// How far this has been committed, in words.
    #[must_use]
    #[inline(always)]
    pub fn position(&self) -> u64 {
        self.tail
    }

    /// A look at how full the ring is, for another thread: given the position, how many words the consumer has not released.
    pub fn gauge(&self) -> impl Fn(u64) -> u64 + use<M> {
        let (peer, geometry) = (self.peer.clone(), self.geometry);
        // A peer may say anything: then this says what can be.
        move |tail| tail.saturating_sub(peer.load(geometry.head, Ordering::Relaxed)).min(geometry.capacity)
    }

    /// How many words the consumer had not yet released when it was last looked at: at most the capacity.
    #[must_use]
    pub fn occupied(&self) -> u64 {
        self.tail - self.head
    }
}

#[cold]
#[inline(never)]
fn overflow(bytes: usize, offset: usize, length: usize) -> ! {
    panic!("{bytes} bytes at {offset} of a reservation of {length}")
}

impl Producer<Mapped> {
    /// The claimed payload, to be written in place.
    pub(crate) fn lend(&mut self, claim: &Claim) -> &mut [u8] {
        let offset = self.payload(claim);
        self.own.lend(offset, claim.length)
    }
}

/// Room in a ring; [`Reservation::commit`] makes it a frame, dropping it publishes nothing.
#[derive(Debug)]
#[must_use = "a reservation publishes nothing until it is committed"]
pub struct Reservation<'a, M: Memory> {
    producer: &'a mut Producer<M>,
    claim: Claim,
}

impl<M: Memory> Reservation<'_, M> {
    /// Writes `bytes` at `offset` of the payload.
    ///
    /// # Panics
    ///
    /// If they do not fit.
    pub fn write_at(&mut self, offset: usize, bytes: &[u8]) {
        self.producer.fill(&self.claim, offset, bytes);
    }

    /// Makes the frame readable.
    pub fn commit(self) {
        self.producer.commit(self.claim);
    }

    /// Makes a frame of the first `length` bytes readable.
    ///
    /// # Panics
    ///
    /// If `length` is more than was reserved.
    pub fn commit_first(self, length: usize) {
        self.producer.commit(self.claim.shortened(length));
    }
}

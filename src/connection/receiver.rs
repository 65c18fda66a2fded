//! The end that receives.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::counters::ReceiverCounters;
use super::error::{ReadyError, RecvIntoError, RecvTimeoutError, TryRecvError, endless};
use super::established::Shared;
use crate::channel::{End, Incoming, NextError};
use crate::memory::Mapped;
use crate::os::clock::Deadline;
use crate::ring::Span;
use crate::wait::WaitStrategy;

/// The receiving end of a connection: `Send`, not `Sync`, no lock and no system call while messages come.
///
/// Dropping it makes the peer's sends fail with [`End::Closed`].
///
/// Whatever the peer writes, a receiver never reads outside of the region, never blocks past its deadline, and reports the
/// first thing that no honest peer would write as [`End::Corrupt`], for good.
#[derive(Debug)]
pub struct Receiver {
    incoming: Incoming<Mapped>,
    shared: Arc<Shared>,
}

/// Whether a receiver's descriptor is worth waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a receiver that is ready will not make its descriptor readable"]
pub enum Readiness {
    /// Nothing yet. The descriptor becomes readable when a message comes or the peer leaves or dies.
    Armed,
    /// There is a message, or the end: receive, do not wait.
    Ready,
}

impl Receiver {
    pub(super) fn new(incoming: Incoming<Mapped>, shared: Arc<Shared>) -> Self {
        Self { incoming, shared }
    }

    /// The end below, for what is built on connections.
    #[inline]
    pub(crate) fn incoming(&mut self) -> &mut Incoming<Mapped> {
        &mut self.incoming
    }

    /// Tells of an end that was found above.
    pub(crate) fn tell(&self, end: End) {
        end.tell(&self.shared.link);
    }

    /// What this end has counted.
    #[must_use]
    pub fn counters(&self) -> ReceiverCounters {
        ReceiverCounters {
            messages: self.incoming.received(),
            bytes: self.incoming.bytes(),
            sleeps: self.incoming.sleeps(),
            wakes: self.incoming.wakes(),
        }
    }

    /// Receives a message, waiting for it as long as it takes.
    ///
    /// # Errors
    ///
    /// If nothing will come any more, see [`End`].
    #[inline]
    pub fn recv(&mut self) -> Result<Message<'_>, End> {
        let span = self.incoming.next(Deadline::NEVER).map_err(endless)?;
        Ok(Message { receiver: self, span })
    }

    /// Receives a message if one has come.
    ///
    /// # Errors
    ///
    /// If none has come yet, or none will.
    #[inline]
    pub fn try_recv(&mut self) -> Result<Message<'_>, TryRecvError> {
        let span = self.try_next()?;
        Ok(Message { receiver: self, span })
    }

    #[inline]
    fn try_next(&mut self) -> Result<Span, NextError> {
        match self.incoming.try_next() {
            Err(NextError::Empty) if self.shared.way.pull() => self.incoming.try_next(),
            result => result,
        }
    }

    /// Receives a message, waiting for it for at most `timeout`.
    ///
    /// # Errors
    ///
    /// If none has come in time, or none will.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Message<'_>, RecvTimeoutError> {
        self.recv_until(Deadline::after(timeout))
    }

    /// Receives a message, waiting for it until `deadline`.
    ///
    /// # Errors
    ///
    /// If none has come in time, or none will.
    pub fn recv_deadline(&mut self, deadline: Instant) -> Result<Message<'_>, RecvTimeoutError> {
        self.recv_until(Deadline::at(deadline))
    }

    fn recv_until(&mut self, deadline: Deadline) -> Result<Message<'_>, RecvTimeoutError> {
        let span = self.incoming.next(deadline)?;
        Ok(Message { receiver: self, span })
    }

    /// Receives a message into `buffer`, waiting for it as long as it takes; returns its length.
    ///
    /// # Errors
    ///
    /// If nothing will come any more, or the message is longer than `buffer`. Then it stays: the next receive finds it.
    #[inline]
    pub fn recv_into(&mut self, buffer: &mut [u8]) -> Result<usize, RecvIntoError> {
        let span = self.incoming.next(Deadline::NEVER).map_err(endless)?;
        self.take_into(span, buffer)
    }

    /// Copies a message that was found to `buffer`, and releases it; it stays if it is too long.
    #[inline]
    pub(crate) fn take_into(&mut self, span: Span, buffer: &mut [u8]) -> Result<usize, RecvIntoError> {
        let length = span.length();
        let Some(to) = buffer.get_mut(..length) else {
            return Err(RecvIntoError::TooSmall { length, buffer: buffer.len() });
        };
        self.incoming.copy_out(span, 0, to);
        self.incoming.release(span);
        Ok(length)
    }

    /// Hands up to `most` messages that have come to `take`, without waiting; returns how many.
    ///
    /// # Errors
    ///
    /// If there is none and none will come any more.
    pub fn drain(&mut self, most: usize, mut take: impl FnMut(&Message<'_>)) -> Result<usize, End> {
        for taken in 0..most {
            match self.try_next() {
                Ok(span) => take(&Message { receiver: self, span }),
                Err(NextError::End(end)) if taken == 0 => return Err(end),
                Err(_) => return Ok(taken),
            }
        }
        Ok(most)
    }

    /// Prepares to wait in `poll(2)`, `epoll(7)` or the like for the descriptor of [`Receiver::as_fd`] to become readable.
    ///
    /// It becomes so once for each call of this: take what there is with [`Receiver::try_recv`], then call this again
    /// before waiting again. A loop that is driven in this way costs the sender one system call for each time that the
    /// receiver waits, and one fence for each message. If more than 64 messages have come without a sleep before the first
    /// call, that call takes a millisecond: until then the sender left out its fence.
    ///
    /// ```
    /// # let (here, there) = twinring::pair()?;
    /// # let (mut sender, _) = here.split();
    /// # let (_, mut receiver) = there.split();
    /// use twinring::Readiness;
    ///
    /// assert_eq!(receiver.arm()?, Readiness::Armed); // now poll it
    /// sender.send(b"wake up")?;                      // makes it readable
    /// assert_eq!(receiver.arm()?, Readiness::Ready); // there is something to receive
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If this side promised never to sleep.
    pub fn arm(&mut self) -> Result<Readiness, ReadyError> {
        if self.shared.wait == WaitStrategy::Spin {
            return Err(ReadyError::Spins);
        }
        self.shared.hear();
        Ok(if self.announce() { Readiness::Armed } else { Readiness::Ready })
    }

    /// Asks for the descriptor to become readable; `false` if there is something to receive. The pokes stay on it.
    pub(crate) fn announce(&mut self) -> bool {
        self.shared.way.pull();
        self.incoming.arm()
    }

    /// Looks for the next message now, also where it lies in no ring yet.
    pub(crate) fn look(&mut self) -> Result<Span, NextError> {
        self.try_next()
    }

    /// The message that a look has found.
    pub(crate) fn message(&mut self, span: Span) -> Message<'_> {
        Message { receiver: self, span }
    }
}

impl AsFd for Receiver {
    /// To be polled for reading after [`Receiver::arm`], and for nothing else.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.way.descriptor().as_fd()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.incoming.leave();
        self.shared.way.receiver_left();
    }
}

/// A message that is being received: it lies in shared memory, and its room goes back to the sender when this is dropped.
///
/// The peer can write there at any time. A message is therefore read by copying: what was copied does not change any
/// more. An honest peer does not write a message that has not been released.
///
/// In a child that was forked while it lived, it may only be dropped (and asked for its length): it stands for memory that is
/// not mapped there. To read it there is as wrong as to use any pointer to such memory, for which whoever forks answers.
#[must_use = "dropping a message releases it"]
pub struct Message<'a> {
    receiver: &'a mut Receiver,
    span: Span,
}

impl Message<'_> {
    /// The length of the message, in bytes.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.span.length()
    }

    /// Whether the message is empty.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies the whole message to the beginning of `to`.
    ///
    /// # Panics
    ///
    /// If `to` is shorter than the message.
    #[inline]
    pub fn copy_to(&self, to: &mut [u8]) {
        self.receiver.incoming.copy_out(self.span, 0, &mut to[..self.span.length()]);
    }

    /// Copies the message from `offset` on to `to`.
    ///
    /// # Panics
    ///
    /// If `to` reaches beyond the message.
    #[inline]
    pub fn read_at(&self, offset: usize, to: &mut [u8]) {
        self.receiver.incoming.copy_out(self.span, offset, to);
    }

    /// A copy of the message.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len()];
        self.copy_to(&mut bytes);
        bytes
    }

    /// Where the message lies, aligned to 8 bytes. Reading through this pointer races with a peer that lies.
    #[must_use]
    pub fn as_ptr(&self) -> *const u8 {
        self.receiver.incoming.memory().pointer(self.span.offset(), self.span.length())
    }

    /// The message in place, without a copy.
    ///
    /// # Safety
    ///
    /// The peer must not write to the message while the slice lives: trust it as you trust a thread of this process. An
    /// honest peer does not write a message that has not been released; a lying one can, and that is undefined behaviour.
    #[must_use]
    #[allow(unsafe_code)]
    pub unsafe fn as_slice(&self) -> &[u8] {
        // SAFETY: the caller answers for the peer.
        unsafe { self.receiver.incoming.memory().slice(self.span.offset(), self.span.length()) }
    }
}

impl Drop for Message<'_> {
    #[inline]
    fn drop(&mut self) {
        self.receiver.incoming.release(self.span);
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("len", &self.len()).finish_non_exhaustive()
    }
}

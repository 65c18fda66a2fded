//! The end that sends.

use std::io::IoSlice;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::counters::SenderCounters;
use super::error::{SendError, SendTimeoutError, TrySendError};
use super::established::Shared;
use crate::channel::{ClaimError, End, Outgoing};
use crate::ledger::Entry;
use crate::memory::Mapped;
use crate::os::clock::Deadline;
use crate::ring::Claim;
use crate::wait::{Attention, Link, Notice, State, WaitStrategy};

/// The sending end of a connection: `Send`, not `Sync`, no lock and no system call on the way of a message.
///
/// What was sent is in shared memory: the peer receives it even if this process dies right after. (Over a socket, it is on its
/// way: what the socket had no room for dies with this process, so end with [`Sender::finish`].) Dropping the sender
/// says that nothing will follow; the peer receives what was sent and then [`End::Closed`](crate::End::Closed).
///
/// ```
/// let (here, there) = twinring::pair()?;
/// let (mut sender, _) = here.split();
/// let (_, mut receiver) = there.split();
///
/// sender.send(b"three coins")?;
/// assert_eq!(receiver.recv()?.to_vec(), b"three coins");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Sender {
    outgoing: Outgoing<Mapped>,
    shared: Arc<Shared>,
}

impl Sender {
    pub(super) fn new(outgoing: Outgoing<Mapped>, shared: Arc<Shared>) -> Self {
        Self { outgoing, shared }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// How the sides wait, and whether the peer lives.
    pub(crate) fn waiting(&self) -> (WaitStrategy, &Link<Mapped>) {
        (self.shared.wait, &self.shared.link)
    }

    /// Where the connection is counted, if others may see it, for what is built on it.
    pub(crate) fn entry(&self) -> Option<&Arc<Entry>> {
        self.shared.entry.as_ref()
    }

    /// A call to whoever rests on the doorbell.
    pub(crate) fn attention(&self) -> &Attention<Mapped> {
        &self.shared.attention
    }

    /// Sends `header` and the concatenation of `parts` as one message, waiting for room until the deadline.
    #[inline]
    pub(crate) fn send_headed<'a, const N: usize>(
        &mut self,
        header: &[u8; N],
        parts: impl Iterator<Item = &'a [u8]>,
        length: usize,
        deadline: Option<Deadline>,
    ) -> Result<(), ClaimError> {
        let claim = match (self.outgoing.claim_known(N + length), deadline) {
            (Some(claim), _) => claim,
            (None, Some(deadline)) => self.outgoing.claim(N + length, deadline)?,
            (None, None) => self.outgoing.claim_or_learn(N + length)?,
        };
        let mut offset = N;
        for part in parts {
            self.outgoing.fill(&claim, offset, part);
            offset += part.len();
        }
        // Last, and next to the header of the frame: see `memory::copy`.
        self.outgoing.fill(&claim, 0, header);
        self.commit(claim);
        Ok(())
    }

    /// Says early that this end will wait for room by its descriptor.
    pub(crate) fn expect_announcing(&mut self) {
        self.outgoing.expect_arming();
    }

    /// Asks for the descriptor to become readable once there is room for `length` bytes; `false` if there is room, or the end.
    pub(crate) fn announce(&mut self, length: usize) -> bool {
        self.outgoing.arm(length)
    }

    /// The same once the receiver has left.
    pub(crate) fn announce_departure(&mut self) -> bool {
        self.outgoing.arm_for_departure()
    }

    /// After [`Sender::leave`]: whether the receiver has left in order, and so has received everything; `None` if not yet.
    pub(crate) fn departed(&mut self) -> Option<Result<(), End>> {
        match self.outgoing.await_departure(Deadline::after(Duration::ZERO)) {
            Ok(()) => Some(Ok(())),
            Err(ClaimError::End(end)) => Some(Err(end)),
            Err(_) => None,
        }
    }

    /// Finds room for a message, or learns that there will be none.
    pub(crate) fn look(&mut self, length: usize) -> Result<Claim, ClaimError> {
        match self.outgoing.claim_known(length) {
            Some(claim) => Ok(claim),
            None => self.outgoing.claim_or_learn(length),
        }
    }

    /// The room that a look has found, to be written in place.
    pub(crate) fn reservation(&mut self, claim: Claim) -> Reservation<'_> {
        Reservation { sender: self, claim }
    }

    /// Leaves in order, as dropping does.
    pub(crate) fn leave(&mut self) {
        let notice = self.outgoing.finish();
        self.poke(notice);
    }

    /// The largest message, in bytes: a little less than 7/16 of the ring.
    #[must_use]
    pub fn largest(&self) -> usize {
        self.outgoing.largest()
    }

    /// What this end has counted.
    #[must_use]
    pub fn counters(&self) -> SenderCounters {
        SenderCounters {
            messages: self.outgoing.sent(),
            bytes: self.outgoing.bytes(),
            times_full: self.outgoing.times_full(),
            sleeps: self.outgoing.sleeps(),
            wakes: self.outgoing.wakes(),
        }
    }

    /// Sends a message, waiting for room as long as it takes.
    ///
    /// # Errors
    ///
    /// If it is too large, or nothing can be sent any more. Then it was not sent.
    #[inline]
    pub fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        let claim = self.claim(message.len())?;
        self.write(claim, message);
        Ok(())
    }

    #[inline(always)]
    fn claim(&mut self, length: usize) -> Result<Claim, SendError> {
        match self.outgoing.claim_known(length) {
            Some(claim) => Ok(claim),
            None => self.outgoing.claim(length, Deadline::NEVER).map_err(SendError::from_endless),
        }
    }

    #[inline(always)]
    fn try_claim(&mut self, length: usize) -> Result<Claim, ClaimError> {
        match self.outgoing.claim_known(length) {
            Some(claim) => Ok(claim),
            None => self.outgoing.try_claim(length),
        }
    }

    /// Sends a message if there is room for it now.
    ///
    /// # Errors
    ///
    /// If there is no room, it is too large, or nothing can be sent any more. Then it was not sent.
    #[inline]
    pub fn try_send(&mut self, message: &[u8]) -> Result<(), TrySendError> {
        let claim = self.try_claim(message.len())?;
        self.write(claim, message);
        Ok(())
    }

    /// Sends a message, waiting for room for at most `timeout`.
    ///
    /// # Errors
    ///
    /// As [`Sender::send`], or if there was no room in time. Then it was not sent.
    pub fn send_timeout(&mut self, message: &[u8], timeout: Duration) -> Result<(), SendTimeoutError> {
        self.send_until(message, Deadline::after(timeout))
    }

    /// Sends a message, waiting for room until `deadline`.
    ///
    /// # Errors
    ///
    /// As [`Sender::send`], or if there was no room in time. Then it was not sent.
    pub fn send_deadline(&mut self, message: &[u8], deadline: Instant) -> Result<(), SendTimeoutError> {
        self.send_until(message, Deadline::at(deadline))
    }

    fn send_until(&mut self, message: &[u8], deadline: Deadline) -> Result<(), SendTimeoutError> {
        let claim = self.outgoing.claim(message.len(), deadline)?;
        self.write(claim, message);
        Ok(())
    }

    /// Sends the concatenation of `parts` as one message, waiting for room as long as it takes.
    ///
    /// # Errors
    ///
    /// As [`Sender::send`].
    pub fn send_vectored(&mut self, parts: &[IoSlice<'_>]) -> Result<(), SendError> {
        // A sum that overflows is too large for any ring.
        let length = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
        let claim = self.claim(length)?;
        let mut offset = 0;
        for part in parts {
            self.outgoing.fill(&claim, offset, part);
            offset += part.len();
        }
        self.commit(claim);
        Ok(())
    }

    /// Room for a message of `length` bytes, to be written in place; waits for it as long as it takes.
    ///
    /// ```
    /// # let (here, there) = twinring::pair()?;
    /// # let (mut sender, _) = here.split();
    /// # let (_, mut receiver) = there.split();
    /// let mut room = sender.reserve(64)?;
    /// room.as_mut_slice()[..5].copy_from_slice(b"hello");
    /// room.commit_first(5);
    /// # assert_eq!(receiver.recv()?.to_vec(), b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Sender::send`].
    #[inline]
    pub fn reserve(&mut self, length: usize) -> Result<Reservation<'_>, SendError> {
        let claim = self.claim(length)?;
        Ok(Reservation { sender: self, claim })
    }

    /// Room for a message of `length` bytes, waiting for at most `timeout`.
    ///
    /// # Errors
    ///
    /// As [`Sender::send_timeout`].
    pub fn reserve_timeout(&mut self, length: usize, timeout: Duration) -> Result<Reservation<'_>, SendTimeoutError> {
        let claim = self.outgoing.claim(length, Deadline::after(timeout))?;
        Ok(Reservation { sender: self, claim })
    }

    /// Room for a message of `length` bytes, if there is any now.
    ///
    /// # Errors
    ///
    /// As [`Sender::try_send`].
    #[inline]
    pub fn try_reserve(&mut self, length: usize) -> Result<Reservation<'_>, TrySendError> {
        let claim = self.try_claim(length)?;
        Ok(Reservation { sender: self, claim })
    }

    /// Many messages, one notification: a sleeping receiver is woken when the batch is dropped or flushed, or has to wait
    /// for room. A receiver that is awake sees each message at once.
    ///
    /// ```
    /// # let (here, there) = twinring::pair()?;
    /// # let (mut sender, _) = here.split();
    /// # let (_, mut receiver) = there.split();
    /// let mut batch = sender.batch();
    /// for price in [101_u64, 102, 103] {
    ///     batch.push(&price.to_le_bytes())?;
    /// }
    /// drop(batch);
    /// assert_eq!(receiver.drain(10, |_| ())?, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn batch(&mut self) -> Batch<'_> {
        Batch { sender: self, quiet: 0 }
    }

    /// Says that nothing will follow, as dropping the sender does, and waits until the peer has received everything and
    /// dropped its receiver.
    ///
    /// # Errors
    ///
    /// If the peer died first: then nobody knows how much it received.
    pub fn finish(mut self) -> Result<(), End> {
        self.leave();
        match self.outgoing.await_departure(Deadline::NEVER) {
            Err(ClaimError::End(end)) => Err(end),
            _ => Ok(()),
        }
    }

    #[inline]
    fn write(&mut self, claim: Claim, message: &[u8]) {
        self.outgoing.fill(&claim, 0, message);
        self.commit(claim);
    }

    #[inline]
    fn commit(&mut self, claim: Claim) {
        self.outgoing.commit_quietly(claim);
        self.ring();
    }

    #[inline]
    fn ring(&mut self) {
        let notice = self.outgoing.ring();
        if notice != Notice::Done {
            self.poke(notice);
        }
    }

    #[cold]
    fn poke(&self, notice: Notice) {
        if notice == Notice::Poke {
            self.shared.way.poke();
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.leave();
        self.shared.way.sender_left();
    }
}

/// Room for one message in the ring. [`Reservation::commit`] sends it; dropping the reservation sends nothing.
///
/// In a child that was forked while it lived, it may only be dropped: it stands for memory that is not mapped there. To
/// write to it or commit it there is as wrong as to use any pointer to such memory, for which whoever forks answers.
#[derive(Debug)]
#[must_use = "a reservation sends nothing until it is committed"]
pub struct Reservation<'a> {
    sender: &'a mut Sender,
    claim: Claim,
}

impl Reservation<'_> {
    /// How many bytes were reserved.
    #[must_use]
    pub fn len(&self) -> usize {
        self.claim.length()
    }

    /// Whether no bytes were reserved.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of the message: in shared memory, where the peer can read them but is not to look before the commit. They
    /// hold whatever this side wrote there last.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        self.sender.outgoing.lend(&self.claim)
    }

    /// Copies `bytes` to `offset` of the message.
    ///
    /// # Panics
    ///
    /// If they do not fit.
    #[inline]
    pub fn write_at(&mut self, offset: usize, bytes: &[u8]) {
        self.sender.outgoing.fill(&self.claim, offset, bytes);
    }

    /// Sends the message.
    #[inline]
    pub fn commit(self) {
        self.sender.commit(self.claim);
    }

    /// Sends the first `length` bytes as the message.
    ///
    /// # Panics
    ///
    /// If `length` is more than was reserved.
    #[inline]
    pub fn commit_first(self, length: usize) {
        self.sender.commit(self.claim.shortened(length));
    }
}

/// Messages that share one notification; see [`Sender::batch`].
///
/// In a child that was forked while it lived, it is as inert as its sender: nothing can be added to it, and dropping it wakes
/// nobody.
#[derive(Debug)]
#[must_use = "a batch wakes the receiver when it is dropped"]
pub struct Batch<'a> {
    sender: &'a mut Sender,
    /// How many messages a sleeping receiver has not been told of.
    quiet: usize,
}

impl Batch<'_> {
    /// Adds a message, waiting for room as long as it takes.
    ///
    /// # Errors
    ///
    /// As [`Sender::send`].
    #[inline]
    pub fn push(&mut self, message: &[u8]) -> Result<(), SendError> {
        let claim = match self.sender.try_claim(message.len()) {
            Err(ClaimError::Full) => {
                // The receiver can only make room if it is awake.
                self.flush();
                self.sender.claim(message.len())?
            }
            result => result.map_err(SendError::from_endless)?,
        };
        self.write(claim, message);
        Ok(())
    }

    /// Adds a message if there is room for it now.
    ///
    /// # Errors
    ///
    /// As [`Sender::try_send`].
    #[inline]
    pub fn try_push(&mut self, message: &[u8]) -> Result<(), TrySendError> {
        let claim = self.sender.try_claim(message.len())?;
        self.write(claim, message);
        Ok(())
    }

    #[inline]
    fn write(&mut self, claim: Claim, message: &[u8]) {
        self.sender.outgoing.fill(&claim, 0, message);
        self.sender.outgoing.commit_quietly(claim);
        self.quiet += 1;
    }

    /// Wakes the receiver, if it sleeps, for what was added so far.
    pub fn flush(&mut self) {
        // In a forked child the words of the doorbell are not mapped.
        if std::mem::take(&mut self.quiet) > 0 && self.sender.shared.link.state() != State::Forked {
            self.sender.ring();
        }
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.flush();
    }
}

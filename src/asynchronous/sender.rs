//! The end that sends, for a task.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{coop::consume_budget, yield_now};

use super::bell::Bell;
use super::linger::Linger;
use crate::channel::{ClaimError, End};
use crate::connection::{self, Reservation, SendError, SenderCounters, TrySendError};
use crate::ring::Claim;

/// The sending end of a connection: as [`crate::Sender`], for a task. While there is room, no system call is made.
#[derive(Debug)]
pub struct Sender {
    inner: connection::Sender,
    bell: Arc<Bell>,
    linger: Duration,
}

impl Sender {
    pub(super) fn new(mut inner: connection::Sender, bell: Arc<Bell>) -> Self {
        inner.expect_announcing();
        Self { inner, bell, linger: Duration::ZERO }
    }

    /// Has each wait look for room for so long, running other tasks in between, before it asks to be woken. Not at all if not
    /// chosen.
    #[must_use]
    pub fn linger(mut self, time: Duration) -> Self {
        self.linger = time;
        self
    }

    async fn claim(&mut self, length: usize) -> Result<Claim, SendError> {
        let mut linger = Linger::new(self.linger);
        loop {
            // Before the look: no await stands between room that was found and its use.
            consume_budget().await;
            match self.inner.look(length) {
                Ok(claim) => return Ok(claim),
                Err(ClaimError::TooLarge { length, largest }) => return Err(SendError::TooLarge { length, largest }),
                Err(ClaimError::End(end)) => return Err(SendError::Ended(end)),
                Err(ClaimError::Full) if linger.goes_on() => yield_now().await,
                Err(ClaimError::Full) => {
                    let Self { inner, bell, .. } = self;
                    bell.wait(|| inner.announce(length)).await?;
                }
            }
        }
    }

    /// Sends a message, waiting for room as long as it takes.
    ///
    /// # Errors
    ///
    /// If it is too large, or nothing can be sent any more ([`End::Disconnected`] also if the runtime is gone). Then it was
    /// not sent.
    ///
    /// # Cancel safety
    ///
    /// A send that is dropped before it is ready has sent nothing; one that is ready has sent the whole message.
    pub async fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        let mut room = self.reserve(message.len()).await?;
        room.write_at(0, message);
        room.commit();
        Ok(())
    }

    /// Room for a message of `length` bytes, to be written in place; waits for it as long as it takes.
    ///
    /// # Errors
    ///
    /// As [`Sender::send`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is sent before the reservation is committed, and dropping it sends nothing.
    pub async fn reserve(&mut self, length: usize) -> Result<Reservation<'_>, SendError> {
        let claim = self.claim(length).await?;
        Ok(self.inner.reservation(claim))
    }

    /// Waits until there is room for a message of `length` bytes: then [`Sender::try_send`] will find it.
    ///
    /// # Errors
    ///
    /// As [`Sender::send`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is sent.
    pub async fn ready(&mut self, length: usize) -> Result<(), SendError> {
        self.claim(length).await.map(drop)
    }

    /// Sends a message if there is room for it now.
    ///
    /// # Errors
    ///
    /// If there is no room, it is too large, or nothing can be sent any more. Then it was not sent.
    pub fn try_send(&mut self, message: &[u8]) -> Result<(), TrySendError> {
        self.inner.try_send(message)
    }

    /// Says that nothing will follow, as dropping the sender does, and waits until the peer has received everything and dropped
    /// its receiver.
    ///
    /// # Errors
    ///
    /// If the peer died first, or the runtime is gone: then nobody knows how much was received.
    ///
    /// # Cancel safety
    ///
    /// What was sent is received all the same; only whether it was is not known.
    pub async fn finish(mut self) -> Result<(), End> {
        self.inner.leave();
        loop {
            if let Some(departed) = self.inner.departed() {
                return departed;
            }
            let Self { inner, bell, .. } = &mut self;
            bell.wait(|| inner.announce_departure()).await?;
        }
    }

    /// The largest message, in bytes.
    #[must_use]
    pub fn largest(&self) -> usize {
        self.inner.largest()
    }

    /// What this end has counted.
    #[must_use]
    pub fn counters(&self) -> SenderCounters {
        self.inner.counters()
    }
}

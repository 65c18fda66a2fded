//! The end that receives, for a task.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{coop::consume_budget, yield_now};

use super::bell::Bell;
use super::linger::Linger;
use crate::channel::{End, NextError};
use crate::connection::{self, Message, ReceiverCounters, RecvIntoError, TryRecvError};
use crate::ring::Span;

/// The receiving end of a connection: as [`crate::Receiver`], for a task. While messages come, no system call is made.
///
/// A task that receives without end lets others run in between, as tokio's own types do.
#[derive(Debug)]
pub struct Receiver {
    inner: connection::Receiver,
    bell: Arc<Bell>,
    linger: Duration,
}

impl Receiver {
    pub(super) fn new(inner: connection::Receiver, bell: Arc<Bell>) -> Self {
        Self { inner, bell, linger: Duration::ZERO }
    }

    /// Has each wait look for a message for so long, running other tasks in between, before it asks to be woken: that saves
    /// both sides system calls, and uses the processor meanwhile. Not at all if not chosen.
    #[must_use]
    pub fn linger(mut self, time: Duration) -> Self {
        self.linger = time;
        self
    }

    /// Waits until there is a message, or the end: then [`Receiver::try_recv`] has it.
    ///
    /// # Errors
    ///
    /// If nothing will come any more, see [`End`]. [`End::Disconnected`] also if the runtime is gone.
    ///
    /// # Cancel safety
    ///
    /// Nothing is taken.
    pub async fn ready(&mut self) -> Result<(), End> {
        self.find().await.map(drop)
    }

    async fn find(&mut self) -> Result<Span, End> {
        let mut linger = Linger::new(self.linger);
        loop {
            // Before the look: no await stands between a message that was found and its receiver.
            consume_budget().await;
            match self.inner.look() {
                Ok(span) => return Ok(span),
                Err(NextError::End(end)) => return Err(end),
                Err(NextError::Empty) if linger.goes_on() => yield_now().await,
                Err(NextError::Empty) => {
                    let Self { inner, bell, .. } = self;
                    bell.wait(|| inner.announce()).await?;
                }
            }
        }
    }

    /// Receives a message, waiting for it as long as it takes.
    ///
    /// # Errors
    ///
    /// As [`Receiver::ready`].
    ///
    /// # Cancel safety
    ///
    /// A receive that is dropped before it is ready has taken nothing: the next one has the message.
    pub async fn recv(&mut self) -> Result<Message<'_>, End> {
        let span = self.find().await?;
        Ok(self.inner.message(span))
    }

    /// Receives a message into `buffer`, waiting for it as long as it takes; its length.
    ///
    /// # Errors
    ///
    /// As [`Receiver::ready`], or if the message is longer than `buffer`. Then it stays: the next receive finds it.
    ///
    /// # Cancel safety
    ///
    /// As [`Receiver::recv`]; nothing was written to `buffer` then.
    pub async fn recv_into(&mut self, buffer: &mut [u8]) -> Result<usize, RecvIntoError> {
        let span = self.find().await?;
        self.inner.take_into(span, buffer)
    }

    /// A copy of the next message; `None` once the peer has left in order and everything was received. For loops:
    /// `while let Some(message) = receiver.next().await`. Where a stream is wanted, the crate `futures-util` makes one of it:
    ///
    /// ```
    /// use futures_util::stream::{TryStreamExt, unfold};
    /// # use twinring::asynchronous;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// # runtime.block_on(async {
    /// # let (here, there) = twinring::pair()?;
    /// # let (mut sender, _) = asynchronous::split(here)?;
    /// # let (_, receiver) = asynchronous::split(there)?;
    /// # for coin in [b"one", b"two"] {
    /// #     sender.send(coin).await?;
    /// # }
    /// # drop(sender);
    /// let messages = unfold(receiver, async |mut receiver| Some((receiver.next().await?, receiver)));
    /// let all: Vec<Vec<u8>> = messages.try_collect().await?;
    /// assert_eq!(all, [b"one", b"two"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Receiver::ready`], but for [`End::Closed`].
    ///
    /// # Cancel safety
    ///
    /// As [`Receiver::recv`].
    pub async fn next(&mut self) -> Option<Result<Vec<u8>, End>> {
        match self.recv().await {
            Ok(message) => Some(Ok(message.to_vec())),
            Err(End::Closed) => None,
            Err(end) => Some(Err(end)),
        }
    }

    /// Receives a message if one has come.
    ///
    /// # Errors
    ///
    /// If none has come yet, or none will.
    pub fn try_recv(&mut self) -> Result<Message<'_>, TryRecvError> {
        self.inner.try_recv()
    }

    /// What this end has counted.
    #[must_use]
    pub fn counters(&self) -> ReceiverCounters {
        self.inner.counters()
    }
}

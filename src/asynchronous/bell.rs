//! The descriptor of a connection, for the two tasks that may wait for it.
//!
//! Pokes for the receiver and for the sender come on the same socket, and whoever is woken takes all of them off. So each says
//! so to the other, who was listening before it announced that it waits: a poke that one takes away wakes the other all the same.

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::Notify;

use super::error::StartError;
use super::race::{First, first};
use crate::channel::End;
use crate::connection::Shared;
use crate::os::readiness::Readiness;
use crate::wait::WaitStrategy;

/// What the two ends of a connection wait for.
#[derive(Debug)]
pub(super) struct Bell {
    shared: Arc<Shared>,
    readiness: Readiness,
    heard: Notify,
}

impl Bell {
    pub(super) fn new(shared: &Arc<Shared>) -> Result<Arc<Self>, StartError> {
        if shared.strategy() == WaitStrategy::Spin {
            return Err(StartError::Spins);
        }
        let readiness = Readiness::new(Arc::clone(shared.descriptor())).map_err(StartError::Reactor)?;
        Ok(Arc::new(Self { shared: Arc::clone(shared), readiness, heard: Notify::new() }))
    }

    /// Waits until something has happened, unless `announce` finds that it has.
    pub(super) async fn wait(&self, announce: impl FnOnce() -> bool) -> Result<(), End> {
        let mut heard = pin!(self.heard.notified());
        // Before the announcement, so that what the other end takes off the socket after it is not missed.
        heard.as_mut().enable();
        if !announce() {
            return Ok(());
        }
        match first(heard, self.readiness.wait()).await {
            First::One(()) => Ok(()),
            First::Other(Ok(())) => {
                self.shared.hear();
                self.heard.notify_waiters();
                Ok(())
            }
            // The runtime is gone, and nobody will wake anybody.
            First::Other(Err(_)) => Err(End::Disconnected),
        }
    }
}

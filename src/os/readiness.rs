//! A descriptor that tasks of tokio wait for.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;

/// A descriptor of the reactor of a runtime: the one on which it was made.
#[derive(Debug)]
pub(crate) struct Readiness(AsyncFd<Arc<OwnedFd>>);

impl Readiness {
    /// Of a descriptor that others hold, too.
    ///
    /// # Panics
    ///
    /// If the runtime was built without its reactor.
    pub(crate) fn new(descriptor: Arc<OwnedFd>) -> io::Result<Self> {
        Handle::try_current().map_err(io::Error::other)?;
        // SAFETY: the share of the descriptor that is given away here keeps it open, and is always of the same one.
        let registered = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) };
        registered.map(Self).map_err(|error| error.into_parts().1)
    }

    /// Of another descriptor for the same thing.
    ///
    /// # Panics
    ///
    /// If the runtime was built without its reactor.
    pub(crate) fn of(descriptor: BorrowedFd<'_>) -> io::Result<Self> {
        Self::new(Arc::new(descriptor.try_clone_to_owned()?))
    }

    /// Waits until the descriptor has become readable since the last time, or is hung up. It fails once the runtime is gone.
    pub(crate) async fn wait(&self) -> io::Result<()> {
        // Before anybody looks at what it is about: what comes during the look shows again.
        self.0.readable().await?.clear_ready();
        Ok(())
    }

    /// Whether it is readable now.
    pub(crate) fn is_ready(&self) -> bool {
        let mut entries = [PollFd::from_borrowed_fd(self.0.get_ref().as_fd(), PollFlags::IN)];
        poll(&mut entries, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }
}

//! Events: a descriptor that this process makes readable, and unreadable again; and whether events can be waited for.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};
use rustix::io::Errno;

/// An eventfd of this process alone.
#[derive(Debug)]
pub(crate) struct Event(OwnedFd);

impl Event {
    /// Not readable. It is tried out: who cannot raise it later, on the way of a message, has nobody to tell.
    pub(crate) fn new() -> io::Result<Self> {
        let event = Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        rustix::io::write(&event.0, &1_u64.to_ne_bytes())?;
        rustix::io::read(&event.0, &mut [0; 8])?;
        Ok(event)
    }

    /// Makes the descriptor readable; `false` if a sandbox that was closed later refuses it.
    pub(crate) fn raise(&self) -> bool {
        // Once the count is full, the descriptor is readable.
        matches!(rustix::io::write(&self.0, &1_u64.to_ne_bytes()), Ok(_) | Err(Errno::AGAIN))
    }

    /// Takes that back; `false` if a sandbox that was closed later refuses it.
    pub(crate) fn lower(&self) -> bool {
        // There is nothing to read if it was not raised.
        matches!(rustix::io::read(&self.0, &mut [0; 8]), Ok(_) | Err(Errno::AGAIN))
    }
}

impl AsFd for Event {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Whether this process may wait on an epoll instance: who finds out later, in a thread of its own, has nobody to tell.
pub(crate) fn may_wait(epoll: BorrowedFd<'_>) -> io::Result<()> {
    let mut events = Vec::with_capacity(1);
    epoll::wait(epoll, spare_capacity(&mut events), Some(&Timespec::default()))?;
    Ok(())
}

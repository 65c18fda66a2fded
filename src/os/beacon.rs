//! One descriptor that is readable when a socket is, or when this process says so.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};

/// An epoll instance over a socket and an eventfd: to be polled, not read.
#[derive(Debug)]
pub(crate) struct Beacon {
    epoll: OwnedFd,
    raised: OwnedFd,
}

impl Beacon {
    /// Readable when `socket` is, or while raised.
    pub(crate) fn new(socket: BorrowedFd<'_>) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let raised = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, socket, EventData::new_u64(0), EventFlags::IN | EventFlags::RDHUP)?;
        epoll::add(&epoll, &raised, EventData::new_u64(1), EventFlags::IN)?;
        Ok(Self { epoll, raised })
    }

    /// Makes the descriptor readable.
    pub(crate) fn raise(&self) {
        // It can only fail once the count is full, and then the descriptor is readable.
        let _ = rustix::io::write(&self.raised, &1_u64.to_ne_bytes());
    }

    /// Takes that back.
    pub(crate) fn lower(&self) {
        // It fails if it was not raised.
        let _ = rustix::io::read(&self.raised, &mut [0; 8]);
    }
}

impl AsFd for Beacon {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

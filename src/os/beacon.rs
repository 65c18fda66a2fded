//! One descriptor that is readable when a socket is, or when this process says so.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

use super::event::Event;

/// An epoll instance over a socket and an eventfd: to be polled, not read.
#[derive(Debug)]
pub(crate) struct Beacon {
    epoll: OwnedFd,
    raised: Event,
}

impl Beacon {
    /// Readable when `socket` is, or while raised.
    pub(crate) fn new(socket: BorrowedFd<'_>) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let raised = Event::new()?;
        epoll::add(&epoll, socket, EventData::new_u64(0), EventFlags::IN | EventFlags::RDHUP)?;
        epoll::add(&epoll, raised.as_fd(), EventData::new_u64(1), EventFlags::IN)?;
        Ok(Self { epoll, raised })
    }

    /// Makes the descriptor readable.
    pub(crate) fn raise(&self) {
        self.raised.raise();
    }

    /// Takes that back.
    pub(crate) fn lower(&self) {
        let _ = self.raised.lower();
    }
}

impl AsFd for Beacon {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

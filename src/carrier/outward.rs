//! From the local ring to the socket.

use std::os::fd::BorrowedFd;

use super::stream;
use crate::channel::{End, Incoming, NextError};
use crate::memory::Mapped;
use crate::os::socket;
use crate::ring::Span;

/// No packet is sent that is longer than this part of what the socket may hold: it could never be sent.
const PART_OF_ROOM: usize = 4;

/// Even where the socket holds next to nothing.
const SMALLEST_PACKET: usize = 512;

/// What the user sends, on its way to the socket.
pub(super) struct Outward {
    from: Incoming<Mapped>,
    /// One packet, and how much of it was sent.
    packet: Vec<u8>,
    sent: usize,
    /// The message that is being taken out of the ring, and how far.
    current: Option<(Span, usize)>,
    longest: usize,
    finished: bool,
    said_gone: bool,
    /// Nothing can be sent any more: what the user still sends is thrown away.
    failed: bool,
    /// Whether the ring's doorbell will call us.
    rests: bool,
}

/// Where the two sides stand, for who sends.
#[derive(Clone, Copy)]
pub(super) struct Leavings {
    /// The user will receive nothing more, which the peer is to learn.
    pub(super) user: bool,
    /// The peer will receive nothing more.
    pub(super) peer: bool,
}

impl Outward {
    pub(super) fn new(from: Incoming<Mapped>, socket: BorrowedFd<'_>) -> Self {
        let longest = (socket::send_room(socket) / PART_OF_ROOM).clamp(SMALLEST_PACKET, stream::LONGEST_PACKET);
        let (packet, sent, current) = (Vec::new(), 0, None);
        Self { from, packet, sent, current, longest, finished: false, said_gone: false, failed: false, rests: false }
    }

    /// Whether there is something that the socket has no room for, or no turn was left for.
    pub(super) fn is_pending(&self) -> bool {
        !self.rests && !self.is_over()
    }

    /// Whether nothing can be sent any more.
    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Whether our goodbye was said, or nobody is left to hear it.
    pub(super) fn is_over(&self) -> bool {
        self.finished && self.said_gone && (self.failed || self.sent == self.packet.len())
    }

    /// How often the user was woken, because there is room or nobody to receive.
    pub(super) fn wakes(&self) -> u64 {
        self.from.wakes()
    }

    /// Tells the user that nobody will receive what it sends.
    pub(super) fn leave(&mut self) {
        self.from.leave();
    }

    /// Sends up to `budget` bytes.
    pub(super) fn turn(&mut self, socket: BorrowedFd<'_>, leavings: Leavings, mut budget: usize) {
        while budget > 0 && !self.is_over() {
            if self.sent == self.packet.len() && !self.fill(leavings) {
                return;
            }
            match self.send(socket) {
                Some(sent) => budget = budget.saturating_sub(sent),
                None => return,
            }
        }
    }

    /// Sends what there is of the packet; `None` if there is no room.
    fn send(&mut self, socket: BorrowedFd<'_>) -> Option<usize> {
        let left = &self.packet[self.sent..];
        let sent = if self.failed { left.len() } else { self.try_send(socket)? };
        self.sent += sent;
        Some(sent.max(1))
    }

    fn try_send(&mut self, socket: BorrowedFd<'_>) -> Option<usize> {
        let left = &self.packet[self.sent..];
        socket::send_bytes(socket, left).unwrap_or_else(|error| {
            self.failed = true;
            // The peer is gone. How, is said by what comes from it, to its end. But if we may not send, nothing will end by
            // itself, and what was sent would be lost without a word.
            if !socket::is_hang_up(&error) {
                socket::shut_down(socket);
            }
            Some(left.len())
        })
    }

    /// Makes the next packet; `false` if there is nothing to say, and the doorbell will call us.
    fn fill(&mut self, leavings: Leavings) -> bool {
        self.packet.clear();
        self.sent = 0;
        self.rests = false;
        loop {
            while self.packet.len() + stream::HEADER <= self.longest && self.add(leavings) {}
            if !self.packet.is_empty() {
                return true;
            }
            if self.finished || self.from.rest().is_some() {
                self.rests = true;
                return false;
            }
        }
    }

    /// Adds to the packet; `false` if there is nothing to add now.
    fn add(&mut self, leavings: Leavings) -> bool {
        if let Some((span, at)) = self.current {
            self.current = self.copy(span, at);
        } else if leavings.user && !self.said_gone {
            self.said_gone = true;
            self.packet.extend(stream::gone());
        } else if self.finished {
            return false;
        } else if leavings.peer {
            self.finish();
        } else {
            return self.begin();
        }
        true
    }

    /// Copies what fits of a message; what is left of it.
    fn copy(&mut self, span: Span, at: usize) -> Option<(Span, usize)> {
        let start = self.packet.len();
        let end = span.length().min(at + self.longest - start);
        self.packet.resize(start + end - at, 0);
        self.from.copy_out(span, at, &mut self.packet[start..]);
        if end < span.length() {
            return Some((span, end));
        }
        self.from.release(span);
        None
    }

    fn begin(&mut self) -> bool {
        match self.from.try_next() {
            Ok(span) => {
                self.packet.extend(stream::data(span.length()));
                self.current = Some((span, 0));
            }
            Err(NextError::Empty) => return false,
            // In a forked child nothing is said.
            Err(NextError::End(End::Forked)) => return false,
            Err(NextError::End(_)) => self.finish(),
        }
        true
    }

    fn finish(&mut self) {
        self.finished = true;
        self.packet.extend(stream::fin());
    }
}

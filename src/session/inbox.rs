//! The receiving side of a session: frames in, checked and whole messages out.

use std::os::fd::{AsFd, BorrowedFd};

use super::backlog::Job;
use super::buffers::Buffers;
use super::header::{self, Header, Kind, Status};
use super::hello::Hello;
use super::reassembly::{Place, Reassembly};
use crate::channel::{End, Incoming, NextError};
use crate::connection::Receiver;
use crate::memory::Mapped;
use crate::os::clock::Deadline;
use crate::ring::{Corrupt, Span};

/// The receiver, and what is under way to it.
#[derive(Debug)]
pub(super) struct Inbox {
    receiver: Receiver,
    reassembly: Reassembly,
    /// What the peer accepts; `None` until it has said so, and then it must say nothing else first.
    peer: Option<Hello>,
    end: Option<End>,
    buffers: Buffers,
}

/// What came.
#[derive(Debug)]
pub(super) enum Arrival {
    /// Nothing that anybody waits for: the peer's hello, or a part of a message.
    Part,
    /// A request or an event.
    Job(Job),
    /// What came of a request.
    Reply { id: u64, status: Status, payload: Vec<u8> },
}

/// What came, to somebody who waits for one reply.
#[derive(Debug)]
pub(super) enum Got {
    /// It, as a whole, and it says OK: the payload is where it was wanted.
    It,
    /// Something.
    Other(Arrival),
}

/// What came, to somebody who serves.
#[derive(Debug)]
pub(super) enum Asked {
    /// A whole request, of which no other frame is under way.
    Call { id: u64, selector: u32 },
    /// Something.
    Other(Arrival),
}

impl Inbox {
    pub(super) fn new(receiver: Receiver, accepted: Hello) -> Self {
        Self { receiver, reassembly: Reassembly::new(accepted), peer: None, end: None, buffers: Buffers::default() }
    }

    /// What the peer accepts, once it has said so.
    pub(super) fn peer(&self) -> Option<Hello> {
        self.peer
    }

    pub(super) fn receiver(&mut self) -> &mut Receiver {
        &mut self.receiver
    }

    /// The descriptor that tells of messages, once armed.
    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.receiver.as_fd()
    }

    /// Ends the session for good: this side could not keep its word to the peer.
    pub(super) fn finish(&mut self) {
        self.end.get_or_insert(End::Disconnected);
    }

    /// Takes what has come, if anything.
    pub(super) fn try_next(&mut self) -> Result<Arrival, NextError> {
        self.living()?;
        let span = self.receiver.incoming().try_next()?;
        let words = self.words(span)?;
        self.take(span, words)
    }

    /// Takes what comes, waiting for it until the deadline.
    pub(super) fn next(&mut self, deadline: Deadline) -> Result<Arrival, NextError> {
        self.living()?;
        let span = self.receiver.incoming().next(deadline)?;
        let words = self.words(span)?;
        self.take(span, words)
    }

    /// Takes what comes, waiting for it until the deadline, or not at all.
    pub(super) fn next_if(&mut self, deadline: Option<Deadline>) -> Result<Arrival, NextError> {
        match deadline {
            Some(deadline) => self.next(deadline),
            None => self.try_next(),
        }
    }

    /// The same for somebody who waits for the reply to call `id`, and wants it in `reply`: the fast path.
    #[inline]
    pub(super) fn next_for(&mut self, id: u64, reply: &mut Vec<u8>, deadline: Deadline) -> Result<Got, NextError> {
        self.living()?;
        let span = self.receiver.incoming().next(deadline)?;
        let words = self.words(span)?;
        if words == wanted(id) && self.is_plain(span) {
            copy_out(self.receiver.incoming(), span, reply);
            self.receiver.incoming().release(span);
            return Ok(Got::It);
        }
        self.take(span, words).map(Got::Other)
    }

    /// The same for somebody who serves: a whole request is copied to `request`; the rest as above.
    #[inline]
    pub(super) fn next_call(&mut self, request: &mut Vec<u8>, deadline: Option<Deadline>) -> Result<Asked, NextError> {
        self.living()?;
        let span = match deadline {
            Some(deadline) => self.receiver.incoming().next(deadline)?,
            None => self.receiver.incoming().try_next()?,
        };
        let words = self.words(span)?;
        match Header::whole_call(words) {
            Some((id, selector)) if self.is_plain(span) => {
                copy_out(self.receiver.incoming(), span, request);
                self.receiver.incoming().release(span);
                Ok(Asked::Call { id, selector })
            }
            _ => self.take(span, words).map(Asked::Other),
        }
    }

    /// Whether a whole message in this frame needs no check but that of its header.
    #[inline]
    fn is_plain(&self, span: Span) -> bool {
        let small = span.length() <= header::LENGTH + self.reassembly.largest();
        small && self.peer.is_some() && self.reassembly.under_way() == 0
    }

    #[inline]
    fn living(&self) -> Result<(), NextError> {
        match self.end {
            None => Ok(()),
            Some(end) => Err(NextError::End(end)),
        }
    }

    /// The header, read once: the peer may write what it likes meanwhile.
    #[inline]
    fn words(&mut self, span: Span) -> Result<[u64; 2], NextError> {
        let incoming = self.receiver.incoming();
        if span.length() < header::LENGTH {
            let least = header::LENGTH as u64;
            let what = "the length of a frame of a session";
            return Err(self.corrupt(Corrupt { what, seen: span.length() as u64, least, most: u32::MAX.into() }));
        }
        Ok([incoming.word(span, 0), incoming.word(span, 1)].map(u64::from_le))
    }

    /// Ends the session for a lie.
    #[cold]
    fn corrupt(&mut self, corrupt: Corrupt) -> NextError {
        let end = *self.end.get_or_insert(End::Corrupt(corrupt));
        self.receiver.tell(end);
        NextError::End(end)
    }

    /// Takes the frame with this header, of whatever kind, and gives its room back.
    fn take(&mut self, span: Span, words: [u64; 2]) -> Result<Arrival, NextError> {
        let taken = self.read(span, words);
        self.receiver.incoming().release(span);
        taken.map_err(|corrupt| self.corrupt(corrupt))
    }

    fn read(&mut self, span: Span, words: [u64; 2]) -> Result<Arrival, Corrupt> {
        let header = Header::parse(words)?;
        match (header.kind, self.peer) {
            (Kind::Hello, None) => self.greet(span),
            (Kind::Hello, Some(_)) => Err(out_of_turn("a second hello")),
            (_, None) => Err(out_of_turn("a message before the hello")),
            _ => self.file(&header, span),
        }
    }

    fn greet(&mut self, span: Span) -> Result<Arrival, Corrupt> {
        let mut bytes = Vec::new();
        copy_out(self.receiver.incoming(), span, &mut bytes);
        self.peer = Some(Hello::parse(&bytes)?);
        Ok(Arrival::Part)
    }

    fn file(&mut self, header: &Header, span: Span) -> Result<Arrival, Corrupt> {
        let length = span.length() - header::LENGTH;
        let incoming = self.receiver.incoming();
        let payload = match self.reassembly.place(header, length, || self.buffers.take())? {
            Place::Whole => {
                let mut payload = self.buffers.take();
                copy_out(incoming, span, &mut payload);
                payload
            }
            Place::Last(mut payload) => {
                incoming.append(span, header::LENGTH, &mut payload);
                payload
            }
            Place::Middle(open) => {
                incoming.append(span, header::LENGTH, open);
                return Ok(Arrival::Part);
            }
            Place::Nowhere(payload) => {
                self.buffers.give_back(payload);
                return Ok(Arrival::Part);
            }
        };
        let Header { id, selector, .. } = *header;
        Ok(match header.kind {
            Kind::Call => Arrival::Job(Job::Call { id, selector, payload }),
            Kind::Reply(status) => Arrival::Reply { id, status, payload },
            Kind::Event => Arrival::Job(Job::Event { selector, payload }),
            Kind::Hello => Arrival::Part,
        })
    }

    /// Where buffers come from and go to.
    pub(super) fn buffers(&self) -> &Buffers {
        &self.buffers
    }

    /// Keeps a buffer for later.
    pub(super) fn give_back(&self, buffer: Vec<u8>) {
        self.buffers.give_back(buffer);
    }
}

/// Copies the payload of a frame to `to`, which then holds nothing else.
#[inline]
fn copy_out(incoming: &Incoming<Mapped>, span: Span, to: &mut Vec<u8>) {
    to.clear();
    incoming.append(span, header::LENGTH, to);
}

/// The header of the reply that a caller hopes for.
#[inline]
fn wanted(id: u64) -> [u64; 2] {
    Header::whole(Kind::Reply(Status::Ok), id, 0).words()
}

/// A frame that cannot stand here.
fn out_of_turn(what: &'static str) -> Corrupt {
    Corrupt { what, seen: 0, least: 1, most: 0 }
}

//! From the socket to the local ring.

use std::os::fd::BorrowedFd;

use super::stream::{LONGEST_PACKET, Piece, Reader};
use crate::channel::{ClaimError, Outgoing};
use crate::memory::Mapped;
use crate::os::socket::{self, Carried};
use crate::ring::{Claim, Corrupt};
use crate::wait::Notice;

/// What the peer sends, on its way to the user.
pub(super) struct Inward {
    to: Outgoing<Mapped>,
    reader: Reader,
    /// What was received, and from where to where it has not been taken apart.
    buffer: Vec<u8>,
    taken: usize,
    filled: usize,
    /// A message that has begun and has no room yet.
    due: Option<usize>,
    /// The message that is being written, and how far.
    claim: Option<(Claim, usize)>,
    /// The ring is full, and its doorbell will call us.
    pub(super) blocked: bool,
    /// Messages that the user has not been woken for.
    quiet: bool,
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// There is more, but not in this turn.
    More,
    /// Nothing more has come, or there is no room for it.
    Still,
    /// The peer has said goodbye and hung up.
    Goodbye,
    /// The peer has hung up, without a goodbye.
    HungUp,
    /// The peer sent what no honest one would.
    Lie(Corrupt),
}

/// What a turn did besides.
#[derive(Clone, Copy, Default)]
pub(super) struct News {
    /// The user was woken, and so must be one who polls the socket.
    pub(super) rang: bool,
    /// The user waits for its descriptor to become readable.
    pub(super) poke: bool,
    /// The peer will receive nothing more.
    pub(super) gone: bool,
}

impl Inward {
    pub(super) fn new(to: Outgoing<Mapped>, largest: usize) -> Self {
        let (buffer, reader) = (Vec::new(), Reader::new(largest));
        Self { to, reader, buffer, taken: 0, filled: 0, due: None, claim: None, blocked: false, quiet: false }
    }

    /// Whether the user will receive nothing more.
    pub(super) fn is_deserted(&self) -> bool {
        self.to.is_deserted()
    }

    /// Takes up to `rounds` packets. `last` says that whatever is to come has come.
    pub(super) fn turn(&mut self, socket: BorrowedFd<'_>, rounds: usize, last: bool, news: &mut News) -> Flow {
        if self.blocked {
            self.to.rise();
            self.blocked = false;
        }
        let flow = self.rounds(socket, rounds, last, news);
        self.ring(news);
        flow
    }

    fn rounds(&mut self, socket: BorrowedFd<'_>, rounds: usize, last: bool, news: &mut News) -> Flow {
        for round in 0..=rounds {
            match self.deliver(news) {
                Err(lie) => return Flow::Lie(lie),
                Ok(()) if self.blocked => return Flow::Still,
                Ok(()) if round == rounds => break,
                Ok(()) => {}
            }
            match self.receive(socket) {
                Carried::Bytes(_) => {}
                Carried::Nothing if !last => return Flow::Still,
                Carried::Nothing | Carried::End => return self.hung_up(),
                Carried::Truncated => return Flow::Lie(too_long()),
            }
        }
        Flow::More
    }

    fn hung_up(&self) -> Flow {
        if self.reader.said_goodbye() { Flow::Goodbye } else { Flow::HungUp }
    }

    fn receive(&mut self, socket: BorrowedFd<'_>) -> Carried {
        // Made when it is first needed: an idle connection costs nothing.
        self.buffer.resize(LONGEST_PACKET, 0);
        self.taken = 0;
        self.filled = 0;
        let carried = socket::receive_bytes(socket, &mut self.buffer);
        if let Carried::Bytes(bytes) = carried {
            self.filled = bytes;
        }
        carried
    }

    /// Takes apart what was received, until all is delivered or the ring is full.
    fn deliver(&mut self, news: &mut News) -> Result<(), Corrupt> {
        loop {
            if !self.find_room(news) {
                return Ok(());
            }
            let mut input = &self.buffer[self.taken..self.filled];
            let piece = self.reader.next(&mut input)?;
            self.taken = self.filled - input.len();
            match piece {
                None => return Ok(()),
                Some(Piece::Message(length)) => self.due = Some(length),
                Some(Piece::Payload(bytes)) => {
                    if let Some((claim, at)) = &mut self.claim {
                        self.to.fill(claim, *at, bytes);
                        *at += bytes.len();
                    }
                }
                Some(Piece::Fin) => {
                    // As for messages: who falls asleep over the socket is woken by nothing else.
                    news.rang = true;
                    news.poke |= self.to.finish() == Notice::Poke;
                }
                Some(Piece::Gone) => news.gone = true,
            }
            self.commit();
        }
    }

    /// Room for the message that is due; `false` if there is none yet.
    fn find_room(&mut self, news: &mut News) -> bool {
        while let Some(length) = self.due {
            // For a user who receives nothing more, messages are taken off the socket all the same.
            if self.is_deserted() {
                self.due = None;
                break;
            }
            match self.to.try_claim(length) {
                Ok(claim) => {
                    self.due = None;
                    self.claim = Some((claim, 0));
                    self.commit();
                }
                Err(ClaimError::Full) => {
                    self.ring(news);
                    self.blocked = self.to.rest(length);
                    if self.blocked {
                        return false;
                    }
                }
                Err(ClaimError::TooLarge { .. } | ClaimError::End(_)) => self.due = None,
            }
        }
        true
    }

    /// Makes the message readable if it is complete.
    fn commit(&mut self) {
        if let Some((claim, _)) = self.claim.take_if(|(claim, at)| *at == claim.length()) {
            self.to.commit_quietly(claim);
            self.quiet = true;
        }
    }

    /// Wakes the user for what was committed.
    fn ring(&mut self, news: &mut News) {
        if std::mem::take(&mut self.quiet) {
            news.rang = true;
            news.poke |= self.to.ring() == Notice::Poke;
        }
    }
}

fn too_long() -> Corrupt {
    let most = LONGEST_PACKET as u64;
    Corrupt { what: "the length of a packet", seen: most + 1, least: 1, most }
}

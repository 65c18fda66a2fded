//! What requests and the keeper share: whether there is a peer, and how to reach it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::net::Shutdown;
use twinring::{CallError, Halt, Session};

use crate::failure::Failure;
use crate::status::Status;

/// How long a peer may take to be reached.
pub const REACH: Duration = Duration::from_millis(250);

pub struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Readable once this side is to end, for the keeper to poll.
    ending: OwnedFd,
}

#[derive(Default)]
struct State {
    meeting: Option<Meeting>,
    /// How many peers there were.
    met: u64,
    ending: bool,
}

/// A peer that is there, as far as is known.
#[derive(Clone)]
struct Meeting {
    number: u64,
    session: Session,
    /// The socket that set the connection up: it hangs up when the peer has gone, or when we say so.
    socket: Arc<OwnedFd>,
}

impl Shared {
    pub fn new() -> Result<Self, Failure> {
        let made = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let ending =
            made.map_err(|error| Failure::new(Status::System, format!("could not make an eventfd: {error}")))?;
        Ok(Self { state: Mutex::default(), changed: Condvar::new(), ending })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the peer answer a request. A peer that is there is waited for as long as it lives; one that has gone and cannot have
    /// seen the request may be followed by another, in the time that there is to reach one.
    pub fn request(&self, kind: i32, data: &[u8]) -> Result<Vec<u8>, Failure> {
        let deadline = Instant::now() + REACH;
        let mut last = 0;
        loop {
            let meeting = self.reach(last, deadline)?;
            match meeting.session.call(kind.cast_unsigned(), data) {
                Ok(reply) => return Ok(reply),
                Err(error) => {
                    let over = matches!(error, CallError::NotSent(Halt::Ended(_)) | CallError::NoReply(Halt::Ended(_)));
                    if over {
                        meeting.hang_up();
                    }
                    if !matches!(error, CallError::NotSent(Halt::Ended(_))) {
                        return Err(error.into());
                    }
                    last = meeting.number;
                }
            }
        }
    }

    /// A peer that came after `last`, waited for until `deadline`.
    fn reach(&self, last: u64, deadline: Instant) -> Result<Meeting, Failure> {
        let left = deadline.saturating_duration_since(Instant::now());
        let absent = |state: &mut State| !state.ending && !state.has_after(last);
        let waited = self.changed.wait_timeout_while(self.lock(), left, absent);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match &state.meeting {
            Some(meeting) if meeting.number > last && !state.ending => Ok(meeting.clone()),
            _ => Err(Failure::new(Status::Absent, format!("the other program could not be reached in {REACH:?}"))),
        }
    }

    /// Says that a peer is there.
    pub fn meet(&self, session: Session, socket: Arc<OwnedFd>) {
        let mut state = self.lock();
        state.met += 1;
        state.meeting = Some(Meeting { number: state.met, session, socket });
        drop(state);
        self.changed.notify_all();
    }

    /// Says that it has gone: who still waits for its reply is told so. The session is for the caller to drop.
    pub fn part(&self) -> Option<Session> {
        let meeting = self.lock().meeting.take()?;
        meeting.hang_up();
        Some(meeting.session)
    }

    /// Has everything come to its end.
    pub fn end(&self) {
        let mut state = self.lock();
        state.ending = true;
        if let Some(meeting) = &state.meeting {
            meeting.hang_up();
        }
        drop(state);
        self.changed.notify_all();
        // The counter of an eventfd that is written once is not full.
        let _ = rustix::io::write(&self.ending, &1_u64.to_ne_bytes());
    }

    pub fn is_ending(&self) -> bool {
        self.lock().ending
    }

    /// Waits for one of `sockets` to have what is asked for, or to hang up, or until this side is to end.
    pub fn wait(&self, sockets: &[(BorrowedFd<'_>, PollFlags)], time: Option<Duration>) {
        let ending = (self.ending.as_fd(), PollFlags::IN);
        let all = sockets.iter().chain([&ending]);
        let mut all: Vec<_> = all.map(|&(socket, flags)| PollFd::from_borrowed_fd(socket, flags)).collect();
        let time = time.and_then(|time| Timespec::try_from(time).ok());
        // Interrupted or refused, it is a wait that ended early: callers look at what they wait for in a loop.
        let _ = poll(&mut all, time.as_ref());
    }
}

impl State {
    fn has_after(&self, last: u64) -> bool {
        self.meeting.as_ref().is_some_and(|meeting| meeting.number > last)
    }
}

impl Meeting {
    /// Ends the connection for both sides.
    fn hang_up(&self) {
        // It fails if it has been done.
        let _ = rustix::net::shutdown(&*self.socket, Shutdown::Both);
    }
}

//! A session of one thread: no lock, `&mut self`.

use std::io::IoSlice;
use std::time::{Duration, Instant};

use super::backlog::{Backlog, Job};
use super::counters::SessionCounters;
use super::error::{CallError, Halt, NotifyError, Unsent};
use super::handler::{Back, Call, Event, Handler, run_call, run_event};
use super::header::{Kind, LARGEST_ID, Status};
use super::hello::Hello;
use super::inbox::{Arrival, Asked, Got, Inbox};
use super::limit::{Limit, SLICE};
use super::options::SessionOptions;
use super::outbox::{Letter, Outbox};
use super::respond::Responder;
use super::seen::Seen;
use crate::channel::{ClaimError, End, NextError};
use crate::connection::{Connection, Readiness, ReadyError};
use crate::memory::Count;
use crate::os::clock::Deadline;
use crate::os::credentials::Credentials;

/// A session that one thread owns: the least latency, no lock.
///
/// While it waits for a reply it answers the other side's calls, so two sides may call each other, and nest. Requests are
/// otherwise handled in [`LocalSession::serve`] and [`LocalSession::dispatch`].
///
/// ```
/// use twinring::{LocalSession, SessionOptions};
///
/// let (here, there) = twinring::pair()?;
/// let server = std::thread::spawn(move || {
///     let double = |call: &mut twinring::Call<'_>| {
///         let twice = call.payload().repeat(2);
///         call.reply().extend(twice);
///         Ok(())
///     };
///     LocalSession::new(there, &SessionOptions::new(), double).serve()
/// });
/// let mut client = LocalSession::new(here, &SessionOptions::new(), ());
/// assert_eq!(client.call(1, b"ab")?, b"abab");
/// drop(client);
/// server.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LocalSession<H> {
    core: Core,
    handler: H,
}

/// Everything but the handler, which runs while this is used.
#[derive(Debug)]
struct Core {
    inbox: Inbox,
    outbox: Outbox,
    options: SessionOptions,
    credentials: Credentials,
    /// What came while there was no room to send.
    backlog: Backlog,
    /// The calls that wait for their replies, the innermost last.
    waiting: Vec<Waiting>,
    /// Handlers that are running, each called by the one before.
    depth: usize,
    last: u64,
    seen: Seen,
    /// Buffers of the handler that runs, kept for the next.
    request: Vec<u8>,
    reply: Vec<u8>,
}

#[derive(Debug)]
struct Waiting {
    id: u64,
    reply: Option<(Status, Vec<u8>)>,
}

/// The most messages that are handled in one turn of a poll loop.
const TURN: usize = 1024;

impl<H: Handler> LocalSession<H> {
    /// A session on `connection`, whose calls and events `handler` takes. The other side must make it a session, too.
    #[must_use]
    pub fn new(connection: Connection, options: &SessionOptions, handler: H) -> Self {
        Self { core: Core::new(connection, options), handler }
    }

    /// Calls the other side and waits for the reply.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub fn call(&mut self, selector: u32, request: &[u8]) -> Result<Vec<u8>, CallError> {
        let mut reply = Vec::new();
        self.call_into(selector, request, &mut reply).map(|()| reply)
    }

    /// Calls the other side and waits for the reply, which replaces what is in `reply`: no allocation once that is large
    /// enough.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    #[inline]
    pub fn call_into(&mut self, selector: u32, request: &[u8], reply: &mut Vec<u8>) -> Result<(), CallError> {
        let limit = self.core.options.limit();
        self.core.call(&self.handler, selector, &[IoSlice::new(request)], reply, limit)
    }

    /// Calls the other side and waits for the reply for at most `timeout`. A handler that this thread runs meanwhile is not
    /// interrupted.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub fn call_timeout(&mut self, selector: u32, request: &[u8], timeout: Duration) -> Result<Vec<u8>, CallError> {
        self.call_until(selector, &[IoSlice::new(request)], Limit::At(Deadline::after(timeout)))
    }

    /// Calls the other side and waits for the reply until `deadline`.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub fn call_deadline(&mut self, selector: u32, request: &[u8], deadline: Instant) -> Result<Vec<u8>, CallError> {
        self.call_until(selector, &[IoSlice::new(request)], Limit::At(Deadline::at(deadline)))
    }

    /// Calls the other side with the concatenation of `parts` and waits for the reply.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub fn call_vectored(&mut self, selector: u32, parts: &[IoSlice<'_>]) -> Result<Vec<u8>, CallError> {
        let limit = self.core.options.limit();
        self.call_until(selector, parts, limit)
    }

    fn call_until(&mut self, selector: u32, parts: &[IoSlice<'_>], limit: Limit) -> Result<Vec<u8>, CallError> {
        let mut reply = Vec::new();
        self.core.call(&self.handler, selector, parts, &mut reply, limit).map(|()| reply)
    }

    /// Sends an event, waiting for room as long as it takes.
    ///
    /// # Errors
    ///
    /// See [`NotifyError`].
    #[inline]
    pub fn notify(&mut self, selector: u32, event: &[u8]) -> Result<(), NotifyError> {
        self.core.notify(selector, &[IoSlice::new(event)], Limit::At(Deadline::NEVER))
    }

    /// Sends an event, waiting for room for at most `timeout`.
    ///
    /// # Errors
    ///
    /// See [`NotifyError`].
    pub fn notify_timeout(&mut self, selector: u32, event: &[u8], timeout: Duration) -> Result<(), NotifyError> {
        self.core.notify(selector, &[IoSlice::new(event)], Limit::At(Deadline::after(timeout)))
    }

    /// Handles what comes until the other side leaves in order.
    ///
    /// # Errors
    ///
    /// If the session ends otherwise.
    pub fn serve(&mut self) -> Result<(), End> {
        loop {
            match self.core.turn(&self.handler, Some(Deadline::NEVER)) {
                Ok(_) => {}
                Err(End::Closed) => return Ok(()),
                Err(end) => return Err(end),
            }
        }
    }

    /// Handles what comes for at most `timeout`, or until the session ends; whether anything came.
    ///
    /// # Errors
    ///
    /// If the session has ended.
    pub fn serve_timeout(&mut self, timeout: Duration) -> Result<bool, End> {
        let deadline = Deadline::after(timeout);
        let mut any = false;
        while self.core.turn(&self.handler, Some(deadline))? {
            any = true;
            if deadline.passed() {
                break;
            }
        }
        Ok(any)
    }

    /// Handles what has come, without waiting: at most a thousand messages; how many.
    ///
    /// # Errors
    ///
    /// If the session has ended.
    pub fn dispatch(&mut self) -> Result<usize, End> {
        for handled in 0..TURN {
            if !self.core.turn(&self.handler, None)? {
                return Ok(handled);
            }
        }
        Ok(TURN)
    }

    /// Prepares to wait for its descriptor (`as_fd`): see [`Receiver::arm`](crate::Receiver::arm).
    ///
    /// # Errors
    ///
    /// If this side promised never to sleep.
    pub fn arm(&mut self) -> Result<Readiness, ReadyError> {
        if self.core.backlog.len() > 0 {
            return Ok(Readiness::Ready);
        }
        self.core.inbox.receiver().arm()
    }

    /// Who is at the other end, by the kernel's word.
    #[must_use]
    pub fn peer(&self) -> Credentials {
        self.core.credentials
    }

    /// What this side has counted.
    #[must_use]
    pub fn counters(&self) -> SessionCounters {
        let (sent, received) = (self.core.outbox.counts(), &self.core.seen.received);
        SessionCounters {
            calls: sent.get(Count::Calls),
            events: sent.get(Count::Events),
            served: sent.get(Count::Served),
            events_taken: received.get(Count::EventsTaken),
            late_replies: received.get(Count::LateReplies),
        }
    }
}

impl<H> std::os::fd::AsFd for LocalSession<H> {
    /// To be polled for reading after [`LocalSession::arm`]; then [`LocalSession::dispatch`].
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.core.inbox.as_fd()
    }
}

impl Core {
    fn new(connection: Connection, options: &SessionOptions) -> Self {
        let credentials = connection.peer();
        let (sender, receiver) = connection.split();
        let seen = Seen::new(&sender, options);
        let mut outbox = Outbox::new(sender);
        outbox.greet(options.accepted);
        Self {
            inbox: Inbox::new(receiver, options.accepted),
            outbox,
            options: options.clone(),
            credentials,
            backlog: Backlog::new(options.accepted),
            waiting: Vec::new(),
            depth: 0,
            last: 0,
            seen,
            request: Vec::new(),
            reply: Vec::new(),
        }
    }

    /// What the other side accepts: waits until it has said so.
    #[inline]
    fn peer(&mut self, limit: &mut Limit) -> Result<Hello, Halt> {
        match self.inbox.peer() {
            Some(hello) => Ok(hello),
            None => self.await_hello(limit.deadline()),
        }
    }

    #[cold]
    fn await_hello(&mut self, deadline: Deadline) -> Result<Hello, Halt> {
        loop {
            if let Some(hello) = self.inbox.peer() {
                return Ok(hello);
            }
            // The first message of all: it is no job.
            self.inbox.next(deadline)?;
        }
    }

    #[inline]
    fn call(
        &mut self,
        handler: &impl Handler,
        selector: u32,
        parts: &[IoSlice<'_>],
        reply: &mut Vec<u8>,
        limit: Limit,
    ) -> Result<(), CallError> {
        let begun = self.seen.latency.start();
        let result = self.call_untimed(handler, selector, parts, reply, limit);
        if result.is_ok() {
            self.seen.latency.stop(begun);
        }
        result
    }

    #[inline]
    fn call_untimed(
        &mut self,
        handler: &impl Handler,
        selector: u32,
        parts: &[IoSlice<'_>],
        reply: &mut Vec<u8>,
        mut limit: Limit,
    ) -> Result<(), CallError> {
        let peer = self.peer(&mut limit).map_err(CallError::NotSent)?;
        if self.waiting.len() >= peer.calls as usize {
            return Err(CallError::Busy);
        }
        self.last = (self.last + 1) & LARGEST_ID;
        let id = self.last;
        self.send(&mut Letter::new(Kind::Call, id, selector, parts), peer, &mut limit)?;
        let deadline = limit.deadline();
        if self.backlog.len() > 0 {
            return self.await_among_others(handler, id, reply, deadline, None);
        }
        match self.inbox.next_for(id, reply, deadline) {
            Ok(Got::It) => Ok(()),
            Ok(Got::Other(arrival)) => self.await_among_others(handler, id, reply, deadline, Some(arrival)),
            Err(error) => Err(CallError::NoReply(error.into())),
        }
    }

    /// Waits for a reply, while something else has come.
    #[cold]
    fn await_among_others(
        &mut self,
        handler: &impl Handler,
        id: u64,
        reply: &mut Vec<u8>,
        deadline: Deadline,
        arrival: Option<Arrival>,
    ) -> Result<(), CallError> {
        self.waiting.push(Waiting { id, reply: None });
        let result = self.await_reply(handler, id, reply, deadline, arrival);
        self.waiting.pop();
        result
    }

    fn await_reply(
        &mut self,
        handler: &impl Handler,
        id: u64,
        reply: &mut Vec<u8>,
        deadline: Deadline,
        arrival: Option<Arrival>,
    ) -> Result<(), CallError> {
        if let Some(arrival) = arrival {
            self.handle(handler, arrival);
        }
        loop {
            if let Some((status, payload)) = self.waiting.last_mut().and_then(|waiting| waiting.reply.take()) {
                return self.accept(status, payload, reply);
            }
            if self.backlog.len() == 0 || self.depth >= self.options.nesting {
                match self.inbox.next_for(id, reply, deadline) {
                    Ok(Got::It) => return Ok(()),
                    Ok(Got::Other(arrival)) => {
                        self.handle(handler, arrival);
                        // Whatever else keeps coming.
                        if self.waiting.last().is_some_and(|waiting| waiting.reply.is_none()) {
                            if deadline.passed() {
                                return Err(CallError::NoReply(Halt::Timeout));
                            }
                            if self.backlog.is_full() && self.depth >= self.options.nesting {
                                return Err(CallError::NoReply(Halt::Congested));
                            }
                        }
                    }
                    Err(error) => return Err(CallError::NoReply(error.into())),
                }
            } else {
                self.run_oldest(handler);
            }
        }
    }

    /// A reply that did not come the short way.
    #[cold]
    fn accept(&mut self, status: Status, mut payload: Vec<u8>, reply: &mut Vec<u8>) -> Result<(), CallError> {
        let result = match status {
            Status::Ok => {
                std::mem::swap(reply, &mut payload);
                Ok(())
            }
            other => Err(CallError::from_reply(other, &payload)),
        };
        self.inbox.give_back(payload);
        result
    }

    fn notify(&mut self, selector: u32, parts: &[IoSlice<'_>], mut limit: Limit) -> Result<(), NotifyError> {
        let peer = self.peer(&mut limit).map_err(NotifyError::NotSent)?;
        let id = self.outbox.next_id();
        Ok(self.send(&mut Letter::new(Kind::Event, id, selector, parts), peer, &mut limit)?)
    }

    /// Sends a message. While there is no room for it, what comes is put aside, so that two sides that both send cannot
    /// block each other.
    #[inline]
    fn send(&mut self, letter: &mut Letter<'_>, peer: Hello, limit: &mut Limit) -> Result<(), Unsent> {
        if letter.length() as u64 > peer.largest {
            return Err(Unsent::TooLarge { length: letter.length(), largest: peer.largest as usize });
        }
        loop {
            match self.outbox.step(letter, None) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(ClaimError::Full) => match self.send_slowly(letter, limit.deadline()) {
                    Ok(true) => return Ok(()),
                    Ok(false) => {}
                    Err(halt) => {
                        self.outbox.abort(letter);
                        return Err(Unsent::Halted(halt));
                    }
                },
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Sends the next frame, waiting for room.
    #[cold]
    fn send_slowly(&mut self, letter: &mut Letter<'_>, deadline: Deadline) -> Result<bool, Halt> {
        let congested = Deadline::after(self.options.reply_timeout);
        loop {
            self.put_aside()?;
            match self.outbox.step(letter, Some(Deadline::after(SLICE).min(deadline))) {
                Ok(done) => return Ok(done),
                Err(ClaimError::Full) if deadline.passed() => return Err(Halt::Timeout),
                Err(ClaimError::Full) if self.backlog.is_full() && congested.passed() => return Err(Halt::Congested),
                Err(ClaimError::Full) => {}
                Err(ClaimError::End(end)) => return Err(Halt::Ended(end)),
                Err(ClaimError::TooLarge { .. }) => unreachable!("a fragment is smaller than the largest frame"),
            }
        }
    }

    /// Takes what has come off the ring, and runs no handler.
    fn put_aside(&mut self) -> Result<(), Halt> {
        while !self.backlog.is_full() {
            match self.inbox.try_next() {
                Ok(Arrival::Job(job)) => self.backlog.push(job),
                Ok(Arrival::Reply { id, status, payload }) => self.file(id, status, payload),
                Ok(Arrival::Part) => {}
                Err(NextError::Empty) => return Ok(()),
                Err(NextError::End(end)) => return Err(Halt::Ended(end)),
            }
        }
        Ok(())
    }

    /// Handles one message while no handler runs, waiting for it until the deadline, or not at all; whether one came.
    fn turn(&mut self, handler: &impl Handler, deadline: Option<Deadline>) -> Result<bool, End> {
        if self.backlog.len() > 0 {
            self.run_oldest(handler);
            return Ok(true);
        }
        let mut request = std::mem::take(&mut self.request);
        match self.inbox.next_call(&mut request, deadline) {
            Ok(Asked::Call { id, selector }) => {
                self.run_call(handler, id, selector, &request);
                self.request = request;
                Ok(true)
            }
            Ok(Asked::Other(arrival)) => {
                self.request = request;
                self.handle(handler, arrival);
                Ok(true)
            }
            Err(NextError::Empty) => {
                self.request = request;
                Ok(false)
            }
            Err(NextError::End(end)) => Err(end),
        }
    }

    fn handle(&mut self, handler: &impl Handler, arrival: Arrival) {
        match arrival {
            Arrival::Part => {}
            Arrival::Reply { id, status, payload } => self.file(id, status, payload),
            Arrival::Job(job) => self.take_on(handler, job),
        }
    }

    /// Puts a reply where its caller finds it, if it still waits.
    fn file(&mut self, id: u64, status: Status, payload: Vec<u8>) {
        match self.waiting.iter_mut().rev().find(|waiting| waiting.id == id && waiting.reply.is_none()) {
            Some(waiting) => waiting.reply = Some((status, payload)),
            None => {
                self.seen.received.add(Count::LateReplies, 1);
                self.inbox.give_back(payload);
            }
        }
    }

    #[cold]
    fn run_oldest(&mut self, handler: &impl Handler) {
        if let Some(job) = self.backlog.pop() {
            self.take_on(handler, job);
        }
    }

    fn take_on(&mut self, handler: &impl Handler, job: Job) {
        let deep = self.depth >= self.options.nesting;
        match job {
            Job::Call { id, payload, .. } if deep => {
                self.answer(id, Status::Overloaded, &[]);
                self.inbox.give_back(payload);
            }
            Job::Event { .. } if deep => self.backlog.push(job),
            Job::Call { id, selector, payload } => {
                self.run_call(handler, id, selector, &payload);
                self.inbox.give_back(payload);
            }
            Job::Event { selector, payload } => self.run_event(handler, selector, payload),
            Job::Decline { id } => self.answer(id, Status::Overloaded, &[]),
        }
    }

    #[inline]
    fn run_call(&mut self, handler: &impl Handler, id: u64, selector: u32, payload: &[u8]) {
        let mut reply = std::mem::take(&mut self.reply);
        reply.clear();
        self.depth += 1;
        let mut back = Nested { core: self, handler };
        let call = &mut Call { id, selector, payload, reply: &mut reply, answered: false, back: &mut back };
        let status = run_call(handler, call);
        self.depth -= 1;
        if let Some(status) = status {
            self.answer(id, status, &reply);
        }
        self.reply = reply;
    }

    fn run_event(&mut self, handler: &impl Handler, selector: u32, payload: Vec<u8>) {
        self.depth += 1;
        let mut back = Nested { core: self, handler };
        run_event(handler, &mut Event { selector, payload: &payload, back: &mut back });
        self.depth -= 1;
        self.seen.received.add(Count::EventsTaken, 1);
        self.inbox.give_back(payload);
    }

    /// Sends a reply. If it cannot be sent in time, the other side would wait for ever: the session ends.
    fn answer(&mut self, id: u64, status: Status, payload: &[u8]) {
        // Whoever sent a request has said hello.
        let Some(peer) = self.inbox.peer() else { return };
        let too_large = payload.len() as u64 > peer.largest;
        let (status, payload) = if too_large { (Status::TooLarge, &[][..]) } else { (status, payload) };
        let parts = [IoSlice::new(payload)];
        let mut limit = Limit::For(self.options.reply_timeout);
        let sent = self.send(&mut Letter::new(Kind::Reply(status), id, 0, &parts), peer, &mut limit);
        if sent.is_err() {
            self.inbox.finish();
            self.outbox.sender().leave();
        }
    }
}

/// The session as its handler sees it.
struct Nested<'a, H> {
    core: &'a mut Core,
    handler: &'a H,
}

impl<H: Handler> Back for Nested<'_, H> {
    fn call(
        &mut self,
        selector: u32,
        request: &[u8],
        reply: &mut Vec<u8>,
        by: Option<Deadline>,
    ) -> Result<(), CallError> {
        let limit = by.map_or_else(|| self.core.options.limit(), Limit::At);
        self.core.call(self.handler, selector, &[IoSlice::new(request)], reply, limit)
    }

    fn notify(&mut self, selector: u32, event: &[u8]) -> Result<(), NotifyError> {
        self.core.notify(selector, &[IoSlice::new(event)], Limit::At(Deadline::NEVER))
    }

    fn answer(&mut self, id: u64, reply: &[u8]) {
        self.core.answer(id, Status::Ok, reply);
    }

    fn responder(&mut self, _id: u64) -> Option<Responder> {
        None
    }
}

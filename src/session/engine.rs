//! A session for threads: what its handles share, and its calls.

use std::io::IoSlice;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;

use super::alarm::Alarm;
use super::backlog::{Backlog, Job};
use super::buffers::Buffers;
use super::counters::SessionCounters;
use super::error::{CallError, Halt};
use super::handler::Handler;
use super::header::{Kind, Status};
use super::hello::Hello;
use super::inbox::{Got, Inbox};
use super::lead::{Lead, Ticket};
use super::led::{Follow, Leader, Led};
use super::limit::Limit;
use super::options::SessionOptions;
use super::outbox::{Letter, Outbox};
use super::pool::Pool;
use super::seen::Seen;
use super::tally::Tally;
use super::unsent::Unsent;
use crate::channel::End;
use crate::connection::{Connection, Readiness, SetupError};
use crate::ledger::layout;
use crate::memory::{Count, Counts, Mapped, WORD};
use crate::os::clock::Deadline;
use crate::os::credentials::Credentials;
use crate::wait::{Attention, Link, State, WaitStrategy};

/// What all handles, workers and responders of a session share.
pub(super) struct Engine {
    pub(super) options: SessionOptions,
    pub(super) handler: Box<dyn Handler + Send + Sync>,
    pub(super) strategy: WaitStrategy,
    pub(super) credentials: Credentials,
    pub(super) attention: Attention<Mapped>,
    pub(super) pool: Pool,
    pub(super) buffers: Buffers,
    /// For a poll loop, where there is no listener.
    pub(super) alarm: Option<Alarm>,
    /// What the other side accepts, once it has said so.
    pub(super) peer: OnceLock<Hello>,
    /// The largest message that goes in one frame.
    pub(super) fragment: usize,
    pub(super) outgoing: Mutex<Outgoing>,
    /// What waits for room, if whoever drives this must not.
    pub(super) unsent: Mutex<Unsent>,
    /// How many messages wait so.
    pub(super) waiting: Tally<Mapped>,
    /// Woken when a slot or a place among the open messages is free again.
    pub(super) turn: Condvar,
    /// Threads that wait for `turn`.
    pub(super) queueing: Tally<Mapped>,
    /// Threads that want to send and could not at once.
    pub(super) pressing: Tally<Mapped>,
    /// Messages in fragments on their way out.
    pub(super) open: Tally<Mapped>,
    /// Requests of the peer that wait for workers, or for whoever keeps their responders.
    pub(super) requests: Tally<Mapped>,
    /// What was sent, counted under the sending lock.
    sent: Counts,
    /// What was received, counted by the leader, and how long calls take.
    pub(super) seen: Seen,
    pub(super) incoming: Led<Mapped, Incoming>,
    /// Where the replies to calls in flight are put by who receives for others.
    pub(super) replies: Box<[Mutex<Filed>]>,
    pub(super) link: Link<Mapped>,
    /// How the listener found the session to end, and who waits to hear of it.
    pub(super) ended: (Mutex<Option<End>>, Condvar),
    closing: Tally<Mapped>,
}

/// What the leader owns.
pub(super) struct Incoming {
    pub(super) inbox: Inbox,
    /// What came while there was no room to send, or too deep down.
    pub(super) backlog: Backlog,
    /// Whether the doorbell is armed for a listener that rests, or for a poll loop.
    pub(super) resting: bool,
}

/// What the sending lock guards.
pub(super) struct Outgoing {
    pub(super) outbox: Outbox,
    pub(super) hint: u64,
}

/// A reply that its caller has not taken yet.
#[derive(Default)]
pub(super) struct Filed {
    status: Option<Status>,
    payload: Vec<u8>,
    /// Of the task that waits for it, if it is a task that does.
    pub(super) waker: Option<Waker>,
}

/// The lead, given up when this is dropped.
pub(super) struct Leading<'a> {
    engine: &'a Engine,
    leader: Option<Leader<'a, Mapped, Incoming>>,
    /// A listener was resting: it does not know yet that it need not.
    disturbed: bool,
    /// A poll loop is to be told of what comes next.
    arms: bool,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics under these locks but a bug of ours, and then the rest goes on as well as it can.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    pub(super) fn new(
        connection: Connection,
        options: &SessionOptions,
        handler: Box<dyn Handler + Send + Sync>,
        alarm: Option<Alarm>,
    ) -> Result<Self, SetupError> {
        let credentials = connection.peer();
        let (sender, receiver) = connection.split();
        let (strategy, link) = sender.waiting();
        let (link, attention) = (link.clone(), sender.attention().clone());
        let slots = u64::from(options.accepted.calls).next_power_of_two();
        let bytes = (Lead::<Mapped>::words(slots) * WORD).next_multiple_of(4096);
        let lead = Lead::new(Mapped::private(bytes)?, link.clone(), slots, strategy != WaitStrategy::Spin);
        let tallies = Mapped::private(4096)?;
        let tally = |number: usize| Tally::new(tallies.clone(), number * 16);
        let inbox = Inbox::new(receiver, options.accepted);
        let buffers = inbox.buffers().clone();
        let backlog = Backlog::new(options.accepted);
        let incoming = Incoming { inbox, backlog, resting: false };
        let seen = Seen::new(&sender, options);
        if let Some(entry) = sender.entry() {
            entry.gauge(layout::IN_FLIGHT, lead.gauge());
        }
        let mut outbox = Outbox::new(sender);
        let sent = outbox.counts().clone();
        outbox.greet(options.accepted);
        Ok(Self {
            options: options.clone(),
            handler,
            strategy,
            credentials,
            attention,
            pool: Pool::new(options.workers, options.nesting, options.accepted),
            buffers,
            alarm,
            peer: OnceLock::new(),
            fragment: outbox.fragment_size(),
            outgoing: Mutex::new(Outgoing { outbox, hint: 0 }),
            unsent: Mutex::default(),
            waiting: tally(5),
            turn: Condvar::new(),
            queueing: tally(0),
            pressing: tally(1),
            open: tally(2),
            requests: tally(3),
            sent,
            seen,
            incoming: Led::new(lead, incoming),
            replies: (0..slots).map(|_| Mutex::default()).collect(),
            link,
            ended: Default::default(),
            closing: tally(4),
        })
    }

    /// Takes the lead, if nobody has it.
    #[inline]
    pub(super) fn try_lead(&self) -> Option<Leading<'_>> {
        self.incoming.try_lead().map(|leader| self.leading(leader))
    }

    #[inline]
    pub(super) fn leading<'a>(&'a self, mut leader: Leader<'a, Mapped, Incoming>) -> Leading<'a> {
        let disturbed = mem::take(&mut leader.resting);
        if disturbed {
            leader.inbox.receiver().incoming().rise();
        }
        Leading {
            engine: self,
            leader: Some(leader),
            disturbed: disturbed && self.alarm.is_none(),
            arms: self.alarm.is_some(),
        }
    }

    /// Whether this process may use the session at all: a forked child may not.
    #[inline]
    pub(super) fn owned(&self) -> Result<(), Halt> {
        if self.link.is_alive() || self.link.state() != State::Forked { Ok(()) } else { Err(Halt::Ended(End::Forked)) }
    }

    #[inline]
    pub(super) fn call(
        self: &Arc<Self>,
        selector: u32,
        parts: &[IoSlice<'_>],
        reply: &mut Vec<u8>,
        limit: Limit,
    ) -> Result<(), CallError> {
        let begun = self.seen.latency.start();
        let result = self.call_untimed(selector, parts, reply, limit);
        if result.is_ok() {
            self.seen.latency.stop(begun);
        }
        result
    }

    #[inline]
    fn call_untimed(
        self: &Arc<Self>,
        selector: u32,
        parts: &[IoSlice<'_>],
        reply: &mut Vec<u8>,
        mut limit: Limit,
    ) -> Result<(), CallError> {
        // First, so that the reply of a lone caller finds nobody asleep.
        let mut leading = self.try_lead();
        let ticket = self.begin(selector, parts, &mut limit, &mut leading)?;
        if let Some(leading) = &mut leading {
            leading.call_listener();
        }
        let _blocked = self.pool.blocked(self);
        self.await_reply(ticket, reply, leading, limit.deadline())
    }

    /// Sends a request.
    #[inline]
    pub(super) fn begin(
        &self,
        selector: u32,
        parts: &[IoSlice<'_>],
        limit: &mut Limit,
        leading: &mut Option<Leading<'_>>,
    ) -> Result<Ticket, CallError> {
        self.owned().map_err(CallError::NotSent)?;
        let peer = self.peer(limit, leading).map_err(CallError::NotSent)?;
        let mut letter = Letter::new(Kind::Call, 0, selector, parts);
        let _open = self.open(&letter, peer, limit, leading)?;
        let mut outgoing = self.outgoing(leading);
        let ticket = loop {
            if let Some(ticket) = self.incoming.enter(&mut outgoing.hint, peer.calls.into()) {
                break ticket;
            }
            if !self.options.wait_for_turn {
                return Err(CallError::Busy);
            }
            outgoing = self.wait_for_turn(outgoing, limit, leading).map_err(CallError::NotSent)?;
        };
        letter.set_id(self.incoming.id(ticket));
        if let Err(unsent) = self.send(outgoing, &mut letter, limit, leading) {
            self.exit(ticket);
            return Err(unsent.into());
        }
        Ok(ticket)
    }

    /// Frees a call's slot.
    pub(super) fn exit(&self, ticket: Ticket) {
        self.incoming.exit(ticket);
        self.next_turn();
    }

    /// Waits for a reply, as the leader or as a follower, and frees its slot.
    #[inline]
    pub(super) fn await_reply<'a>(
        self: &'a Arc<Self>,
        ticket: Ticket,
        reply: &mut Vec<u8>,
        leading: Option<Leading<'a>>,
        deadline: Deadline,
    ) -> Result<(), CallError> {
        if let Some(mut leader) = leading {
            if let Some(result) = self.lead_until(ticket, reply, &mut leader, deadline) {
                return result;
            }
        }
        self.await_in_turn(ticket, reply, deadline)
    }

    fn await_in_turn(
        self: &Arc<Self>,
        ticket: Ticket,
        reply: &mut Vec<u8>,
        deadline: Deadline,
    ) -> Result<(), CallError> {
        loop {
            match self.incoming.follow(ticket, deadline) {
                Follow::Answered => return self.collect(ticket, reply),
                Follow::Leads(leader) => {
                    let mut leader = self.leading(leader);
                    if let Some(result) = self.lead_until(ticket, reply, &mut leader, deadline) {
                        return result;
                    }
                }
                Follow::Expired => {
                    self.exit(ticket);
                    let halt = self.owned().err().unwrap_or(Halt::Timeout);
                    return Err(CallError::NoReply(halt));
                }
            }
        }
    }

    /// Receives until the reply has come; `None` if the lead was given up to run a handler.
    #[inline]
    fn lead_until(
        self: &Arc<Self>,
        ticket: Ticket,
        reply: &mut Vec<u8>,
        leader: &mut Leading<'_>,
        deadline: Deadline,
    ) -> Option<Result<(), CallError>> {
        let id = self.incoming.id(ticket);
        loop {
            if self.incoming.is_answered(ticket) {
                return Some(self.collect(ticket, reply));
            }
            let job = match self.ready_job(leader) {
                Some(job) => Some(job),
                None => match leader.inbox().next_for(id, reply, deadline) {
                    Ok(Got::It) => {
                        leader.exit(ticket);
                        return Some(Ok(()));
                    }
                    Ok(Got::Other(arrival)) => self.sort(leader, arrival),
                    Err(error) => {
                        self.exit(ticket);
                        return Some(Err(CallError::NoReply(error.into())));
                    }
                },
            };
            if let Some(job) = job {
                // Whoever waits receives while the handler runs.
                leader.give_up();
                self.run(job);
                return None;
            }
            // Whatever else keeps coming.
            let halt = match () {
                () if deadline.passed() => Halt::Timeout,
                () if leader.leader().backlog.is_full() => Halt::Congested,
                () => continue,
            };
            if !self.incoming.is_answered(ticket) {
                self.exit(ticket);
                return Some(Err(CallError::NoReply(halt)));
            }
        }
    }

    /// Puts a reply where its caller finds it, if it still waits.
    pub(super) fn deliver(&self, leader: &mut Leading<'_>, id: u64, status: Status, payload: Vec<u8>) {
        let guard = leader.leader();
        let ticket = guard.ticket(id);
        match guard.answers(ticket) {
            Some(asleep) => {
                {
                    let mut filed = lock(&self.replies[self.incoming.index(ticket)]);
                    (filed.status, filed.payload) = (Some(status), payload);
                }
                guard.answered(ticket, asleep);
                if self.is_driven() {
                    self.wake_task(ticket);
                }
            }
            None => {
                self.seen.received.add(Count::LateReplies, 1);
                self.buffers.give_back(payload);
            }
        }
    }

    /// Takes a reply that somebody else received, and frees its slot.
    pub(super) fn collect(&self, ticket: Ticket, reply: &mut Vec<u8>) -> Result<(), CallError> {
        let Filed { status, mut payload, .. } = mem::take(&mut *lock(&self.replies[self.incoming.index(ticket)]));
        self.exit(ticket);
        let result = match status {
            Some(Status::Ok) => {
                mem::swap(&mut payload, reply);
                Ok(())
            }
            Some(status) => Err(CallError::from_reply(status, &payload)),
            None => unreachable!("an answered call without a reply"),
        };
        self.buffers.give_back(payload);
        result
    }

    /// Whether the reply has come.
    pub(super) fn is_answered(&self, ticket: Ticket) -> bool {
        self.incoming.is_answered(ticket)
    }

    /// Leaves in order: nothing is sent after this, and listener and workers end.
    pub(super) fn close(&self) {
        self.closing.add(1);
        self.outgoing(&mut None).outbox.sender().leave();
        self.attention.call();
        self.pool.close();
    }

    /// Whether a thread of its own receives while nobody waits.
    pub(super) fn listens(&self) -> bool {
        self.options.listener && self.strategy != WaitStrategy::Spin
    }

    /// Says how the session ended.
    pub(super) fn end(&self, end: End) {
        *lock(&self.ended.0) = Some(end);
        self.ended.1.notify_all();
    }

    /// Waits until the listener has found the session to end; `None` if the deadline comes first.
    pub(super) fn await_end(&self, deadline: Deadline) -> Option<End> {
        let mut ended = lock(&self.ended.0);
        while ended.is_none() && !deadline.passed() {
            ended = match deadline.remaining() {
                None => self.ended.1.wait(ended).unwrap_or_else(PoisonError::into_inner),
                Some(left) => self.ended.1.wait_timeout(ended, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        *ended
    }

    /// Whether whoever drives this must not wait for it.
    pub(super) fn is_driven(&self) -> bool {
        self.alarm.as_ref().is_some_and(Alarm::is_of_driver)
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.get() > 0
    }

    pub(super) fn counters(&self) -> SessionCounters {
        if self.owned().is_err() {
            // They are the parent's, and so are the locks.
            return SessionCounters::default();
        }
        // What is being sent is counted before the lock is given up: so what the other side has received of it is counted here.
        let _outgoing = lock(&self.outgoing);
        let (sent, received) = (&self.sent, &self.seen.received);
        SessionCounters {
            calls: sent.get(Count::Calls),
            events: sent.get(Count::Events),
            served: sent.get(Count::Served),
            events_taken: received.get(Count::EventsTaken),
            late_replies: received.get(Count::LateReplies),
        }
    }
}

impl<'a> Leading<'a> {
    #[inline]
    pub(super) fn leader(&mut self) -> &mut Leader<'a, Mapped, Incoming> {
        // It is there until the lead is given up, and then nobody asks.
        self.leader.as_mut().expect("the lead was given up")
    }

    #[inline]
    pub(super) fn inbox(&mut self) -> &mut Inbox {
        &mut self.leader().inbox
    }

    /// Frees the slot of a call of this thread's, and gives the lead up.
    #[inline]
    fn exit(&mut self, ticket: Ticket) {
        self.leader().exit(ticket);
        self.give_up();
        self.engine.next_turn();
    }

    /// Tells a listener, whose rest this thread ended, that it need not go on resting.
    #[inline]
    pub(super) fn call_listener(&mut self) {
        if mem::take(&mut self.disturbed) {
            self.engine.attention.call();
        }
    }

    /// For the listener itself, which rests no more.
    pub(super) fn end_own_rest(&mut self) {
        self.disturbed = false;
    }

    /// Leaves a poll loop alone: it is this thread, and will lead again before it polls.
    pub(super) fn hush(&mut self) {
        self.arms = false;
    }

    /// Gives the lead up.
    #[inline]
    pub(super) fn give_up(&mut self) {
        if self.arms {
            self.arm();
        }
        if self.leader.take().is_some() {
            self.call_listener();
        }
    }

    /// Has a poll loop told of what comes next, or of what is here already.
    #[cold]
    fn arm(&mut self) {
        self.arms = false;
        let incoming = self.leader();
        let armed = incoming.backlog.len() == 0 && incoming.inbox.receiver().arm() == Ok(Readiness::Armed);
        incoming.resting = armed;
        if let (false, Some(alarm)) = (armed, &self.engine.alarm) {
            alarm.raise();
        }
    }
}

impl Drop for Leading<'_> {
    #[inline]
    fn drop(&mut self) {
        self.give_up();
    }
}

impl Job {
    /// What is left of a job that was run.
    pub(super) fn into_payload(self) -> Vec<u8> {
        match self {
            Self::Call { payload, .. } | Self::Event { payload, .. } => payload,
            Self::Decline { .. } => Vec::new(),
        }
    }
}

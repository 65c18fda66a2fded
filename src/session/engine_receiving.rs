//! A session for threads: what its leader does with what comes, and running handlers.

use std::cell::Cell;
use std::io::IoSlice;
use std::sync::Arc;

use super::backlog::Job;
use super::engine::{Engine, Leading};
use super::error::{CallError, Halt, NotifyError};
use super::handler::{Back, Call, Event, run_call, run_event};
use super::header::Status;
use super::inbox::{Arrival, Asked};
use super::lead::Ticket;
use super::led::Follow;
use super::limit::Limit;
use super::respond::Responder;
use crate::channel::NextError;
use crate::memory::Count;
use crate::os::clock::Deadline;

thread_local! {
    /// Handlers that are running on this thread's stack.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// A request and a reply of a handler, kept for the next: small ones cost no allocation.
    static SPARE: Cell<(Vec<u8>, Vec<u8>)> = const { Cell::new((Vec::new(), Vec::new())) };
}

/// Larger buffers are not kept.
const LARGEST_SPARE: usize = 16 << 20;

impl Engine {
    /// Deals with what came: a reply goes to its caller, a job to the workers; what is returned is to be run by this thread,
    /// once it has given up the lead.
    pub(super) fn sort(self: &Arc<Self>, leader: &mut Leading<'_>, arrival: Arrival) -> Option<Job> {
        match arrival {
            Arrival::Part => {
                if self.peer.get().is_none() {
                    self.learn_peer(leader);
                }
                None
            }
            Arrival::Reply { id, status, payload } => {
                self.deliver(leader, id, status, payload);
                None
            }
            Arrival::Job(job) => self.accept(leader, job),
        }
    }

    /// What this thread is to run of a job that came.
    fn accept(self: &Arc<Self>, leader: &mut Leading<'_>, job: Job) -> Option<Job> {
        if matches!(job, Job::Event { .. }) {
            self.seen.received.add(Count::EventsTaken, 1);
        }
        if self.pool.takes(&job) {
            return self.pool.push(self, job);
        }
        if self.is_deep() { self.too_deep(leader, job) } else { Some(job) }
    }

    /// Whether no more handlers may run on this thread's stack.
    #[inline]
    fn is_deep(&self) -> bool {
        DEPTH.get() >= self.options.nesting
    }

    #[cold]
    fn too_deep(&self, leader: &mut Leading<'_>, job: Job) -> Option<Job> {
        match job {
            Job::Call { id, payload, .. } => {
                self.buffers.give_back(payload);
                Some(Job::Decline { id })
            }
            Job::Event { .. } => {
                leader.leader().backlog.push(job);
                None
            }
            Job::Decline { .. } => Some(job),
        }
    }

    /// What was put aside and this thread can run now.
    #[inline]
    pub(super) fn ready_job(self: &Arc<Self>, leader: &mut Leading<'_>) -> Option<Job> {
        if leader.leader().backlog.len() == 0 { None } else { self.oldest(leader) }
    }

    #[cold]
    fn oldest(self: &Arc<Self>, leader: &mut Leading<'_>) -> Option<Job> {
        while !self.is_deep() {
            let job = leader.leader().backlog.pop()?;
            let job = if self.pool.takes(&job) { self.pool.push(self, job) } else { Some(job) };
            if job.is_some() {
                return job;
            }
        }
        None
    }

    /// Takes what has come off the ring and runs no handler, unless another thread receives. Whether there is no more room to put
    /// things aside.
    pub(super) fn put_aside(&self, leading: &mut Option<Leading<'_>>) -> Result<bool, Halt> {
        match leading {
            Some(leader) => self.put_aside_as(leader),
            None => match self.try_lead() {
                Some(mut leader) => self.put_aside_as(&mut leader),
                None => Ok(false),
            },
        }
    }

    fn put_aside_as(&self, leader: &mut Leading<'_>) -> Result<bool, Halt> {
        while !leader.leader().backlog.is_full() {
            match leader.inbox().try_next() {
                Ok(Arrival::Part) => self.learn_peer(leader),
                Ok(Arrival::Reply { id, status, payload }) => self.deliver(leader, id, status, payload),
                Ok(Arrival::Job(job)) => {
                    self.seen.received.add(Count::EventsTaken, matches!(job, Job::Event { .. }).into());
                    leader.leader().backlog.push(job);
                }
                Err(NextError::Empty) => return Ok(false),
                Err(NextError::End(end)) => return Err(Halt::Ended(end)),
            }
        }
        Ok(true)
    }

    /// Handles one message as the leader, waiting for it until the deadline, or not at all.
    #[inline]
    pub(super) fn serve_one(
        self: &Arc<Self>,
        mut leader: Leading<'_>,
        deadline: Option<Deadline>,
    ) -> Result<(), NextError> {
        if let Some(job) = self.ready_job(&mut leader) {
            leader.give_up();
            self.run(job);
            return Ok(());
        }
        if self.pool.is_none() && !self.is_deep() {
            return self.serve_inline(leader, deadline);
        }
        if leader.leader().backlog.is_full() {
            // Too deep down to run anything, and nowhere to put it.
            return Err(NextError::Empty);
        }
        let arrival = leader.inbox().next_if(deadline)?;
        self.sort_and_run(leader, arrival);
        Ok(())
    }

    /// Waits until a call is answered, and leaves the reply to be collected: whether it is, or the session has ended.
    pub(super) fn await_answer(self: &Arc<Self>, ticket: Ticket, deadline: Deadline) -> bool {
        loop {
            match self.incoming.follow(ticket, deadline) {
                Follow::Answered => return true,
                Follow::Expired => return self.owned().is_err(),
                Follow::Leads(leader) => match self.serve_one(self.leading(leader), Some(deadline)) {
                    Err(NextError::End(_)) => return true,
                    _ if deadline.passed() => return self.is_answered(ticket),
                    _ => {}
                },
            }
        }
    }

    /// The fast path: a whole request, run by this thread.
    #[inline]
    fn serve_inline(self: &Arc<Self>, mut leader: Leading<'_>, deadline: Option<Deadline>) -> Result<(), NextError> {
        let (mut request, mut reply) = SPARE.take();
        let asked = leader.inbox().next_call(&mut request, deadline);
        if let Ok(Asked::Call { id, selector }) = asked {
            if self.peer.get().is_none() {
                self.learn_peer(&mut leader);
            }
            leader.give_up();
            DEPTH.set(DEPTH.get() + 1);
            self.run_call(id, selector, &request, &mut reply);
            DEPTH.set(DEPTH.get() - 1);
        }
        keep_spare(request, reply);
        if let Asked::Other(arrival) = asked? {
            self.sort_and_run(leader, arrival);
        }
        Ok(())
    }

    fn sort_and_run(self: &Arc<Self>, mut leader: Leading<'_>, arrival: Arrival) {
        if let Some(job) = self.sort(&mut leader, arrival) {
            leader.give_up();
            self.run(job);
        }
    }

    /// Runs the handler for a job on this thread, which does not lead.
    pub(super) fn run(self: &Arc<Self>, job: Job) {
        DEPTH.set(DEPTH.get() + 1);
        match &job {
            Job::Call { id, selector, payload } => {
                let (request, mut reply) = SPARE.take();
                self.run_call(*id, *selector, payload, &mut reply);
                keep_spare(request, reply);
            }
            Job::Event { selector, payload } => {
                let mut back = Behind(self);
                run_event(&*self.handler, &mut Event { selector: *selector, payload, back: &mut back });
            }
            Job::Decline { id } => self.answer(*id, Status::Overloaded, &[]),
        }
        DEPTH.set(DEPTH.get() - 1);
        self.buffers.give_back(job.into_payload());
    }

    #[inline]
    fn run_call(self: &Arc<Self>, id: u64, selector: u32, payload: &[u8], reply: &mut Vec<u8>) {
        reply.clear();
        let mut back = Behind(self);
        let call = &mut Call { id, selector, payload, reply, answered: false, back: &mut back };
        if let Some(status) = run_call(&*self.handler, call) {
            self.answer(id, status, reply);
        }
    }
}

fn keep_spare(request: Vec<u8>, reply: Vec<u8>) {
    let kept = |buffer: Vec<u8>| if buffer.capacity() <= LARGEST_SPARE { buffer } else { Vec::new() };
    SPARE.set((kept(request), kept(reply)));
}

/// The session as its handlers see it.
struct Behind<'a>(&'a Arc<Engine>);

impl Back for Behind<'_> {
    fn call(
        &mut self,
        selector: u32,
        request: &[u8],
        reply: &mut Vec<u8>,
        by: Option<Deadline>,
    ) -> Result<(), CallError> {
        let limit = by.map_or_else(|| self.0.options.limit(), Limit::At);
        self.0.call(selector, &[IoSlice::new(request)], reply, limit)
    }

    fn notify(&mut self, selector: u32, event: &[u8]) -> Result<(), NotifyError> {
        self.0.notify(selector, &[IoSlice::new(event)], Limit::At(Deadline::NEVER))
    }

    fn answer(&mut self, id: u64, reply: &[u8]) {
        self.0.answer(id, Status::Ok, reply);
    }

    fn responder(&mut self, id: u64) -> Option<Responder> {
        Responder::new(self.0, id)
    }
}

//! Which thread does what: one reads, some run procedures, some wait for calls that their procedures made.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::ring::Corrupt;

/// What is to be run.
#[derive(Debug)]
pub(super) struct Job {
    /// To answer by; `None` for what wants no answer.
    pub(super) id: Option<u64>,
    pub(super) number: u32,
    pub(super) payload: Vec<u8>,
}

/// The threads of one side of a stream.
pub(super) struct Crew {
    state: Mutex<State>,
    /// There is room in the queue.
    room: Condvar,
    /// Nothing runs, and nothing waits to.
    idle: Condvar,
    workers: usize,
    nesting: usize,
    calls: u64,
    bytes: usize,
}

#[derive(Default)]
struct State {
    /// Threads that read or wait to read.
    readers: usize,
    /// Threads that run procedures, also those that wait for calls of their own.
    running: usize,
    /// Threads whose procedures wait for calls of their own.
    blocked: usize,
    /// What no thread runs yet.
    queue: VecDeque<Job>,
    queued_bytes: usize,
    /// Calls that are not answered yet.
    unanswered: u64,
}

/// What a thread is to do with a job that it has read.
pub(super) enum Admitted {
    /// Run it; and have another thread read, if so.
    Run { job: Job, reader_wanted: bool },
    /// Nothing: it waits for one that runs another now.
    Queued,
}

/// What a thread is to do after a job.
pub(super) enum Next {
    Run(Job),
    Read,
    Leave,
}

/// The most jobs in the queue. Calls are bounded by what is agreed; events that find no room keep the other side from sending.
const MOST_QUEUED: usize = 1024;

impl Crew {
    pub(super) fn new(workers: usize, nesting: usize, calls: u32, largest: u64) -> Self {
        let bytes = largest as usize;
        Self {
            state: Mutex::default(),
            room: Condvar::new(),
            idle: Condvar::new(),
            workers,
            nesting,
            calls: calls.into(),
            bytes,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread begins to read.
    pub(super) fn begin_reading(&self) {
        self.lock().readers += 1;
    }

    /// Whether nobody reads; a thread that is about to is counted from now on.
    pub(super) fn wants_reader(&self) -> bool {
        let mut state = self.lock();
        let wanted = state.readers == 0;
        state.readers += usize::from(wanted);
        wanted
    }

    /// That thread does not read after all.
    pub(super) fn read_no_more(&self) {
        self.lock().readers -= 1;
    }

    /// A reader has a job. It waits for room in the queue, if that is where it goes.
    pub(super) fn admit(&self, job: Job) -> Result<Admitted, Corrupt> {
        let mut state = self.lock();
        if job.id.is_some() {
            state.unanswered = Corrupt::check("calls in flight", state.unanswered + 1, 1, self.calls)?;
        }
        loop {
            if state.running - state.blocked < self.workers {
                state.running += 1;
                state.readers -= 1;
                let reader_wanted = state.readers == 0;
                // Counted at once, so that nobody else starts one, too.
                state.readers += usize::from(reader_wanted);
                return Ok(Admitted::Run { job, reader_wanted });
            }
            if state.queue.len() < MOST_QUEUED && (state.queue.is_empty() || state.queued_bytes < self.bytes) {
                state.queued_bytes += job.payload.len();
                state.queue.push_back(job);
                return Ok(Admitted::Queued);
            }
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A thread is done with a job.
    pub(super) fn next(&self) -> Next {
        let mut state = self.lock();
        self.room.notify_one();
        if state.running - state.blocked <= self.workers {
            if let Some(job) = state.pop() {
                return Next::Run(job);
            }
        }
        state.running -= 1;
        if state.running == 0 {
            self.idle.notify_all();
        }
        // One that reads, and one that is about to.
        if state.readers >= 2 {
            return Next::Leave;
        }
        state.readers += 1;
        Next::Read
    }

    /// Waits until all that was read has been run. Only once nothing more is read is that for long.
    pub(super) fn await_idle(&self) {
        let busy = |state: &mut State| state.running > 0 || !state.queue.is_empty();
        drop(self.idle.wait_while(self.lock(), busy));
    }

    /// A call is about to be answered: who has the reply may send the next one at once.
    pub(super) fn answered(&self) {
        self.lock().unanswered -= 1;
    }

    /// A procedure is about to wait for a call of its own: a job that another thread may run meanwhile. `Err` if too many
    /// wait already.
    pub(super) fn block(&self) -> Result<Option<Job>, ()> {
        let mut state = self.lock();
        if state.blocked >= self.nesting {
            return Err(());
        }
        state.blocked += 1;
        let job = state.pop();
        state.running += usize::from(job.is_some());
        self.room.notify_one();
        Ok(job)
    }

    /// It has its reply.
    pub(super) fn unblock(&self) {
        self.lock().blocked -= 1;
    }

    /// A thread that was to run a job could not be had: the job waits.
    pub(super) fn put_back(&self, job: Job) {
        let mut state = self.lock();
        state.running -= 1;
        state.queued_bytes += job.payload.len();
        state.queue.push_front(job);
    }
}

impl State {
    fn pop(&mut self) -> Option<Job> {
        let job = self.queue.pop_front()?;
        self.queued_bytes -= job.payload.len();
        Some(job)
    }
}

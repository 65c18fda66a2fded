//! Threads that run handlers.

use std::cell::Cell;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::backlog::{Backlog, Job};
use super::engine::Engine;
use super::hello::Hello;

/// Workers, started when they are needed.
///
/// A worker whose handler waits for a call of its own does no work, so another may start in its place: nested calls do not
/// use the workers up. How many may wait so at the same time is bounded; beyond that a request is declined.
pub(super) struct Pool {
    workers: usize,
    most: usize,
    state: Mutex<State>,
    work: Condvar,
}

struct State {
    queue: Backlog,
    threads: usize,
    idle: usize,
    /// Whose handlers wait for calls of their own.
    blocked: usize,
    closed: bool,
    handles: Vec<JoinHandle<()>>,
}

impl State {
    /// Whether no worker can ever take another job: every one waits for a call, whose answer may need that very job.
    fn is_hopeless(&self, most: usize) -> bool {
        self.threads == most && self.blocked == self.threads
    }
}

thread_local! {
    /// The pool that this thread works for, by its address.
    static EMPLOYER: Cell<usize> = const { Cell::new(0) };
}

impl Pool {
    /// At most `workers` threads that work at the same time, and `nesting` that wait, for a side that accepts this.
    pub(super) fn new(workers: usize, nesting: usize, accepted: Hello) -> Self {
        let queue = Backlog::new(accepted);
        let state = State { queue, threads: 0, idle: 0, blocked: 0, closed: false, handles: Vec::new() };
        Self { workers, most: workers.saturating_add(nesting), state: Mutex::new(state), work: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there are no workers: whoever receives runs handlers.
    #[inline]
    pub(super) fn is_none(&self) -> bool {
        self.workers == 0
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Whether workers run such a job.
    #[inline]
    pub(super) fn takes(&self, job: &Job) -> bool {
        self.workers > 0 && !matches!(job, Job::Decline { .. })
    }

    /// Has a worker run the job; what is returned is for the caller to run.
    pub(super) fn push(&self, engine: &Arc<Engine>, job: Job) -> Option<Job> {
        let mut state = self.lock();
        if state.queue.is_full() {
            // Whoever receives runs it, and receives nothing meanwhile: that pushes back.
            return Some(job);
        }
        if state.queue.len() >= state.idle {
            self.hire(&mut state, engine);
        }
        if state.threads == 0 {
            // Not one could be started.
            return Some(job);
        }
        if let Job::Call { id, .. } = job {
            let most = u64::from(engine.options.accepted.calls);
            if state.is_hopeless(self.most) || !engine.requests.enter(most) {
                engine.buffers.give_back(job.into_payload());
                return Some(Job::Decline { id });
            }
        }
        state.queue.push(job);
        drop(state);
        self.work.notify_one();
        None
    }

    /// Starts another worker, if one more may work.
    fn hire(&self, state: &mut State, engine: &Arc<Engine>) {
        if state.closed || state.threads - state.blocked >= self.workers || state.threads == self.most {
            return;
        }
        let engine = Arc::clone(engine);
        let hired = thread::Builder::new().name("twinring-work".into()).spawn(move || engine.pool.work(&engine));
        if let Ok(handle) = hired {
            state.threads += 1;
            state.handles.retain(|handle| !handle.is_finished());
            state.handles.push(handle);
        }
    }

    fn work(&self, engine: &Arc<Engine>) {
        EMPLOYER.set(self.address());
        let mut state = self.lock();
        loop {
            if let Some(job) = state.queue.pop() {
                drop(state);
                let is_call = matches!(job, Job::Call { .. });
                // First: whoever has the reply may send the next request at once, and a responder counts itself.
                if is_call {
                    engine.requests.add(-1);
                }
                engine.run(job);
                state = self.lock();
            } else if state.closed || state.threads - state.blocked > self.workers {
                state.threads -= 1;
                return;
            } else {
                state.idle += 1;
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            }
        }
    }

    /// Says that this thread, if it is a worker, waits until the result is dropped.
    #[inline]
    pub(super) fn blocked<'a>(&'a self, engine: &Arc<Engine>) -> Option<Blocked<'a>> {
        if self.workers == 0 || EMPLOYER.get() != self.address() { None } else { Some(self.block(engine)) }
    }

    #[cold]
    fn block<'a>(&'a self, engine: &Arc<Engine>) -> Blocked<'a> {
        let mut state = self.lock();
        state.blocked += 1;
        if state.queue.len() > state.idle {
            self.hire(&mut state, engine);
        }
        let declined = if state.is_hopeless(self.most) { state.queue.take_calls() } else { Vec::new() };
        drop(state);
        for id in declined {
            engine.requests.add(-1);
            engine.run(Job::Decline { id });
        }
        Blocked(self)
    }

    /// Ends all workers once they have run what is queued; waits for them, unless called by one.
    pub(super) fn close(&self) {
        let handles = {
            let mut state = self.lock();
            state.closed = true;
            mem::take(&mut state.handles)
        };
        self.work.notify_all();
        for handle in handles.into_iter().filter(|handle| handle.thread().id() != thread::current().id()) {
            // A worker does not panic: its handlers' panics are caught.
            let _ = handle.join();
        }
    }
}

/// A worker that waits.
pub(super) struct Blocked<'a>(&'a Pool);

impl Drop for Blocked<'_> {
    fn drop(&mut self) {
        self.0.lock().blocked -= 1;
    }
}

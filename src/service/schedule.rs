//! Whose turn it is, and who is asleep meanwhile.
//!
//! A descriptor shows that something is queued, for whoever sleeps. It is raised only if somebody may not find out
//! otherwise: a thread that is awake looks at the queue before it sleeps.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::timers::Timers;
use crate::os::event::Event;

/// A queue of entries, and the descriptor that shows that there are some.
#[derive(Debug)]
pub(super) struct Schedule<E> {
    state: Mutex<State<E>>,
    bell: Event,
    /// What wakes those who sleep where the bell is refused.
    clock: Arc<Timers>,
}

#[derive(Debug)]
struct State<E> {
    ready: VecDeque<E>,
    /// Threads that will look at the queue before they sleep or leave.
    awake: usize,
    asleep: usize,
    raised: bool,
    /// Raised for good.
    over: bool,
}

/// A thread that is awake; leaving when dropped.
pub(super) struct Awake<'a, E>(&'a Schedule<E>);

impl<E> Schedule<E> {
    pub(super) fn new(clock: &Arc<Timers>) -> io::Result<Self> {
        let bell = Event::new()?;
        let state = State { ready: VecDeque::new(), awake: 0, asleep: 0, raised: false, over: false };
        Ok(Self { state: Mutex::new(state), bell, clock: Arc::clone(clock) })
    }

    fn state(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues an entry.
    pub(super) fn push(&self, entry: E) {
        let mut state = self.state();
        state.ready.push_back(entry);
        if state.awake == 0 {
            self.raise(&mut state);
        }
    }

    /// Takes the entry at the head. If more are left and a thread sleeps, that one is woken, so that nobody's messages wait for
    /// another's handler.
    pub(super) fn pop(&self) -> Option<E> {
        let mut state = self.state();
        let entry = state.ready.pop_front();
        if state.asleep > 0 && !state.ready.is_empty() {
            self.raise(&mut state);
        }
        entry
    }

    pub(super) fn len(&self) -> usize {
        self.state().ready.len()
    }

    fn raise(&self, state: &mut State<E>) {
        if !std::mem::replace(&mut state.raised, true) && !self.bell.raise() {
            self.clock.tick();
        }
    }

    /// Takes the raising back, by a thread that is awake.
    pub(super) fn lower(&self) {
        let mut state = self.state();
        if !state.over && std::mem::take(&mut state.raised) {
            let _ = self.bell.lower();
        }
    }

    /// Wakes all, for good.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.over = true;
        self.raise(&mut state);
    }

    /// Says that this thread looks at the queue.
    pub(super) fn rise(&self) -> Awake<'_, E> {
        self.state().awake += 1;
        Awake(self)
    }
}

impl<E> Awake<'_, E> {
    /// Runs `sleep` as one who is asleep, unless something is queued.
    pub(super) fn sleep<R>(&self, sleep: impl FnOnce() -> R) -> Option<R> {
        self.fall_asleep().then(|| {
            let result = sleep();
            let mut state = self.0.state();
            state.asleep -= 1;
            state.awake += 1;
            result
        })
    }

    fn fall_asleep(&self) -> bool {
        let mut state = self.0.state();
        let sleeps = state.ready.is_empty();
        if sleeps {
            state.awake -= 1;
            state.asleep += 1;
        }
        sleeps
    }
}

impl<E> Drop for Awake<'_, E> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.awake -= 1;
        if !state.ready.is_empty() && state.awake == 0 {
            self.0.raise(&mut state);
        }
    }
}

impl<E> AsFd for Schedule<E> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

//! All deadlines of a service behind one descriptor, so that a poll loop need not know of them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use crate::os::clock::SLICE;

/// What is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// Clients that greet, or wait to be accepted.
    Listener,
    /// The client of this number.
    Client(u64),
}

/// Moments at which something is due.
#[derive(Debug)]
pub(super) struct Timers {
    descriptor: OwnedFd,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    heap: BinaryHeap<Reverse<(Instant, Due)>>,
    /// What the descriptor is set to.
    set: Option<Instant>,
    /// The earliest entry for the listener, of which one is enough.
    listener: Option<Instant>,
    /// The descriptor shows itself in slices, whatever is due.
    ticks: bool,
}

impl Timers {
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let descriptor = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        // A sandbox may allow the one and not the other: better to learn of it now, because later nobody could be told.
        timerfd_settime(&descriptor, TimerfdTimerFlags::empty(), &once(Duration::ZERO))?;
        Ok(Self { descriptor, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has something looked at in that time.
    pub(super) fn add(&self, after: Duration, due: Due) {
        // Too far away to be represented, it never comes.
        let Some(at) = Instant::now().checked_add(after) else { return };
        let mut state = self.state();
        if due == Due::Listener {
            if state.listener.is_some_and(|earlier| earlier <= at) {
                return;
            }
            state.listener = Some(at);
        }
        state.heap.push(Reverse((at, due)));
        if state.set.is_none_or(|set| at < set) {
            self.set(&mut state, at);
        }
    }

    /// Takes what is due by now.
    pub(super) fn take_due(&self) -> Vec<Due> {
        // Nothing to read if another thread was here first.
        let _ = rustix::io::read(&self.descriptor, &mut [0; 8]);
        let mut state = self.state();
        let now = Instant::now();
        let mut due = Vec::new();
        state.set = None;
        while let Some(&Reverse((at, entry))) = state.heap.peek() {
            if at > now {
                self.set(&mut state, at);
                break;
            }
            state.heap.pop();
            if entry == Due::Listener {
                state.listener = None;
            }
            due.push(entry);
        }
        due
    }

    /// Has the descriptor show itself every few milliseconds from now on: all that is left where a sandbox, closed around this
    /// process, refuses to have anybody woken.
    pub(super) fn tick(&self) {
        self.state().ticks = true;
        let slice = Timespec { tv_sec: 0, tv_nsec: SLICE.subsec_nanos().into() };
        let ticks = Itimerspec { it_interval: slice, it_value: slice };
        let _ = timerfd_settime(&self.descriptor, TimerfdTimerFlags::empty(), &ticks);
    }

    fn set(&self, state: &mut State, at: Instant) {
        state.set = Some(at);
        if state.ticks {
            return;
        }
        let left = at.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1));
        // The descriptor is ours and the time is valid: it cannot fail.
        let _ = timerfd_settime(&self.descriptor, TimerfdTimerFlags::empty(), &once(left));
    }
}

/// A timer for that time from now, or for none.
fn once(after: Duration) -> Itimerspec {
    let value = Timespec { tv_sec: after.as_secs() as i64, tv_nsec: after.subsec_nanos().into() };
    Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value }
}

impl AsFd for Timers {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

//! Time: deadlines on `CLOCK_MONOTONIC`, which clock steps do not move.

use std::time::{Duration, Instant};

use rustix::thread::clock_nanosleep_relative;
use rustix::thread::futex::Timespec;
use rustix::time::{ClockId, clock_gettime};

/// How long one sleep lasts where what is waited for cannot be slept on: it is then looked at this often.
pub(crate) const SLICE: Duration = Duration::from_millis(2);

/// The moment at which a wait gives up, or never.
///
/// It is a moment of `CLOCK_MONOTONIC`: setting the clock does not move it, it goes on while a process is stopped, and it stands
/// still while the machine is suspended.
///
/// A deadline in the past makes a wait look once and give up; one too far away to be represented is
/// [`Deadline::NEVER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Wait for as long as it takes.
    pub const NEVER: Self = Self(None);

    /// Gives up `timeout` from now.
    #[must_use]
    pub fn after(timeout: Duration) -> Self {
        Self(Instant::now().checked_add(timeout))
    }

    /// Gives up at `instant`.
    #[must_use]
    pub fn at(instant: Instant) -> Self {
        Self(Some(instant))
    }

    /// Whether the moment has come. Reads the clock, unless there is no deadline.
    #[must_use]
    #[inline]
    pub fn passed(self) -> bool {
        self.0.is_some_and(|instant| Instant::now() >= instant)
    }

    /// The time that is left: zero once it has passed, `None` if there is no deadline.
    #[must_use]
    pub fn remaining(self) -> Option<Duration> {
        self.0.map(|instant| instant.saturating_duration_since(Instant::now()))
    }

    /// The earlier of the two.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some(a), Some(b)) => Self(Some(a.min(b))),
            (a, b) => Self(a.or(b)),
        }
    }

    /// The deadline as the kernel takes it: absolute, on `CLOCK_MONOTONIC`.
    pub(crate) fn absolute(self) -> Option<Timespec> {
        let left = timespec(self.remaining()?)?;
        clock_gettime(ClockId::Monotonic).checked_add(left)
    }
}

/// Sleeps for that long, or less: a signal ends it. The standard library's sleep panics where a sandbox refuses the call.
pub(crate) fn nap(time: Duration) {
    if let Some(time) = timespec(time) {
        // Whatever it says means "look again".
        let _ = clock_nanosleep_relative(ClockId::Monotonic, &time);
    }
}

impl From<Instant> for Deadline {
    fn from(instant: Instant) -> Self {
        Self::at(instant)
    }
}

/// `None` if the kernel's type cannot hold it: too far away to matter.
pub(crate) fn timespec(duration: Duration) -> Option<Timespec> {
    Some(Timespec { tv_sec: duration.as_secs().try_into().ok()?, tv_nsec: duration.subsec_nanos().into() })
}

//! Until when something may take.

use std::time::Duration;

use super::options::SessionOptions;
use crate::os::clock::Deadline;

/// A deadline, or a time from when it is first needed: on the way of a message nobody reads the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    At(Deadline),
    For(Duration),
}

/// How long one wait for room lasts before what has come is looked at.
pub(super) const SLICE: Duration = Duration::from_micros(500);

impl Limit {
    /// The deadline: fixed from now on.
    #[inline]
    pub(crate) fn deadline(&mut self) -> Deadline {
        match *self {
            Self::At(deadline) => deadline,
            Self::For(time) => {
                let deadline = Deadline::after(time);
                *self = Self::At(deadline);
                deadline
            }
        }
    }
}

impl SessionOptions {
    /// How long a call takes that does not say so itself.
    #[inline]
    pub(crate) fn limit(&self) -> Limit {
        self.timeout.map_or(Limit::At(Deadline::NEVER), Limit::For)
    }
}

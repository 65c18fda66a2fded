//! The classic: System V semaphores and shared memory, with handshake and zeroing.

use std::io;

use super::{BUFFER, SEMAPHORES, Semaphore};
use crate::failure::{Context, Failure};
use crate::measure::keeper::{Keeper, Kept};
use crate::measure::passed::Passed;
use crate::os::segment::Segment;
use crate::os::system_v;

/// A set of semaphores.
///
/// The original passes `SEM_UNDO` to every operation, so that the kernel takes back what a dead process did. But here one
/// process posts what the other takes: the kernel's account of each grows by two a call and never shrinks, and at the 16,384th
/// request it is full, an operation fails, and the original hangs. Without it calls are a little faster, too.
pub struct Set {
    semaphores: system_v::Semaphores,
    /// Of the side that has had it made.
    _keeper: Option<Keeper>,
}

/// Makes the semaphores and the buffer.
///
/// # Errors
///
/// If the system has none.
pub fn create() -> Result<(Set, Segment, Passed), Failure> {
    let (keeper, ids) = Keeper::start(Kept::Semaphores, SEMAPHORES)?;
    let id = *ids.first().ok_or_else(|| Failure::new("the keeper told no id"))?;
    let (buffer, segment) = Segment::system_v(BUFFER).while_doing(|| "could not get a System V segment".to_owned())?;
    let set = Set { _keeper: Some(keeper), ..Set::of(id) };
    set.initialise().while_doing(|| "could not set the semaphores".to_owned())?;
    Ok((set, buffer, Passed { ids: [id, segment], ..Passed::default() }))
}

/// Finds what the leader has made.
///
/// # Errors
///
/// If it has gone.
pub fn join(passed: &Passed) -> Result<(Set, Segment), Failure> {
    let [set, segment] = passed.ids;
    let buffer = Segment::attached(segment, BUFFER).while_doing(|| "could not attach a segment".to_owned())?;
    Ok((Set::of(set), buffer))
}

impl Set {
    /// The set of that id, as another side finds it.
    pub fn of(id: i32) -> Self {
        Self { semaphores: system_v::Semaphores::of(id), _keeper: None }
    }

    /// Nothing is in the buffer, which is free.
    ///
    /// # Errors
    ///
    /// If the set has gone.
    pub fn initialise(&self) -> io::Result<()> {
        Semaphore::ALL
            .iter()
            .try_for_each(|semaphore| self.semaphores.set(semaphore.number().into(), semaphore.initial().into()))
    }
}

impl super::Semaphores for Set {
    const AS_THE_ORIGINAL: bool = true;

    fn wait(&self, which: Semaphore) -> io::Result<()> {
        self.semaphores.add(which.number().into(), -1)
    }

    fn post(&self, which: Semaphore) -> io::Result<()> {
        self.semaphores.add(which.number().into(), 1)
    }

    fn reset(&self, which: Semaphore) -> io::Result<()> {
        self.semaphores.set(which.number().into(), 0)
    }
}

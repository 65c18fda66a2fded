//! The same with POSIX semaphores, which enter the kernel only to sleep and to wake, and without handshake and zeroing: what is
//! left is what the design itself costs.

use std::io;
use std::os::fd::AsFd;

use super::{BUFFER, SEMAPHORES, Semaphore};
use crate::failure::{Context, Failure};
use crate::measure::floor::shared_memory;
use crate::measure::passed::Passed;
use crate::os::posix::Semaphores;
use crate::os::segment::Segment;

const SEMAPHORE_BYTES: usize = Semaphores::bytes(SEMAPHORES);

/// Makes the semaphores and the buffer, each in memory of its own.
///
/// # Errors
///
/// If the system has none.
pub fn create() -> Result<(Semaphores, Segment, Passed), Failure> {
    let (semaphores, buffer) = (shared_memory(SEMAPHORE_BYTES)?, shared_memory(BUFFER)?);
    let values = Semaphore::ALL.map(|semaphore| semaphore.initial().into());
    let made = Semaphores::create(map(&semaphores, SEMAPHORE_BYTES)?, &values)?;
    let mapped = map(&buffer, BUFFER)?;
    Ok((made, mapped, Passed { descriptors: vec![semaphores, buffer], ..Passed::default() }))
}

/// Finds what the leader has made.
///
/// # Errors
///
/// If it cannot be mapped.
pub fn join(passed: Passed) -> Result<(Semaphores, Segment), Failure> {
    let [semaphores, buffer] = passed.descriptors()?;
    Ok((Semaphores::made(map(&semaphores, SEMAPHORE_BYTES)?), map(&buffer, BUFFER)?))
}

fn map(memory: impl AsFd, bytes: usize) -> Result<Segment, Failure> {
    Segment::mapped(memory, bytes).while_doing(|| "could not map shared memory".to_owned())
}

impl super::Semaphores for Semaphores {
    const AS_THE_ORIGINAL: bool = false;

    fn wait(&self, which: Semaphore) -> io::Result<()> {
        self.wait(which.number().into())
    }

    fn post(&self, which: Semaphore) -> io::Result<()> {
        self.post(which.number().into())
    }

    fn reset(&self, _which: Semaphore) -> io::Result<()> {
        unreachable!("only the handshake resets")
    }
}

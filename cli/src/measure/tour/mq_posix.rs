//! A POSIX message queue each way, as long as the system lets everybody have them.

use super::{check_length, limit};
use crate::failure::{Context, Failure};
use crate::measure::carrier::Carrier;
use crate::measure::passed::Passed;
use crate::os::posix::Queue;

/// A side.
pub struct Ends {
    from: Queue,
    into: Queue,
    /// A queue wants room for its longest message; a confirmation is received into less.
    room: Vec<u8>,
}

/// Makes both queues.
///
/// # Errors
///
/// If the system has none, or none for such messages.
pub fn open(size: usize) -> Result<(Ends, Passed), Failure> {
    let longest = limit("/proc/sys/fs/mqueue/msgsize_max", 8_192);
    check_length(size, longest, "/proc/sys/fs/mqueue/msgsize_max")?;
    let messages = limit("/proc/sys/fs/mqueue/msg_max", 10);
    let queue = || Queue::create(messages, size).while_doing(|| "could not get a POSIX message queue".to_owned());
    let (from, into) = (queue()?, queue()?);
    let passed = Passed::these([into.descriptor()?, from.descriptor()?]);
    Ok((Ends { from, into, room: vec![0; size] }, passed))
}

/// Takes what the leader has made.
///
/// # Errors
///
/// If it has passed something else.
pub fn join(size: usize, passed: Passed) -> Result<Ends, Failure> {
    let [from, into] = passed.descriptors()?.map(Queue::of);
    Ok(Ends { from, into, room: vec![0; size] })
}

impl Carrier for Ends {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        Ok(self.into.send(payload)?)
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        if buffer.len() >= self.room.len() {
            return Ok(self.from.receive(buffer)?);
        }
        let length = self.from.receive(&mut self.room)?.min(buffer.len());
        buffer[..length].copy_from_slice(&self.room[..length]);
        Ok(length)
    }
}

//! A System V message queue each way. Its calls want a message behind a number that says its kind, so a payload is copied once
//! more on either side.

use super::{check_length, limit};
use crate::failure::Failure;
use crate::measure::carrier::Carrier;
use crate::measure::keeper::{Keeper, Kept};
use crate::measure::passed::Passed;
use crate::os::system_v::{LONGEST, Message, Queue};

/// A side.
pub struct Ends {
    from: Queue,
    into: Queue,
    message: Box<Message>,
    /// Of the side that has had them made.
    _keeper: Option<Keeper>,
}

/// Has both queues made.
///
/// # Errors
///
/// If the system has none, or none for such messages.
pub fn open(size: usize) -> Result<(Ends, Passed), Failure> {
    check_length(size, limit("/proc/sys/kernel/msgmax", LONGEST).min(LONGEST), "/proc/sys/kernel/msgmax")?;
    check_length(size, limit("/proc/sys/kernel/msgmnb", LONGEST), "/proc/sys/kernel/msgmnb")?;
    let (keeper, ids) = Keeper::start(Kept::Queues, 2)?;
    let wrong = |ids: Vec<i32>| Failure::new(format!("the keeper told {} ids, expected 2", ids.len()));
    let [from, into] = ids.try_into().map_err(wrong)?;
    Ok((ends([from, into], Some(keeper)), Passed { ids: [into, from], ..Passed::default() }))
}

/// Finds what the leader has had made.
pub fn join(passed: &Passed) -> Ends {
    ends(passed.ids, None)
}

fn ends([from, into]: [i32; 2], keeper: Option<Keeper>) -> Ends {
    Ends { from: Queue::of(from), into: Queue::of(into), message: Message::boxed(), _keeper: keeper }
}

impl Carrier for Ends {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        Ok(self.into.send(&mut self.message, payload)?)
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        Ok(self.from.receive(&mut self.message, buffer)?)
    }
}

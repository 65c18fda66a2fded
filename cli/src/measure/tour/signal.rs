//! A queued real-time signal that carries a value. Nobody can wait for room in a full queue of signals, so there is no stream.

use rustix::process::getppid;

use super::check_length;
use crate::failure::{Context, Failure};
use crate::measure::carrier::Carrier;
use crate::measure::passed::Passed;
use crate::os::signal::{self, Awaited};

/// The bytes of a value.
const VALUE: usize = size_of::<usize>();

/// A side.
pub struct Ends {
    peer: i32,
    awaited: Awaited,
}

/// The leader's side, for talking to the process `second`.
///
/// # Errors
///
/// If the messages are longer than a value.
pub fn open(size: usize, second: i32) -> Result<(Ends, Passed), Failure> {
    check_length(size, VALUE, "a signal has one value")?;
    Ok((Ends { peer: second, awaited: Awaited::all() }, Passed::default()))
}

/// The second process's side: the leader has started it.
///
/// # Errors
///
/// If the leader has gone.
pub fn join() -> Result<Ends, Failure> {
    let leader = getppid().ok_or_else(|| Failure::new("the leader has gone"))?;
    Ok(Ends { peer: leader.as_raw_nonzero().get(), awaited: Awaited::all() })
}

impl Carrier for Ends {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        let mut value = [0; 8];
        value[..payload.len()].copy_from_slice(payload);
        signal::send(self.peer, u64::from_ne_bytes(value)).while_doing(|| "could not send a signal".to_owned())
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let value = self.awaited.value(self.peer)?.to_ne_bytes();
        let length = buffer.len().min(VALUE);
        buffer[..length].copy_from_slice(&value[..length]);
        Ok(length)
    }
}

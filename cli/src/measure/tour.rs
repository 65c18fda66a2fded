//! What the system offers to carry messages, each as a carrier of its own: the tour.
//!
//! All of them sleep in the kernel while there is nothing to receive. Both sides know how long a message is, so those without
//! borders between messages need no length in front of each, and are measured at their best. What has a buffer gets one as
//! large as a ring of ours, where the system allows it.

mod bytes;
mod eventfd;
mod futex;
mod mq_posix;
mod mq_sysv;
mod pipe;
mod signal;
mod tcp;
mod unix_seqpacket;
mod unix_stream;

use std::fs;
use std::str::FromStr;

use super::carrier::Carrier;
use super::passed::Passed;
use super::plan::Mechanism;
use crate::failure::Failure;

/// As many bytes as a ring of ours of the default capacity holds.
const CAPACITY: usize = 1 << 20;

/// The leader's side of a mechanism for messages of `size` bytes, and what the process `second` needs for the other.
///
/// # Errors
///
/// If the mechanism cannot be had here, or cannot carry so much.
pub fn open(mechanism: Mechanism, size: usize, second: i32) -> Result<(Box<dyn Carrier>, Passed), Failure> {
    match mechanism {
        Mechanism::Pipe => boxed(pipe::open()),
        Mechanism::UnixStream => boxed(unix_stream::open()),
        Mechanism::UnixSeqpacket => boxed(unix_seqpacket::open(size)),
        Mechanism::Tcp => boxed(tcp::open()),
        Mechanism::MqPosix => boxed(mq_posix::open(size)),
        Mechanism::MqSysv => boxed(mq_sysv::open(size)),
        Mechanism::Eventfd => boxed(eventfd::open(size)),
        Mechanism::Futex => boxed(futex::open(size)),
        Mechanism::Signal => boxed(signal::open(size, second)),
        _ => Err(foreign(mechanism)),
    }
}

/// The second process's side.
///
/// # Errors
///
/// If what the leader has passed is not what it should be.
pub fn join(mechanism: Mechanism, size: usize, passed: Passed) -> Result<Box<dyn Carrier>, Failure> {
    Ok(match mechanism {
        Mechanism::Pipe => Box::new(pipe::join(passed)?),
        Mechanism::UnixStream => Box::new(unix_stream::join(passed)?),
        Mechanism::UnixSeqpacket => Box::new(unix_seqpacket::join(passed)?),
        Mechanism::Tcp => Box::new(tcp::join(passed)?),
        Mechanism::MqPosix => Box::new(mq_posix::join(size, passed)?),
        Mechanism::MqSysv => Box::new(mq_sysv::join(&passed)),
        Mechanism::Eventfd => Box::new(eventfd::join(size, passed)?),
        Mechanism::Futex => Box::new(futex::join(passed)?),
        Mechanism::Signal => Box::new(signal::join()?),
        _ => return Err(foreign(mechanism)),
    })
}

fn boxed<C: Carrier + 'static>(opened: Result<(C, Passed), Failure>) -> Result<(Box<dyn Carrier>, Passed), Failure> {
    opened.map(|(carrier, passed)| (Box::new(carrier) as Box<dyn Carrier>, passed))
}

fn foreign(mechanism: Mechanism) -> Failure {
    Failure::new(format!("{mechanism:?} is no part of the tour"))
}

/// A number that the system tells in a file, or `otherwise`.
fn limit<N: FromStr>(file: &str, otherwise: N) -> N {
    fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(otherwise)
}

/// Refuses messages longer than `longest`, and says `why` there are none.
fn check_length(size: usize, longest: usize, why: &str) -> Result<(), Failure> {
    if size <= longest { Ok(()) } else { Err(Failure::new(format!("a message has {longest} bytes at most ({why})"))) }
}

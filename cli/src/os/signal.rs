//! A real-time signal with a value, sent to a process and waited for.
//!
//! May assume that the signal is blocked wherever it may arrive: [`block`] comes before the first thread and the first signal.
#![allow(unsafe_code)]

use std::io;
use std::ptr;

use libc::{c_int, c_void, sigset_t};

use super::{checked, uninterrupted};

/// The first that is no other's.
fn number() -> c_int {
    libc::SIGRTMIN()
}

/// The set of that signal alone.
fn set() -> sigset_t {
    // SAFETY: a set is plain bits, for which zeros are good values.
    let mut set: sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set lies there. It fails for a signal that does not exist, which this one is not.
    unsafe { libc::sigaddset(&raw mut set, number()) };
    set
}

/// Lets the signal wait until it is asked for, in this thread and in those that it starts.
///
/// # Errors
///
/// What the system says.
pub fn block() -> io::Result<()> {
    let set = set();
    // SAFETY: the set lies there, and nobody asks for the one before.
    let error = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()) };
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}

/// The set that is waited for, made once.
pub struct Awaited(sigset_t);

impl Awaited {
    /// What [`send`] sends.
    pub fn all() -> Self {
        Self(set())
    }

    /// Waits for a signal that `sender` sent: its value. Those of others are passed over.
    ///
    /// # Errors
    ///
    /// What the system says.
    #[inline]
    pub fn value(&self, sender: i32) -> io::Result<u64> {
        loop {
            // SAFETY: what is told of a signal is plain numbers, for which zeros are good values.
            let mut information: libc::siginfo_t = unsafe { std::mem::zeroed() };
            // SAFETY: the set lies there, and what is told can be written there.
            uninterrupted(|| checked(unsafe { libc::sigwaitinfo(&raw const self.0, &raw mut information) }))?;
            // SAFETY: every signal that a process has sent tells which.
            let from = unsafe { information.si_pid() };
            if information.si_code == libc::SI_QUEUE && from == sender {
                // SAFETY: a queued signal has a value.
                let value = unsafe { information.si_value() };
                return Ok(value.sival_ptr as u64);
            }
        }
    }
}

/// Sends the signal with `value` to `process`.
///
/// # Errors
///
/// If there is no such process, or too many signals wait already.
#[inline]
pub fn send(process: i32, value: u64) -> io::Result<()> {
    let value = libc::sigval { sival_ptr: ptr::without_provenance_mut::<c_void>(value as usize) };
    // SAFETY: the pointer is a number that nobody follows.
    checked(unsafe { libc::sigqueue(process, number(), value) }).map(drop)
}

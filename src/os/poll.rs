//! Waiting for descriptors until a deadline, which a stop of this process does not move.
//!
//! `poll(2)` keeps the moment at which it ends while a process is stopped. `ppoll(2)` is given by the kernel what was left before the
//! stop, but counts in nanoseconds: it waits for what is less than a millisecond. Each stands in for the other where a sandbox
//! refuses one. A kernel that has no `poll(2)` (on 64-bit Arm) moves deadlines by up to the length of a stop.
#![allow(unsafe_code)]

use std::io;
use std::ptr;
use std::time::Duration;

use super::clock::Deadline;

/// Waits until one of the entries shows something, or the deadline passes; may return early.
pub(super) fn wait(entries: &mut [libc::pollfd], deadline: Deadline) -> io::Result<()> {
    let left = deadline.remaining();
    if left.is_some_and(|left| left < Duration::from_millis(1)) {
        by_nanoseconds(entries, left).or_else(|_| by_milliseconds(entries, left))
    } else {
        by_milliseconds(entries, left).or_else(|_| by_nanoseconds(entries, left))
    }
}

fn by_milliseconds(entries: &mut [libc::pollfd], left: Option<Duration>) -> io::Result<()> {
    // Rounded down: the rest is waited for next. Too long a time is waited for in parts.
    let time = left.map_or(-1, |left| i32::try_from(left.as_millis()).unwrap_or(i32::MAX));
    // SAFETY: as many entries as it is told, writable.
    outcome(unsafe { libc::poll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, time) })
}

fn by_nanoseconds(entries: &mut [libc::pollfd], left: Option<Duration>) -> io::Result<()> {
    let time = left.and_then(|left| {
        let tv_sec = left.as_secs().try_into().ok()?;
        Some(libc::timespec { tv_sec, tv_nsec: left.subsec_nanos().into() })
    });
    let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: as many entries as it is told, writable; a time that lives as long as the call, or none; no mask.
    outcome(unsafe { libc::ppoll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, time, ptr::null()) })
}

fn outcome(ready: libc::c_int) -> io::Result<()> {
    match io::Error::last_os_error() {
        error if ready < 0 && error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

//! How much time of processors a process has used.
#![allow(unsafe_code)]

use std::io;
use std::time::Duration;

use libc::{clockid_t, timespec};

use super::checked;

/// What all threads of `process` have used so far.
///
/// # Errors
///
/// If there is no such process.
pub fn used_by(process: i32) -> io::Result<Duration> {
    let mut clock: clockid_t = 0;
    // SAFETY: the clock can be written there.
    let error = unsafe { libc::clock_getcpuclockid(process, &raw mut clock) };
    if error == 0 { read(clock) } else { Err(io::Error::from_raw_os_error(error)) }
}

/// What all threads of this process have used so far.
///
/// # Errors
///
/// None that the system knows of.
pub fn used() -> io::Result<Duration> {
    read(libc::CLOCK_PROCESS_CPUTIME_ID)
}

fn read(clock: clockid_t) -> io::Result<Duration> {
    let mut time = timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time can be written there.
    checked(unsafe { libc::clock_gettime(clock, &raw mut time) })?;
    Ok(Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_seen_from_both_sides() {
        let own = i32::try_from(std::process::id()).unwrap();
        let (before_by, before) = (used_by(own).unwrap(), used().unwrap());
        while used().unwrap() < before + Duration::from_millis(5) {}
        assert!(used_by(own).unwrap() >= before_by + Duration::from_millis(5));
        assert!(used_by(1 << 22).is_err());
    }
}

//! What the other mechanisms need of the system and no safe crate offers: the only places of the command with unsafe code.

pub mod posix;
pub mod processor;
pub mod segment;
pub mod signal;
pub mod system_v;

use std::io;

/// What a call that fails with -1 has returned, or why it failed.
fn checked(returned: libc::c_int) -> io::Result<libc::c_int> {
    if returned == -1 { Err(io::Error::last_os_error()) } else { Ok(returned) }
}

/// Calls again for as long as a signal comes in between.
#[inline]
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

//! The limit on the size of files, which holds for memory files as well.
//!
//! Past it, the kernel does not only say `EFBIG`: it sends `SIGXFSZ`, which ends a process that did not expect it. So it is looked
//! at first. `libc` and not `rustix`, which panics where a sandbox refuses the question.
#![allow(unsafe_code)]

use std::io;

/// Whether this process may make a file of `bytes`, by `RLIMIT_FSIZE`.
pub(crate) fn check(bytes: u64) -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is writable.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) } == 0;
    if known && bytes > limit.rlim_cur {
        let text = format!("a file of {bytes} bytes, RLIMIT_FSIZE allows {} (ulimit -f)", limit.rlim_cur);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(())
}

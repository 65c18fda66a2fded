//! A lock file that lives as long as its holder, and leaves nothing behind.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, ftruncate, open, stat, unlink};
use rustix::io::{Errno, pwrite};

use super::file_limit;

/// A held lock. The kernel takes it back when its holder dies.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    file: OwnedFd,
    process: u32,
}

impl Lock {
    /// Takes the lock at `path`; `None` if another process holds it.
    pub(crate) fn take(path: PathBuf) -> io::Result<Option<Self>> {
        loop {
            let flags = OFlags::CREATE | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = open(&path, flags, Mode::RUSR | Mode::WUSR)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK) => return Ok(None),
                result => result?,
            }
            // The last holder may have removed the file between our opening and our locking it: then what we hold is
            // nobody's lock any more.
            if is_at(&file, &path)? {
                return Ok(Some(Self { path, file, process: std::process::id() }));
            }
        }
    }
}

impl Lock {
    /// Has the lock file say this, for whoever wants to know who holds it.
    pub(crate) fn note(&self, text: &str) -> io::Result<()> {
        file_limit::check(text.len() as u64)?;
        ftruncate(&self.file, 0)?;
        pwrite(&self.file, text.as_bytes(), 0)?;
        Ok(())
    }
}

/// Whether `path` leads to `file`.
fn is_at(file: &OwnedFd, path: &Path) -> io::Result<bool> {
    let held = fstat(file)?;
    match stat(path) {
        Ok(found) => Ok((found.st_dev, found.st_ino) == (held.st_dev, held.st_ino)),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A forked child shares the lock, which its parent goes on holding.
        if self.process == std::process::id() {
            // While it is held, so that nobody else's is removed. A failure leaves an unlocked file, which does no harm.
            let _ = (unlink(&self.path), &self.file);
        }
    }
}

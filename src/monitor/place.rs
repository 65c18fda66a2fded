//! Where the sockets of monitors lie.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::connection::{directory, lock_path, remove_stale};
use crate::os::lock::Lock;

/// The directory of this user's monitors, made if need be. What it lies in is this user's alone.
fn monitors() -> io::Result<PathBuf> {
    let path = directory()?.join("monitor");
    match DirBuilder::new().mode(0o700).create(&path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(path),
    }
}

/// The socket of a process's monitor.
pub(super) fn socket_of(pid: u32) -> io::Result<PathBuf> {
    Ok(monitors()?.join(format!("{pid}.sock")))
}

/// Takes the place of this process, and removes what a dead one of the same number left there.
pub(super) fn take(path: &Path) -> io::Result<Lock> {
    let lock = Lock::take(lock_path(path))?;
    let in_use = || {
        let text = format!("another process listens at {}", path.display());
        io::Error::new(io::ErrorKind::AddrInUse, text)
    };
    let lock = lock.ok_or_else(in_use)?;
    remove_stale(path)?;
    Ok(lock)
}

/// The processes that can be asked, by number. What dead ones left behind is removed.
pub(super) fn processes() -> io::Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(monitors()?)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".sock"));
        if let Some(pid) = name.and_then(|name| name.parse().ok()) {
            if is_live(&path)? {
                found.push(pid);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// A monitor holds a lock while it lives: if the lock can be had, what lies there is a dead one's.
fn is_live(path: &Path) -> io::Result<bool> {
    let stale = Lock::take(lock_path(path))?;
    if stale.is_some() {
        // Anything but a socket is not ours to remove.
        let _ = remove_stale(path);
    }
    Ok(stale.is_none())
}

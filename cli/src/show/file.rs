//! A file that is written after a long time: whether that will work is asked before.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use tempfile::Builder;

use crate::failure::{Context, Failure};

/// A place for a file, and room on its disk.
pub struct Reserved {
    path: PathBuf,
    /// It has no name: nothing is left of it if the process is interrupted.
    room: File,
}

/// More than a page has ever needed.
const ROOM: u64 = 4 << 20;

/// What a file that anybody makes may do, less what the user's mask forbids.
const MODE: u32 = 0o666;

impl Reserved {
    /// Sees whether a file can be written at `path`, and keeps room for it.
    ///
    /// # Errors
    ///
    /// If it is no regular file, or may not be written, or its directory is not there or may not be, or the disk is full.
    pub fn at(path: &Path) -> Result<Self, Failure> {
        Self::keep(path).while_doing(|| could_not(path))
    }

    fn keep(path: &Path) -> io::Result<Self> {
        let path = target(path)?;
        let room = tempfile::tempfile_in(directory(&path))?;
        match fallocate(&room, FallocateFlags::empty(), 0, ROOM) {
            // A file system that cannot promise room may have it.
            Ok(()) | Err(Errno::OPNOTSUPP) => Ok(Self { path, room }),
            Err(refused) => Err(refused.into()),
        }
    }

    /// Writes all of it beside the place, and then puts it there: a reader finds the whole of it or what was there before.
    ///
    /// # Errors
    ///
    /// If it could not be written after all.
    pub fn write(self, text: &str) -> Result<(), Failure> {
        let Self { path, room } = self;
        drop(room);
        replace(&path, text).while_doing(|| could_not(&path))
    }
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mode = Permissions::from_mode(MODE);
    let mut beside = Builder::new().prefix(".twinring-").permissions(mode).tempfile_in(directory(path))?;
    beside.write_all(text.as_bytes())?;
    beside.persist(path)?;
    Ok(())
}

/// Where the file lies, behind links; nothing but a file that may be written is ever replaced.
fn target(path: &Path) -> io::Result<PathBuf> {
    if matches!(path.as_os_str().as_bytes().last(), None | Some(b'/')) {
        return Err(io::Error::other("expected the name of a file"));
    }
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(io::Error::other("expected a regular file, or none yet")),
        Ok(_) => {
            OpenOptions::new().write(true).open(path)?;
            fs::canonicalize(path)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        Err(error) => Err(error),
    }
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn could_not(path: &Path) -> String {
    format!("could not write {}", path.display())
}

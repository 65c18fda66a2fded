//! Sealed memory files: the halves of a region.

use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    FallocateFlags, MemfdFlags, Mode, OFlags, SealFlags, fallocate, fcntl_add_seals, fcntl_get_seals, fstat,
    memfd_create, open,
};
use rustix::io::Errno;

use super::file_limit;

/// What a half must be sealed with before it is passed on: it cannot shrink or grow, no new writable mapping can be made
/// and no hole be punched, and none of this can be taken back.
const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::FUTURE_WRITE).union(SealFlags::SEAL);

/// The size of a huge page.
pub(crate) const HUGE_PAGE: usize = 2 * 1024 * 1024;

/// Makes an empty memory file of ordinary or huge pages.
pub(crate) fn create(huge: bool) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let flags = if huge { flags | MemfdFlags::HUGETLB | MemfdFlags::HUGE_2MB } else { flags };
    match memfd_create("twinring", flags | MemfdFlags::NOEXEC_SEAL) {
        // A kernel older than 6.3 does not know the flag, and a sandbox may deny it.
        Err(Errno::INVAL | Errno::PERM | Errno::ACCESS) => Ok(memfd_create("twinring", flags)?),
        result => Ok(result?),
    }
}

/// Gives the file its size, all pages allocated: what cannot be had is an error now, not a fault later.
pub(crate) fn allocate(file: BorrowedFd<'_>, bytes: usize) -> io::Result<()> {
    file_limit::check(bytes as u64)?;
    rustix::fs::ftruncate(file, bytes as u64)?;
    Ok(rustix::io::retry_on_intr(|| fallocate(file, FallocateFlags::empty(), 0, bytes as u64))?)
}

/// Seals the file. The writer has mapped it by now; nobody will again.
pub(crate) fn seal(file: BorrowedFd<'_>) -> io::Result<()> {
    Ok(fcntl_add_seals(file, SEALS)?)
}

/// Another descriptor of the file, open for reading alone.
pub(crate) fn for_reading(file: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    Ok(open(format!("/proc/self/fd/{}", file.as_raw_fd()), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

/// What is wrong with a descriptor that should be a peer's half.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// It is not a memory file at all.
    NotMemory(io::Error),
    /// Seals that are missing, as the bits of `F_GET_SEALS`.
    Unsealed { missing: u32 },
    /// Its size is not the announced one.
    Size { announced: u64, found: u64 },
    /// So many of its bytes have no pages: who reads them first would pay for them.
    Holes { bytes: u64 },
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMemory(source) => {
                write!(f, "expected a sealed memory file, got another descriptor: {source}")
            }
            Self::Unsealed { missing } => write!(f, "its seals lack the bits {missing:#x}"),
            Self::Size { announced, found } => write!(f, "announced with {announced} bytes, it has {found}"),
            Self::Holes { bytes } => {
                write!(f, "expected all of its pages to be allocated, {bytes} bytes of it are not")
            }
        }
    }
}

/// What a file's `st_blocks` counts.
const BLOCK: u64 = 512;

/// Checks a peer's memory file: sealed at least as [`seal`] does, of the announced size, and without holes.
pub(crate) fn check(file: BorrowedFd<'_>, announced: u64) -> Result<(), Unfit> {
    let seals = fcntl_get_seals(file).map_err(|errno| Unfit::NotMemory(errno.into()))?;
    // Sealed against writing altogether is no half either: its owner could not write it.
    let missing = SEALS.difference(seals);
    if !missing.is_empty() {
        return Err(Unfit::Unsealed { missing: missing.bits() });
    }
    // The size cannot change any more: the seals were checked first.
    let status = fstat(file).map_err(|errno| Unfit::NotMemory(errno.into()))?;
    let found = status.st_size as u64;
    if found != announced {
        return Err(Unfit::Size { announced, found });
    }
    // No hole can be made any more, either. One that was there would be filled by our reading, at our expense: the kernel counts
    // a page for the process that touches it first.
    match found.saturating_sub(status.st_blocks as u64 * BLOCK) {
        0 => Ok(()),
        bytes => Err(Unfit::Holes { bytes }),
    }
}

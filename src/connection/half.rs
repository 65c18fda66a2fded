//! Making this side's half of a region, and taking the peer's.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use super::error::{HandshakeError, SetupError};
use super::options::Options;
use crate::memory::{Foreign, Mapped, Ordering, Own};
use crate::os::memfd::{self, HUGE_PAGE, Unfit};
use crate::region::Half;

/// The size of an ordinary page.
pub(super) const PAGE: u64 = 4096;

/// Which pages this side's half lies in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pages {
    /// Ordinary pages, as chosen.
    Ordinary,
    /// Huge pages, as wished for.
    Huge,
    /// Ordinary pages, although huge ones were wished for.
    FellBack {
        /// Why there are none.
        reason: String,
    },
}

impl fmt::Display for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ordinary => f.write_str("ordinary pages"),
            Self::Huge => f.write_str("huge pages"),
            Self::FellBack { reason } => write!(f, "ordinary pages, no huge ones: {reason}"),
        }
    }
}

/// This side's half: mapped for writing, sealed, ready to be passed on.
pub(super) struct OwnHalf {
    pub(super) memory: Own<Mapped>,
    pub(super) file: OwnedFd,
    pub(super) shape: Half,
    pub(super) pages: Pages,
}

impl OwnHalf {
    /// Makes a half as `options` wish.
    pub(super) fn new(options: &Options) -> Result<Self, SetupError> {
        if !options.huge_pages {
            return Self::of_pages(options, false, Pages::Ordinary);
        }
        Self::of_pages(options, true, Pages::Huge).or_else(|error| {
            let reason = format!("{error} (/proc/sys/vm/nr_hugepages sets how many there are)");
            Self::of_pages(options, false, Pages::FellBack { reason })
        })
    }

    fn of_pages(options: &Options, huge: bool, pages: Pages) -> Result<Self, SetupError> {
        let shape = Half::with_ring(options.ring, if huge { HUGE_PAGE as u64 } else { PAGE });
        let bytes = shape.bytes as usize;
        let refused = |source: io::Error| SetupError::Memory { bytes: shape.bytes, source };
        let file = memfd::create(huge).map_err(refused)?;
        memfd::allocate(file.as_fd(), bytes).map_err(refused)?;
        let memory = Mapped::writable(file.as_fd(), bytes)?;
        shape.write_header(&memory);
        // After mapping: no writable mapping can be made any more, by anybody.
        memfd::seal(file.as_fd()).map_err(refused)?;
        Ok(Self { memory, file, shape, pages })
    }
}

/// The peer's half: checked, and mapped for reading.
pub(super) struct ForeignHalf {
    pub(super) memory: Foreign<Mapped>,
    pub(super) shape: Half,
}

impl ForeignHalf {
    /// Takes the half that `shape` announces and `file` is.
    pub(super) fn new(shape: Half, file: &OwnedFd, options: &Options) -> Result<Self, HandshakeError> {
        let shape = shape.check(options.largest_ring)?;
        memfd::check(file.as_fd(), shape.bytes).map_err(unfit)?;
        let memory = Mapped::read_only(file.as_fd(), shape.bytes as usize).map_err(SetupError::from)?;
        shape.check_header(|word| memory.load(word, Ordering::Relaxed))?;
        Ok(Self { memory, shape })
    }
}

fn unfit(reason: Unfit) -> HandshakeError {
    HandshakeError::Half(reason.to_string())
}

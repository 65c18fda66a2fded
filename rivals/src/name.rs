//! What both sides call the thing that they share.

use std::fmt;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicI32, Ordering};

use twinring_cli::measure::passed::Passed;

/// From the leader to the second process.
pub const THERE: &str = "there";

/// From the second process to the leader.
pub const BACK: &str = "back";

/// As many bytes as a ring of ours of the default capacity holds.
pub const CAPACITY: usize = 1 << 20;

/// Who opened it, and which of all that it opened it is.
#[derive(Clone, Copy, Debug)]
pub struct Name([i32; 2]);

impl Name {
    /// One that nobody has.
    pub fn fresh() -> Self {
        static OPENED: AtomicI32 = AtomicI32::new(0);
        Self([process::id().cast_signed(), OPENED.fetch_add(1, Ordering::Relaxed)])
    }

    /// The one that the leader has passed.
    pub fn of(passed: &Passed) -> Self {
        Self(passed.ids)
    }

    /// What tells it to the second process.
    pub fn passed(self) -> Passed {
        Passed { ids: self.0, ..Passed::default() }
    }

    /// A file in shared memory.
    pub fn file(self, way: &str) -> PathBuf {
        PathBuf::from(format!("/dev/shm/{self}-{way}"))
    }

    /// A socket, or a directory of sockets: their paths have about a hundred bytes at most, so it is none that a user chose.
    pub fn socket(self, way: &str) -> PathBuf {
        PathBuf::from(format!("/tmp/{self}-{way}"))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([process, number]) = self;
        write!(f, "rivals-{process}-{number}")
    }
}

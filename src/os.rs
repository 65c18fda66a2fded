//! What twinring asks of Linux, one file a concept. Everything here is a thin, safe face on system calls; no policy.

pub mod clock;
pub(crate) mod cpus;
pub(crate) mod futex;
pub(crate) mod membarrier;

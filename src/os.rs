//! What twinring asks of Linux, one file a concept. Everything here is a thin, safe face on system calls; no policy.

pub(crate) mod beacon;
pub mod clock;
pub(crate) mod cpus;
pub(crate) mod credentials;
pub(crate) mod event;
pub(crate) mod file_limit;
pub(crate) mod futex;
pub(crate) mod liveness;
pub(crate) mod lock;
pub(crate) mod membarrier;
pub(crate) mod memfd;
pub(crate) mod passing;
mod poll;
#[cfg(feature = "tokio")]
pub(crate) mod readiness;
pub(crate) mod socket;

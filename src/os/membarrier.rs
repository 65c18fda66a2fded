//! `membarrier(2)`: one side pays for the fences of both.
//!
//! `GLOBAL_EXPEDITED` makes every processor that runs a thread of a *registered* process execute a full barrier. If
//! both peers are registered, the sleeper's [`heavy`] stands for a fence on the waker's side too, and the waker's own
//! may shrink to a compiler fence.

use std::sync::OnceLock;

use rustix::thread::{MembarrierCommand, membarrier};

/// Registers this process for the barriers of others; `false` where the kernel or a sandbox refuses.
pub(crate) fn register() -> bool {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    *REGISTERED.get_or_init(|| {
        membarrier(MembarrierCommand::RegisterGlobalExpedited).is_ok()
            && membarrier(MembarrierCommand::GlobalExpedited).is_ok()
    })
}

/// A full barrier here and on every processor that runs a registered process; `false` if the kernel refuses, as it
/// does once a sandbox has been closed around a process that had registered.
pub(crate) fn heavy() -> bool {
    membarrier(MembarrierCommand::GlobalExpedited).is_ok()
}

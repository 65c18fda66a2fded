//! Processors: whether waiting in a loop can help at all.

use std::sync::OnceLock;

/// Whether the machine has one processor on line, so that spinning only keeps the peer from running.
///
/// The affinity of this process says nothing here: two processes pinned to one core *each* are the case that spins
/// best, two pinned to the *same* core are told apart by [`crate::wait::Patience`], which learns that spinning never
/// pays.
pub(crate) fn single() -> bool {
    static SINGLE: OnceLock<bool> = OnceLock::new();
    *SINGLE.get_or_init(|| {
        // "0-7,9" lists what is on line; "0" is a machine with one processor.
        std::fs::read_to_string("/sys/devices/system/cpu/online")
            .is_ok_and(|list| list.trim().bytes().all(|byte| byte.is_ascii_digit()))
    })
}

//! Handshakes with somebody who does not keep to the protocol: a clear error, nothing leaked, and the next one is served.

#![allow(clippy::incompatible_msrv)] // Tests need no more than the toolchain they are run with.

#[path = "support/leaks.rs"]
mod leaks;
#[path = "support/process.rs"]
mod process;
#[path = "support/raw.rs"]
mod raw;
#[path = "support/refusing.rs"]
mod refusing;
#[path = "support/waits.rs"]
mod waits;

#[path = "hostile_handshake/client.rs"]
mod client;
#[path = "hostile_handshake/fences.rs"]
mod fences;
#[path = "hostile_handshake/halves.rs"]
mod halves;
#[path = "hostile_handshake/refused.rs"]
mod refused;
#[path = "hostile_handshake/server.rs"]
mod server;
#[path = "hostile_handshake/turns.rs"]
mod turns;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// One test at a time: they count the descriptors of the process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn second_process() {
    match process::part().as_deref() {
        None => {}
        Some("has no membarrier") => refused::has_no_membarrier(),
        Some("may not receive") => refused::may_not_receive(),
        Some(other) => panic!("no such part: {other}"),
    }
}

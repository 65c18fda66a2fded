//! Every lie, where words come as bytes: each field of each message of an honest exchange, which is recorded, is replaced by each
//! class of wrong value, in handshakes, sessions, streams and typed procedures.

#![allow(clippy::incompatible_msrv)] // Tests need no more than the toolchain they are run with.

#[path = "../fuzz/src/carried_stream.rs"]
mod carried_table;
#[path = "../fuzz/src/fragments.rs"]
#[allow(dead_code, reason = "only the model is used here")]
mod fragments;
#[path = "../fuzz/src/message_header.rs"]
#[allow(dead_code, reason = "only its tables are used here")]
mod header_table;
#[path = "support/leaks.rs"]
mod leaks;
#[path = "support/raw.rs"]
mod raw;

#[path = "every_field/carried.rs"]
mod carried;
#[path = "every_field/fields.rs"]
mod fields;
#[path = "every_field/handshake.rs"]
mod handshake;
#[path = "every_field/procedures.rs"]
mod procedures;
#[path = "every_field/session.rs"]
mod session;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Held by the test that counts the descriptors of the process, and shared by the others.
static HOUSE: RwLock<()> = RwLock::new(());

fn alone() -> RwLockWriteGuard<'static, ()> {
    HOUSE.write().unwrap_or_else(PoisonError::into_inner)
}

fn beside_others() -> RwLockReadGuard<'static, ()> {
    HOUSE.read().unwrap_or_else(PoisonError::into_inner)
}

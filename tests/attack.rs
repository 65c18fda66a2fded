//! Live attacks: processes that hold a valid connection, or the beginning of one, and do whatever the kernel lets them.
//!
//! `TWINRING_ATTACK_SECONDS` is how long each way of scribbling goes on: a fraction of a second unless told.
#![allow(unsafe_code)]
#![allow(clippy::incompatible_msrv)] // Tests need no more than the toolchain they are run with.

#[path = "support/leaks.rs"]
mod leaks;
#[path = "support/process.rs"]
mod process;
#[path = "support/raw.rs"]
mod raw;
#[path = "support/waits.rs"]
mod waits;

#[path = "attack/asking.rs"]
mod asking;
#[path = "attack/bystander.rs"]
mod bystander;
#[path = "attack/control.rs"]
mod control;
#[path = "attack/descriptors.rs"]
mod descriptors;
#[path = "attack/futexes.rs"]
mod futexes;
#[path = "attack/gate.rs"]
mod gate;
#[path = "attack/grip.rs"]
mod grip;
#[path = "attack/halves.rs"]
mod halves;
#[path = "attack/holding_up.rs"]
mod holding_up;
#[path = "attack/memory.rs"]
mod memory;
#[path = "attack/random.rs"]
mod random;
#[path = "attack/raw_hello.rs"]
mod raw_hello;
#[path = "attack/scribble.rs"]
mod scribble;
#[path = "attack/scribbler.rs"]
mod scribbler;
#[path = "attack/victim.rs"]
mod victim;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static HERE: RwLock<()> = RwLock::new(());

/// One test at a time, of those that count the descriptors of this process.
fn alone() -> RwLockWriteGuard<'static, ()> {
    HERE.write().unwrap_or_else(PoisonError::into_inner)
}

/// The others, beside each other.
fn together() -> RwLockReadGuard<'static, ()> {
    HERE.read().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn second_process() {
    match process::part().as_deref() {
        None => {}
        Some("victim") => victim::suffers(),
        Some("scribbler") => scribbler::attacks(),
        Some("robs memory") => memory::robs(),
        Some("moves waiters") => futexes::moves_waiters(),
        Some("forks and passes on") => control::forks_and_passes_on(),
        Some(other) => panic!("no such part: {other}"),
    }
}

//! The models of twinring's lock-free code, and the mutants that make them fail.
//!
//! ```sh
//! cargo loom                                # all models, all mutants
//! cargo loom -- sleeps Fence                # those whose names contain one of these
//! LOOM_TESTS_DEEP=1 cargo loom              # the long models too
//! LOOM_MAX_PREEMPTIONS=4 cargo loom -- wrap # more switches of threads at will; 3 unless told
//! ```
//!
//! The code under test is generic over [`twinring::memory::Memory`]; here it runs, unchanged, on words that
//! [loom](https://docs.rs/loom) watches ([`memory`]). A [model](models) is a small program of two or three threads on a
//! tiny ring; loom runs every interleaving of it, with every value that a load may return. A [mutant](mutants) is a model
//! in which one thing is done [wrong](mutation) below the façade: it must fail, and say why. A model that merely ran out
//! of branches does not count as caught.
//!
//! Each runs in a process of its own, because loom may abort after a panic, as many at a time as there are processors.
//!
//! # What no model can tell
//!
//! - Publishing the head only when the ring is empty, never when it is due: the sender waits longer, never for ever,
//!   because a receiver that goes on reading finds the ring empty in the end. (Losing a publication that is due is
//!   caught.)
//! - The acquire load of the answer *after* a sleep: loom's mutex, like the kernel's lock, orders what comes before a wake
//!   before what comes after the sleep. The load *before* the sleep has a mutant of its own.
//! - Time, and so everything that a deadline decides.
//! - The answered number of the ringer (no second wake for one announcement) and the sleeper's odd numbers: state of one
//!   side, which no façade sees; plain tests hold them.

pub mod bed;
pub mod direction;
pub mod harness;
pub mod membarrier;
pub mod memory;
pub mod messages;
pub mod models;
pub mod mutant;
pub mod mutants;
pub mod mutation;

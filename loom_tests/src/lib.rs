//! The models of twinring's lock-free code, and the mutants that make them fail.
//!
//! ```sh
//! cargo loom                                # all models, all mutants: a minute
//! cargo loom -- sleeps Fence                # those whose names contain one of these
//! LOOM_TESTS_DEEP=1 cargo loom              # the long models too: some minutes
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
//! One that is not done after 100 seconds has failed, unless one of the two variables asks for more.
//!
//! # Stricter than two full fences
//!
//! A light fence is compiled to nothing, so where a model says that the processes cannot fence each other it *is*
//! nothing, and where they can, [`membarrier`] has the heavy one strike between any two accesses of the other side. With
//! two full fences in their place, a ringer that forgot its plain fence, or a sleeper that made a plain one while the
//! other side still relied on the heavy one, would pass.
//!
//! # What no model can tell
//!
//! - Publishing the head only when it is due, or only when the ring is found empty: either is enough for progress, because
//!   rule 5 sizes the largest frame for what is withheld, and a receiver that goes on reading finds the ring empty in the
//!   end. (A publication that the consumer believes in and that is lost is caught, in both places.)
//! - The acquire load of the answer *after* a sleep: loom's mutex, like the kernel's lock, orders what comes before a wake
//!   before what comes after the sleep. The load *before* the sleep has a mutant of its own.
//! - The release of FIN: nothing is attached to it.
//! - Time, and so everything that a deadline decides: among it the naps of a listener that waits for others to stop
//!   receiving. (A follower that gives up is told so as in a forked child, where it takes the same path.)
//! - The second look of a rest, which looks twice: a mutant that drops one leaves the other.
//! - The fence of `Attention::settle` where the peer's death is what was called out: the announcement that follows makes
//!   another. Where a close was called out, it has a mutant of its own.
//! - The release of `Lead::exit_as_leader`, and who uses a slot next: the lock under which replies lie orders that.
//! - The ringer's memory of what it answered, its memory of a quiet sleeper, and the sleeper's choice of its next number:
//!   state of one side, which no façade reaches. So it is with what the producer remembers as zeroed, beyond the zero
//!   itself, and with the size of the largest frame. Plain tests hold those.

pub mod bed;
pub mod calls;
pub mod direction;
pub mod harness;
pub mod membarrier;
pub mod memory;
pub mod messages;
pub mod models;
pub mod mutant;
pub mod mutants;
pub mod mutation;

//! Waiting for the other side, and waking it: the only place that sleeps or wakes.
//!
//! # The doorbell
//!
//! Two words, one writer each. [`Sleeper`] writes `announced`: an odd number, a new one each time, while it sleeps or is
//! about to. [`Ringer`] writes `rung`: the number that it last answered, and the futex that the sleeper waits on.
//!
//! | the sleeper | the ringer |
//! |---|---|
//! | store `announced` = n | commit (or publish the head) |
//! | *fence* | *fence* |
//! | look again: if there is something, done | load `announced`: if even, or answered already, done |
//! | load `rung`; if it is not n, sleep while it is what was loaded | store `rung` = n, wake |
//!
//! The fences close one race: each side writes its own word and then reads the other's, so without them both reads
//! could be served before either write is seen, and the message would lie there while its reader sleeps. Acquire and
//! release do not forbid that; only a sequentially consistent fence on *both* sides does. There are no
//! read-modify-writes, no repeated wakes while the sleeper gets up, and no system call unless somebody sleeps.
//!
//! # Who pays for the fence
//!
//! A fence a message is dear in streams, so where both processes are registered for `membarrier(2)` a sleeper can pay
//! for both: it says so by a bit in `announced` ([`Announced::LIGHT`]), the ringer's fence shrinks to a compiler fence,
//! and the sleeper's becomes the system call. A sleeper that sleeps at nearly every message is better off with plain
//! fences and takes the bit back; it does so under one last heavy fence, after which every ringer has either seen the
//! word without the bit or committed early enough to be seen by the look that follows.
//!
//! Linux leaves a processor out of that system call at times (`docs/TESTING.md`). So a sleep behind it is short, and who waits
//! in `poll(2)` goes by plain fences.
//!
//! | edge | from | to |
//! |---|---|---|
//! | announce | the fence after the store of `announced`, in `Sleeper::announce` | the fence before the load of it, in `Ringer::ring` |
//! | answer | the release store of `rung`, in `Ringer::answer` | the acquire load of it, in `Sleeper::sleep` |

mod announced;
mod attention;
mod link;
mod patience;
mod ringer;
mod sleeper;

pub use announced::Announced;
pub use attention::Attention;
pub use link::{Link, State};
pub use patience::{Patience, WaitStrategy};
pub use ringer::{Notice, Ringer};
pub use sleeper::{Fencing, Rest, Sleeper};

//! Every lie: at each place that reads a word of the peer's, in each situation that leads there, every class of wrong value,
//! once, from then on, and changing between two reads.
//!
//! Words and places are not listed here: a memory that records finds them, and what it found is compared with the source.
#![allow(unsafe_code)]

#[path = "steady_state/counting.rs"]
mod counting;
#[path = "../fuzz/src/lies.rs"]
#[allow(dead_code, reason = "only the kinds of lies are used here")]
mod lies;
#[path = "../fuzz/src/oracle.rs"]
mod oracle;

#[path = "every_lie/campaign.rs"]
mod campaign;
#[path = "every_lie/classes.rs"]
mod classes;
#[path = "every_lie/mixtures.rs"]
mod mixtures;
#[path = "every_lie/places.rs"]
mod places;
#[path = "every_lie/reading.rs"]
mod reading;
#[path = "every_lie/receiving.rs"]
mod receiving;
#[path = "every_lie/ringing.rs"]
mod ringing;
#[path = "every_lie/sending.rs"]
mod sending;
#[path = "every_lie/sleeping.rs"]
mod sleeping;
#[path = "every_lie/stage.rs"]
mod stage;
#[path = "every_lie/witness.rs"]
mod witness;
#[path = "every_lie/writing.rs"]
mod writing;

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;

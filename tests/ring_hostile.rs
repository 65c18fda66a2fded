//! A peer that lies: the ring and the channel over memory whose reads are answered with anything.
//!
//! Whatever it says, the victim does not panic, touches only its own words, reads no more than a stated number of the
//! peer's, and either acts on what it read once or refuses it, for ever.

#[path = "../fuzz/src/lies.rs"]
mod lies;
#[path = "../fuzz/src/oracle.rs"]
mod oracle;

#[path = "ring_hostile/channel.rs"]
mod channel;
#[path = "ring_hostile/consumer.rs"]
mod consumer;
#[path = "ring_hostile/each_lie.rs"]
mod each_lie;
#[path = "ring_hostile/inputs.rs"]
mod inputs;
#[path = "ring_hostile/producer.rs"]
mod producer;
#[path = "ring_hostile/waits.rs"]
mod waits;

//! The ring and the channel are queues: random operations against a `VecDeque`; and the header is what its table says.
//!
//! The model knows where frames lie and how late the head may be published, not how the ring is made: it says when there
//! must be room and when there can't be any, and leaves to the ring what lies between.

#[path = "ring_properties/asking.rs"]
mod asking;
#[path = "ring_properties/bounds.rs"]
mod bounds;
#[path = "ring_properties/channel.rs"]
mod channel;
#[path = "ring_properties/counting.rs"]
mod counting;
#[path = "ring_properties/departing.rs"]
mod departing;
#[path = "ring_properties/doorbell.rs"]
mod doorbell;
#[path = "ring_properties/header.rs"]
mod header;
#[path = "ring_properties/inputs.rs"]
mod inputs;
#[path = "ring_properties/patience.rs"]
mod patience;
#[path = "ring_properties/positions.rs"]
mod positions;
#[path = "ring_properties/resting.rs"]
mod resting;
#[path = "ring_properties/ring.rs"]
mod ring;

//! Seeing what the connections of a running process do, without touching them.
//!
//! A process that asks for it with [`Monitor::start`] (a service with
//! [`ServiceOptions::monitored`](crate::ServiceOptions::monitored)) counts in memory that others may read ([`crate::ledger`]), and
//! has a thread that sleeps until one of them asks for it. Others of the same user find it by [`monitored`], ask for its
//! counters by [`Monitored::open`], and read them as often as they like.
//!
//! | step | who asks | who is asked |
//! |---|---|---|
//! | connect to `monitor/PID.sock` in the user's directory | checks by the kernel's word that it is the same user | the same |
//! | one packet | takes the descriptor, checks seals, size and header | sends it, open for reading alone |
//! | a byte, whenever numbers are wanted | waits for a moment, and reads in any case | looks how full the rings are and how many calls are in flight, and sends it back |
//!
//! **Nothing of it is on by default.** A process that does not ask has no thread, no socket and no such memory, and nobody can
//! have it count anything.

mod answering;
mod asking;
mod connection;
mod packet;
mod place;

pub use answering::Monitor;
pub use asking::{AskError, Monitored, monitored};
pub use connection::{Latency, MonitoredConnection, understood};

//! Calls both ways, events, replies matched by number, and messages of any size, on one connection.
//!
//! Both sides do the same: call, send events, and handle what comes. From the ground up: [`header`] and [`hello`] (what
//! stands in a frame), [`reassembly`] (messages from fragments), `inbox` and `outbox` (the two directions), [`lead`] (who
//! receives, among threads), `engine` (all of it, for threads), and the two faces: [`LocalSession`] for one thread,
//! [`Session`] for many.

mod alarm;
mod awaited;
mod backlog;
mod buffers;
mod counters;
mod engine;
mod engine_receiving;
mod engine_sending;
mod error;
mod handler;
pub mod header;
pub mod hello;
mod inbox;
pub mod lead;
mod led;
mod limit;
mod listen;
mod local;
mod options;
mod outbox;
mod pool;
pub mod reassembly;
mod respond;
mod seen;
mod shared;
mod tally;
mod unsent;

pub(crate) use awaited::NotBegun;
pub use counters::SessionCounters;
pub use error::{CallError, Halt, NotifyError, Outcome};
pub(crate) use handler::text_of;
pub use handler::{Call, Event, Failure, Handler, handlers};
pub(crate) use lead::Ticket;
pub use local::LocalSession;
pub use options::SessionOptions;
pub use respond::Responder;
pub use shared::{PendingCall, Session};
pub(crate) use unsent::Refused;

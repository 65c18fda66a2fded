//! Typed calls over any reader and writer: sockets, pipes, TCP between machines.
//!
//! A stream says what a session says (`docs/PROTOCOL.md`), without fragments, each message preceded by its length. From the
//! ground up: [`frame`] (messages in a stream of bytes), `calls` (replies find their callers), `crew` (which thread does what),
//! `engine` (all of it), and [`StreamSession`].
//!
//! A thread that reads a request hands the reading on and runs the request itself, so no request changes threads, and somebody
//! always reads. A caller waits on a condition of its own, so it has a deadline though reading has none.

mod calls;
mod crew;
mod engine;
pub mod frame;
mod hang_up;
mod options;
mod session;

pub use hang_up::{HangsUp, Socket};
pub use options::StreamOptions;
pub use session::{StreamSession, serve_stream};

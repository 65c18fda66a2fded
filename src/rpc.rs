//! Typed procedures: declared once, registered by a server, bound by a client, and called like functions.
//!
//! The steps are those of every textbook. An interface is *declared* by [`interface!`](crate::interface). A server *registers* what
//! implements it ([`Server::register`]). A client *binds*: it asks for the interface by name, with the types of each
//! procedure, and either gets a number for each, or an error that names what differs. To *call* is to *marshal* the arguments, to
//! send them with the number, to *dispatch* by the number at the other side, to unmarshal, run, and *return* the same way.
//!
//! ```
//! use std::sync::Arc;
//! use twinring::rpc::{Context, Server};
//! use twinring::{Session, SessionOptions};
//!
//! twinring::interface! {
//!     pub trait Adder, client AdderClient {
//!         fn add(a: i64, b: i64) -> i64;
//!     }
//! }
//!
//! struct Sums;
//!
//! impl Adder for Sums {
//!     fn add(&self, _: &mut Context<'_>, a: i64, b: i64) -> i64 {
//!         a + b
//!     }
//! }
//!
//! let (here, there) = twinring::pair()?;
//! let server = Server::new().register::<dyn Adder>(Arc::new(Sums)).for_peer(there.peer());
//! let _serving = Session::new(there, &SessionOptions::new(), server)?;
//! let session = Session::new(here, &SessionOptions::new(), ())?;
//! let mut adder = AdderClient::bind(session)?;
//! assert_eq!(adder.add(1, 2)?, 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **What carries calls** is a [`Carrier`]: a [`Session`](crate::Session) (each thread has a client of its own, over clones of
//! the session), a [`LocalSession`](crate::LocalSession) (or a mutable reference to one), a [`StreamSession`] over any reader and
//! writer (sockets, pipes, TCP, so also between machines), and the [`Context`] of a call that is being run. Sessions call both ways,
//! and so do these: the client's session may have a [`Server`] as its handler.
//!
//! **Bytes.** Values are in postcard's format, version 1: integers are little-endian varints on every machine, so that the sides
//! need not be of one kind. A message is one value and must be used up to its last byte. A reply begins with a byte that says what
//! came of the call, then the value, the procedure's own error, or a reason in words.
//!
//! **Types are compared as text**, written out to the last field (`(i64, Point { x: f64, y: f64 }) -> bool`), by its fingerprint; so
//! whatever differs can be shown. The names of arguments may differ, the names of types, fields and variants may not. A server may have
//! more procedures than a client asks for: that is how an interface grows.
//!
//! **What a lying peer can do**: call any number with any bytes. Numbers and bytes are checked at each call, whatever was bound. Its
//! texts are shown without control characters.
//!
//! **Why not over UDP**: datagrams are lost, repeated and reordered, have no back-pressure and end at 64 KiB. Calls that run at most once
//! would need a second protocol of timers, numbers and fragments on top; it exists, and is called TCP.

mod binding;
mod carrier;
mod codec;
mod context;
mod declare;
mod error;
mod interface;
mod schema;
mod server;
mod stub;

#[cfg(not(feature = "internals"))]
mod stream;
#[cfg(feature = "internals")]
pub mod stream;

pub use binding::Binding;
pub use carrier::Carrier;
pub use codec::{DecodeError, EncodeError, decode, write_result, write_returned};
pub use context::{Caller, Context};
pub use error::{BindError, CallError, Difference};
pub use interface::{Description, Interface, Procedure};
pub use postcard_schema::{self, Schema};
pub use server::Server;
pub use stream::{HangsUp, Socket, StreamOptions, StreamSession, serve_stream};
pub use stub::Stub;

/// The selector by which interfaces are bound.
pub const BIND: u32 = u32::MAX;

/// The selector of the first procedure that a server registers; the next ones follow. Those below are free for calls that are
/// not typed.
pub const FIRST: u32 = 1 << 31;

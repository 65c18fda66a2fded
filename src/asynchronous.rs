//! Ends, sessions and services for tasks of tokio: no thread waits for a connection, and none is started for it.
//!
//! What is here stands on the same rings, and the other side cannot tell: it may be a process without a runtime. From the
//! ground up: `race`, `limit`, `linger` and `blocking` (small tools), `bell` (what two ends wait for), [`Sender`] and [`Receiver`],
//! [`connect`] and [`Listener`], [`Handler`] and its `desk`, `line` and `driver` (a session, and the task that drives it), `awaited`
//! (a reply), [`Session`], `calling` and [`Service`].
//!
//! # Waiting
//!
//! A task first tries; only if there is nothing does it say, in the word that a sleeper announces itself in, that it waits for a
//! descriptor, look once more, and wait for the reactor to show it. The other side then sends a byte on the control socket in place
//! of waking a futex. So while messages flow no system call is made, and an idle connection costs nothing. Being woken so takes
//! longer than by a futex (`docs/PERFORMANCE.md`): two system calls of the reactor's and the byte. `linger` trades processor time
//! for that, and none is taken if not chosen.
//!
//! # Cancelling
//!
//! Dropping a future before it is ready loses, repeats and tears nothing: what each method leaves behind is said under
//! *Cancel safety*.
//!
//! # The runtime
//!
//! Everything belongs to the runtime on which it was made, of either kind, which needs its reactor and clock (`enable_all`). When it
//! ends, connections end with it. [`WaitStrategy::Spin`](crate::WaitStrategy::Spin) promises the peer never to sleep, so
//! there is nothing to wait for, and [`StartError::Spins`] says so.

mod answer;
mod awaited;
mod bell;
mod blocking;
mod calling;
mod connect;
mod desk;
mod driver;
mod ends;
mod error;
mod handler;
mod limit;
mod line;
mod linger;
mod listener;
mod pending;
mod race;
mod receiver;
mod sender;
mod service;
mod session;

pub use connect::{connect, connect_with};
pub use ends::split;
pub use error::StartError;
pub use handler::{Event, Handler, Request, handlers};
pub use listener::Listener;
pub use pending::PendingCall;
pub use receiver::Receiver;
pub use sender::Sender;
pub use service::{Service, ServiceRequest};
pub use session::Session;

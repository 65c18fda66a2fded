//! Two processes that have found each other: set-up, and the two ends that messages go through.
//!
//! Setting up goes through states, each a type: a [`Listener`] listens; a connector *connects*; both *greet* (versions,
//! features), the listener *authorises*, both *exchange halves* (`handshake.rs`); then there is a [`Connection`], which splits
//! into a [`Sender`] and a [`Receiver`]. Messages that set up a connection ([`wire`]) and messages that use it share no
//! type and no path.

mod connect;
mod counters;
mod endpoint;
mod error;
mod established;
mod half;
mod handshake;
mod listener;
mod options;
mod receiver;
mod registry;
mod sender;
mod side;
mod stream;
mod terms;
mod transport;
mod way;
pub mod wire;

pub(crate) use connect::{FIRST_PAUSE, Joining, LONGEST_PAUSE, try_reach};
pub use connect::{accept_over, connect, connect_over, pair};
pub use counters::{ReceiverCounters, SenderCounters};
pub use endpoint::Endpoint;
pub(crate) use endpoint::directory;
pub use error::{
    AcceptError, BindError, ConnectError, HandshakeError, ReadyError, RecvIntoError, RecvTimeoutError, SendError,
    SendTimeoutError, SetupError, TryRecvError, TrySendError,
};
pub use established::Connection;
pub(crate) use established::Shared;
pub use half::Pages;
pub(crate) use handshake::{State, Step};
pub use listener::{Listener, ListenerCounters};
pub(crate) use listener::{lock_path, remove_stale};
pub use options::{Decision, Options};
pub use receiver::{Message, Readiness, Receiver};
pub use registry::{LiveEndpoint, live_endpoints};
pub use sender::{Batch, Reservation, Sender};
pub use side::Side;
pub use terms::Terms;
pub use transport::Transport;

#![doc = include_str!("../README.md")]
#![cfg_attr(not(all(feature = "internals", feature = "tokio")), allow(dead_code, unused_imports))]

/// The guide, step by step from a message to services.
#[cfg(doc)]
#[doc = include_str!("../docs/GUIDE.md")]
pub mod guide {}

mod trace;

mod os;

#[cfg(not(feature = "internals"))]
mod memory;
#[cfg(feature = "internals")]
pub mod memory;

#[cfg(not(feature = "internals"))]
mod ring;
#[cfg(feature = "internals")]
pub mod ring;

#[cfg(not(feature = "internals"))]
mod wait;
#[cfg(feature = "internals")]
pub mod wait;

#[cfg(not(feature = "internals"))]
mod channel;
#[cfg(feature = "internals")]
pub mod channel;

#[cfg(not(feature = "internals"))]
mod region;
#[cfg(feature = "internals")]
pub mod region;

#[cfg(not(feature = "internals"))]
mod ledger;
#[cfg(feature = "internals")]
pub mod ledger;

#[cfg(not(feature = "internals"))]
mod carrier;
#[cfg(feature = "internals")]
pub mod carrier;

#[cfg(not(feature = "internals"))]
mod connection;
#[cfg(feature = "internals")]
pub mod connection;

#[cfg(not(feature = "internals"))]
mod session;
#[cfg(feature = "internals")]
pub mod session;

#[cfg(not(feature = "internals"))]
mod monitor;
#[cfg(feature = "internals")]
pub mod monitor;

mod service;

#[cfg(feature = "tokio")]
pub mod asynchronous;

#[cfg(feature = "rpc")]
pub mod rpc;

pub use channel::End;
pub use connection::{
    AcceptError, Batch, BindError, ConnectError, Connection, Decision, Endpoint, HandshakeError, Listener,
    ListenerCounters, LiveEndpoint, Message, Options, Pages, Readiness, ReadyError, Receiver, ReceiverCounters,
    RecvIntoError, RecvTimeoutError, Reservation, SendError, SendTimeoutError, Sender, SenderCounters, SetupError,
    Side, Terms, Transport, TryRecvError, TrySendError, accept_over, connect, connect_over, live_endpoints, pair,
};
pub use monitor::{AskError, Latency, Monitor, Monitored, MonitoredConnection, monitored};
pub use os::clock::Deadline;
pub use os::credentials::Credentials;
pub use ring::Corrupt;
pub use service::{
    About, Broadcast, Client, ClientLimits, Newcomer, Parting, PostError, Request, Selector, Service, ServiceCounters,
    ServiceError, ServiceOptions, Verdict,
};
pub use session::{
    Call, CallError, Event, Failure, Halt, Handler, LocalSession, NotifyError, Outcome, PendingCall, Responder,
    Session, SessionCounters, SessionOptions, handlers,
};
pub use wait::WaitStrategy;

//! Many clients at one endpoint: who may connect, what is called, what each of them carries.
//!
//! A [`Service`] is a listener with a session for each client, so that no client can touch another's memory. What it is made
//! of, from the ground up: [`Selector`] (what is called, as two numbers), `schedule` and `timers` (whose turn it is),
//! `admission` (who may come in), `table` (which handler), [`Client`] (one of them, and its user's data), `hall` (all of it),
//! `turn` (what is done for one client at a time), and the face.
//!
//! # Driving
//!
//! A client that has something to say *wakes* its entry: idle entries are queued, and each thread that dispatches takes the
//! entry at the head, does a bounded turn, and queues it again if there is more. So the clients go round, however much one
//! of them sends, at most one thread at a time handles one client's messages, and their order is kept. There is no thread
//! and no descriptor to poll for each client: one epoll instance holds all sockets, one eventfd shows what sockets do not
//! (room taken up again, calls of other threads), and one timerfd all deadlines. That instance is what `as_fd` gives to a
//! poll loop. Two descriptors for each client are left: its socket, and the pidfd by which its death is noticed though a
//! child of it holds the socket open.
//!
//! A doorbell by descriptor costs several system calls a message. So a thread *lingers*: for a while
//! ([`ServiceOptions::linger`]) after a client's last message it looks at that client's ring and asks nobody to be told. It looks at
//! those alone who were active a moment ago, so a thousand idle ones cost it nothing.
//!
//! # Nothing waits for one client
//!
//! A reply or an event that finds no room in a client's ring is put aside, and tried again by the clock. While a
//! client has such replies to read, no request is taken from it, so what is put aside is bounded by what was in hand. A client
//! that has read nothing for [`SessionOptions::reply_timeout`](crate::SessionOptions::reply_timeout) is parted with, as
//! [`Parting::NeverRead`].

mod about;
mod admission;
mod bucket;
mod client;
mod counters;
mod desk;
mod error;
mod face;
mod hall;
mod hooks;
mod options;
mod request;
mod schedule;
mod selector;
mod shutdown;
mod table;
mod timers;
mod turn;
mod welcome;

pub use about::About;
pub use admission::{ClientLimits, Verdict};
pub use client::{Client, Newcomer};
pub use counters::{Broadcast, Parting, ServiceCounters};
pub use error::{PostError, ServiceError};
pub use face::Service;
pub use options::ServiceOptions;
pub use request::Request;
pub use selector::Selector;

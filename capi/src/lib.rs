//! The C library of twinring: the functions of `include/twinring.h`, which is made from this source, and those of
//! `include/generic_ipc.h`.
//!
//! Each file of functions states its part of the header; what C passes is made safe in `from_c`, what goes wrong becomes a
//! code and a text in `failure`, and `boundary` lets no panic through. A handle is a box of ours that C holds by its pointer.

mod status;

mod failure;

mod boundary;
mod from_c;
mod lender;
mod to_c;

mod peer;

mod options;

mod connection;

mod listener;

mod sender;

mod receiver;

mod session_options;

mod session;

mod reply;

mod request;

mod responder;

mod counters;

mod generic_ipc;

//! The codes that every function returns.
#![allow(unsafe_code, reason = "exported names; nothing is done that needs trust")]

use std::ffi::{CStr, c_char};

/// How something went. 0 is success; twinring_error_text() says more about what is not.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It was done.
    Ok = 0,
    /// An argument is null, out of range or not what it must be.
    BadArgument = 1,
    /// Not now: a reservation or a borrowed message is open, or the request is an event or has been answered.
    BadState = 2,
    /// No message yet.
    Empty = 3,
    /// No room until the peer has received more.
    Full = 4,
    /// The time is over.
    Timeout = 5,
    /// The peer has left in order. Final.
    Closed = 6,
    /// The peer has died or hung up. Final.
    Disconnected = 7,
    /// The peer wrote what an honest one would not. Final.
    Corrupt = 8,
    /// The handle belongs to the parent of this process. Final.
    Forked = 9,
    /// The message is larger than the ring or the peer takes. It was not sent.
    TooLarge = 10,
    /// The buffer is smaller than the message, which stays: the next receive finds it.
    TooSmall = 11,
    /// Another process listens there.
    InUse = 12,
    /// Nobody listens there.
    Absent = 13,
    /// The other side does not want this one, or this one not the other, and says why.
    Refused = 14,
    /// The two did not come to a connection: versions, a broken protocol, an unfit half of the region.
    Handshake = 15,
    /// The system did not give what was needed: memory, sockets, threads.
    System = 16,
    /// This side promised never to sleep, so there is nothing to poll.
    Spins = 17,
    /// As many calls are in flight as the peer accepts.
    Busy = 18,
    /// Both sides send more than the other takes in.
    Congested = 19,
    /// The peer has no handler for the selector.
    NoSelector = 20,
    /// The peer has too many requests at once, or they are nested too deeply.
    Overloaded = 21,
    /// The peer's handler failed, and says why.
    Failed = 22,
    /// The peer's handler ran, but its reply is larger than this side accepts.
    ReplyTooLarge = 23,
    /// The peer's handler gave the request away, and nobody answered it.
    NotAnswered = 24,
    /// A bug in the library was met and contained.
    Panicked = 25,
}

/// What is known of a request whose call failed.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The peer's handler has not seen it and will not: it can be sent again.
    NotRun = 0,
    /// Nobody knows.
    MayHaveRun = 1,
    /// The peer's handler ran.
    Ran = 2,
}

const NAMES: [(Status, &CStr); 26] = [
    (Status::Ok, c"ok"),
    (Status::BadArgument, c"bad argument"),
    (Status::BadState, c"not now"),
    (Status::Empty, c"no message yet"),
    (Status::Full, c"no room"),
    (Status::Timeout, c"the time is over"),
    (Status::Closed, c"the peer has left in order"),
    (Status::Disconnected, c"the peer has died or hung up"),
    (Status::Corrupt, c"the peer wrote what an honest one would not"),
    (Status::Forked, c"the handle belongs to the parent process"),
    (Status::TooLarge, c"the message is too large"),
    (Status::TooSmall, c"the buffer is too small"),
    (Status::InUse, c"another process listens there"),
    (Status::Absent, c"nobody listens there"),
    (Status::Refused, c"refused"),
    (Status::Handshake, c"no connection came of the handshake"),
    (Status::System, c"the system did not give what was needed"),
    (Status::Spins, c"this side promised never to sleep"),
    (Status::Busy, c"as many calls are in flight as the peer accepts"),
    (Status::Congested, c"both sides send more than the other takes in"),
    (Status::NoSelector, c"the peer has no handler for the selector"),
    (Status::Overloaded, c"the peer has too many requests at once"),
    (Status::Failed, c"the peer's handler failed"),
    (Status::ReplyTooLarge, c"the reply is too large"),
    (Status::NotAnswered, c"nobody answered"),
    (Status::Panicked, c"a bug in the library"),
];

/// A few words for a code, the same for every failure of the kind; for a number that is no code, that it is none. A static
/// text, never null. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_status_text(status: i32) -> *const c_char {
    words(status).unwrap_or(c"no code of this library").as_ptr()
}

/// A few words for a code, if it is one.
pub fn words(status: i32) -> Option<&'static CStr> {
    NAMES.iter().find(|(known, _)| *known as i32 == status).map(|(_, words)| *words)
}

/// The version of the library that runs, such as "0.1.0". A static text. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_version() -> *const c_char {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a version has no zero byte"),
    };
    VERSION.as_ptr()
}

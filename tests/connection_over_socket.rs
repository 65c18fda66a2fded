//! The tests of `connection.rs` over the socket. Left out is what is the same whatever carries the messages (names, and where a
//! listener is found), and what is about shared memory (its pages).

#[path = "support/content.rs"]
mod content;
#[path = "support/process.rs"]
mod process;
#[path = "support/raw.rs"]
mod raw;
#[path = "support/waits.rs"]
mod waits;

#[path = "connection/ends.rs"]
mod ends;
#[path = "connection/granted.rs"]
mod granted;
#[path = "connection/polling.rs"]
mod polling;
#[path = "connection/processes.rs"]
mod processes;
#[path = "connection/waiting.rs"]
mod waiting;

/// Whether messages go through shared memory.
const SHARED: bool = false;

/// What every connection here is made with.
fn options() -> twinring::Options {
    twinring::Options::new().transport(twinring::Transport::Socket)
}

#[test]
fn second_process() {
    match process::part().as_deref() {
        None => {}
        Some("echo") => processes::echo(),
        Some("inherits") => processes::inherits(),
        Some("other user") => processes::other_user(),
        Some("holds") => processes::holds(),
        Some(other) => panic!("no such part: {other}"),
    }
}

//! Connections as a user meets them: every verb of both ends, waiting, names, and two real processes.

#[path = "support/content.rs"]
mod content;
#[path = "support/process.rs"]
mod process;
#[path = "support/raw.rs"]
mod raw;
#[path = "support/waits.rs"]
mod waits;

#[path = "connection/beside.rs"]
mod beside;
#[path = "connection/endpoints.rs"]
mod endpoints;
#[path = "connection/ends.rs"]
mod ends;
#[path = "connection/granted.rs"]
mod granted;
#[path = "connection/pages.rs"]
mod pages;
#[path = "connection/polling.rs"]
mod polling;
#[path = "connection/processes.rs"]
mod processes;
#[path = "connection/room.rs"]
mod room;
#[path = "connection/waiting.rs"]
mod waiting;

/// Whether messages go through shared memory.
const SHARED: bool = true;

/// What every connection here is made with: `connection_over_socket.rs` has some of these modules over another transport.
fn options() -> twinring::Options {
    twinring::Options::new()
}

#[test]
fn second_process() {
    match process::part().as_deref() {
        None => {}
        Some("echo") => processes::echo(),
        Some("inherits") => processes::inherits(),
        Some("other user") => processes::other_user(),
        Some("holds") => processes::holds(),
        Some("looks at its pages") => pages::looks_at_its_pages(),
        Some("binds a name") => endpoints::binds_a_name(),
        Some("listens beside") => beside::listens(),
        Some("connects beside") => beside::connects(),
        Some(other) => panic!("no such part: {other}"),
    }
}

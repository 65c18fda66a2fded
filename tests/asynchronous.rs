//! Ends, sessions and services as tasks meet them, on both kinds of runtime.

#[path = "asynchronous/bed.rs"]
mod bed;
#[path = "asynchronous/calling.rs"]
mod calling;
#[path = "asynchronous/cancelling.rs"]
mod cancelling;
#[path = "asynchronous/ending.rs"]
mod ending;
#[path = "asynchronous/ends.rs"]
mod ends;
#[path = "asynchronous/failures.rs"]
mod failures;
#[path = "asynchronous/idle.rs"]
mod idle;
#[path = "asynchronous/interop.rs"]
mod interop;
#[path = "asynchronous/killed.rs"]
mod killed;
#[path = "support/leaks.rs"]
mod leaks;
#[path = "asynchronous/many.rs"]
mod many;
#[path = "asynchronous/meeting.rs"]
mod meeting;
#[path = "asynchronous/pressure.rs"]
mod pressure;
#[path = "support/process.rs"]
mod process;
#[path = "asynchronous/selecting.rs"]
mod selecting;
#[path = "asynchronous/service.rs"]
mod service;
#[path = "support/waits.rs"]
mod waits;

/// What every connection here is made with: `asynchronous_over_socket.rs` has these modules over another transport.
fn options() -> twinring::Options {
    twinring::Options::new()
}

#[test]
fn second_process() {
    match process::part().as_deref() {
        None => {}
        Some("answers") => interop::answers(),
        Some("calls") => interop::calls(),
        Some("streams") => interop::streams(),
        Some("keeps") => killed::keeps(),
        Some("idles") => idle::idles(),
        Some("begins and ends") => ending::begins_and_ends(),
        Some(other) => panic!("no such part: {other}"),
    }
}

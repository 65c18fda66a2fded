//! Sessions as a user meets them: calls both ways, between threads and between processes, and all that can go wrong.
#![allow(unsafe_code)]

#[path = "steady_state/counting.rs"]
mod counting;
#[path = "support/leaks.rs"]
mod leaks;
#[path = "support/process.rs"]
mod process;
#[path = "support/waits.rs"]
mod waits;

#[path = "session/answering.rs"]
mod answering;
#[path = "session/congestion.rs"]
mod congestion;
#[path = "session/deadlines.rs"]
mod deadlines;
#[path = "session/deferred.rs"]
mod deferred;
#[path = "session/ending.rs"]
mod ending;
#[path = "session/failures.rs"]
mod failures;
#[path = "session/forked.rs"]
mod forked;
#[path = "session/hostile.rs"]
mod hostile;
#[path = "session/idle.rs"]
mod idle;
#[path = "session/killed.rs"]
mod killed;
#[path = "session/many.rs"]
mod many;
#[path = "session/nested.rs"]
mod nested;
#[path = "session/no_allocation.rs"]
mod no_allocation;
#[path = "session/nothing_left.rs"]
mod nothing_left;
#[path = "session/overtaking.rs"]
mod overtaking;
#[path = "session/raw_side.rs"]
mod raw_side;
#[path = "session/sides.rs"]
mod sides;
#[path = "session/sizes.rs"]
mod sizes;
#[path = "session/stopped.rs"]
mod stopped;

/// What every connection here is made with: `session_over_socket.rs` has these modules over another transport.
fn options() -> twinring::Options {
    // A machine that stalls for some seconds has no client dropped.
    twinring::Options::new().handshake_timeout(waits::LONG)
}

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;

#[test]
fn second_process() {
    match process::part().as_deref() {
        None => {}
        Some("answers") => sides::answers(),
        Some("sessions and forked child") => forked::owner(),
        Some("asks too much") => hostile::asks_too_much(),
        Some("begins and ends sessions") => nothing_left::begins_and_ends(),
        Some("calls") => killed::calls(),
        Some("idle") => idle::idles(),
        Some(other) => panic!("no such part: {other}"),
    }
}

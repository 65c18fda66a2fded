//! Once messages flow: no system call, no allocation; and no processor time while nothing flows.
#![allow(unsafe_code)]

#[path = "support/content.rs"]
mod content;
#[path = "support/process.rs"]
mod process;
#[path = "support/waits.rs"]
mod waits;

#[path = "steady_state/counting.rs"]
mod counting;
#[path = "steady_state/idle.rs"]
mod idle;
#[path = "steady_state/no_allocation.rs"]
mod no_allocation;
#[path = "steady_state/no_calls.rs"]
mod no_calls;

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;

#[test]
fn second_process() {
    match process::part().as_deref() {
        None => {}
        Some("filtered threads") => no_calls::threads(),
        Some("filtered answerer") => no_calls::answerer(),
        Some("filtered asker") => no_calls::asker(),
        Some("filtered caller") => no_calls::caller(),
        Some("idle listener") => idle::listener(),
        Some("idle connector") => idle::connector(),
        Some(other) => panic!("no such part: {other}"),
    }
}

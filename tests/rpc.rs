//! Typed procedures as a user meets them: the same tests over shared memory, Unix sockets, TCP and pipes, and all that can go
//! wrong.
#![allow(unsafe_code)]

#[path = "steady_state/counting.rs"]
mod counting;
#[path = "support/process.rs"]
mod process;

#[path = "rpc/access.rs"]
mod access;
#[path = "rpc/binding.rs"]
mod binding;
#[path = "rpc/calls.rs"]
mod calls;
#[path = "rpc/carriers.rs"]
mod carriers;
#[path = "rpc/congestion.rs"]
mod congestion;
#[path = "rpc/errors.rs"]
mod errors;
#[path = "rpc/frames.rs"]
mod frames;
#[path = "rpc/lies.rs"]
mod lies;
#[path = "rpc/many.rs"]
mod many;
#[path = "rpc/network.rs"]
mod network;
#[path = "rpc/no_allocation.rs"]
mod no_allocation;
#[path = "rpc/office.rs"]
mod office;
#[path = "rpc/oneway.rs"]
mod oneway;
#[path = "rpc/properties.rs"]
mod properties;
#[path = "rpc/there_and_back.rs"]
mod there_and_back;

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;

#[test]
fn second_process() {
    match process::part().as_deref() {
        None => {}
        Some("serves over tcp") => network::serves(),
        Some("calls over tcp") => network::calls(),
        Some("serves its standard input") => network::serves_its_standard_input(),
        Some(other) => panic!("no such part: {other}"),
    }
}

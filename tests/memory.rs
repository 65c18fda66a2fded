//! Memory that is mapped: what the processor makes of its fences, what its copies are at every offset, what stands in for
//! its futexes, and what comes of a kernel that refuses.

#[path = "support/process.rs"]
mod process;
#[path = "support/refusing.rs"]
mod refusing;

#[path = "memory/bells.rs"]
mod bells;
#[path = "memory/bounds.rs"]
mod bounds;
#[path = "memory/copies.rs"]
mod copies;
#[path = "memory/fences.rs"]
mod fences;
#[path = "memory/refused.rs"]
mod refused;

#[test]
fn second_process() {
    match process::part().as_deref() {
        None => {}
        Some("may not populate") => refused::may_not_populate(),
        Some("knows no populate") => refused::knows_no_populate(),
        Some("has no membarrier") => refused::has_no_membarrier(),
        Some(other) => panic!("no such part: {other}"),
    }
}

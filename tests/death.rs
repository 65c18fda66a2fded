//! What death leaves: the survivor learns of it soon, has what was committed and nothing else, and nothing is left over.
//!
//! Real processes, real signals; see `support/process.rs` for how a second one comes about.

#[path = "support/content.rs"]
mod content;
#[path = "support/leaks.rs"]
mod leaks;
#[path = "support/process.rs"]
mod process;
#[path = "support/raw.rs"]
mod raw;
#[path = "support/waits.rs"]
mod waits;

#[path = "death/forked.rs"]
mod forked;
#[path = "death/given.rs"]
mod given;
#[path = "death/kernel.rs"]
mod kernel;
#[path = "death/killed.rs"]
mod killed;
#[path = "death/nothing_left.rs"]
mod nothing_left;
#[path = "death/passed_on.rs"]
mod passed_on;
#[path = "death/reused.rs"]
mod reused;
#[path = "death/stopped.rs"]
mod stopped;
#[path = "death/unmapped.rs"]
mod unmapped;

/// Whether messages go through shared memory.
const SHARED: bool = true;

/// What every connection here is made with: `death_over_socket.rs` has most of these modules over another transport.
fn options() -> twinring::Options {
    // A machine that stalls for some seconds has no client dropped.
    twinring::Options::new().handshake_timeout(waits::LONG)
}

#[test]
fn second_process() {
    match process::part().as_deref() {
        None => {}
        Some("victim") => killed::victim(),
        Some("owner and forked child") => forked::owner(),
        Some("owner of what is alive") => forked::owner_of_what_is_alive(),
        Some("leaves a child behind") => forked::leaves_a_child_behind(),
        Some("doer") => passed_on::doer_of_deeds(),
        Some("heir") => passed_on::heir(),
        Some("maker") => given::maker(),
        Some("connects for its child") => reused::connects_for_its_child(),
        Some("has forgotten") => reused::has_forgotten(),
        Some("greets") => reused::greets(),
        Some("welcomes") => reused::welcomes(),
        Some("owner of places") => unmapped::owner_of_places(),
        Some("counts") => stopped::counts(),
        Some("alone") => nothing_left::alone(),
        Some("listener") => nothing_left::listener(),
        Some("connector") => nothing_left::connector(),
        Some(other) => panic!("no such part: {other}"),
    }
}

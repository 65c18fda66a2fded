//! What others see of a process that asked for it: exactly what it counted, nothing that it said, and no way to change it.
//!
//! Real processes; see `support/process.rs` for how a second one comes about.

#[path = "support/leaks.rs"]
mod leaks;
#[path = "support/process.rs"]
mod process;
#[path = "support/raw.rs"]
mod raw;
#[path = "support/waits.rs"]
mod waits;

#[path = "monitor/asked.rs"]
mod asked;
#[path = "monitor/counted.rs"]
mod counted;
#[path = "monitor/entries.rs"]
mod entries;
#[path = "monitor/foreign.rs"]
mod foreign;
#[path = "monitor/handed.rs"]
mod handed;

use twinring::Monitored;

#[test]
fn second_process() {
    match process::part().as_deref() {
        None => {}
        Some("owner") => counted::owner(),
        Some("calling owner") => counted::calling_owner(),
        Some("stranger") => asked::stranger(),
        Some("alone") => entries::alone(),
        Some("parent of a child") => entries::parent_of_a_child(),
        Some(other) => panic!("no such part: {other}"),
    }
}

/// The monitor of that process, opened.
fn opened(pid: u32) -> Monitored {
    let mut process = listed(pid).expect("a monitor of that process");
    process.open().expect("its ledger");
    process
}

fn listed(pid: u32) -> Option<Monitored> {
    twinring::monitored().expect("a directory").into_iter().find(|process| process.pid() == pid)
}

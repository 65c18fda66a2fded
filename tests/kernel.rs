//! A kernel that refuses: each system call denied, each limit reached, signals without end, and time.
#![allow(unsafe_code)]

#[path = "support/leaks.rs"]
mod leaks;
#[path = "support/process.rs"]
mod process;
#[path = "support/waits.rs"]
mod waits;

#[path = "kernel/alone.rs"]
mod alone;
#[cfg(target_arch = "x86_64")]
#[path = "kernel/calls.rs"]
mod calls;
#[path = "kernel/clock.rs"]
mod clock;
#[cfg(target_arch = "x86_64")]
#[path = "kernel/closed.rs"]
mod closed;
#[path = "kernel/limits.rs"]
mod limits;
#[path = "kernel/peer.rs"]
mod peer;
#[path = "kernel/places.rs"]
mod places;
// The numbers of system calls, and which ones there are, differ.
#[cfg(target_arch = "x86_64")]
#[path = "kernel/refused.rs"]
mod refused;
#[path = "kernel/scenario.rs"]
mod scenario;
#[path = "kernel/signals.rs"]
mod signals;
#[path = "kernel/stopped.rs"]
mod stopped;
#[path = "kernel/supervisor.rs"]
mod supervisor;
#[cfg(target_arch = "x86_64")]
#[path = "kernel/tasks.rs"]
mod tasks;
#[path = "kernel/time.rs"]
mod time;

#[test]
fn second_process() {
    match process::part().as_deref() {
        None => {}
        Some("peer") => peer::play(),
        #[cfg(target_arch = "x86_64")]
        Some("refused") => refused::refused(),
        #[cfg(target_arch = "x86_64")]
        Some("closed") => closed::closed(),
        Some("limited") => limits::limited(),
        Some("placed") => places::placed(),
        Some("stopped") => stopped::stopped(),
        Some("outlasts stops") => stopped::outlasts_stops(),
        Some("interrupted") => signals::interrupted(),
        Some("sends") => signals::sends(),
        Some("waits") => signals::waits(),
        Some("without a reader") => signals::without_a_reader(),
        Some("by which clock") => clock::by_which_clock(),
        Some(other) => panic!("no such part: {other}"),
    }
}

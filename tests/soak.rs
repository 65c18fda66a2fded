//! Much of everything, for long: messages and calls that say which they are, between two processes, with random pauses and kills.
//!
//! How much is told by the environment: `TWINRING_SOAK` times what a usual run has, and `TWINRING_SEED`.
#![allow(unsafe_code)]

#[path = "support/process.rs"]
mod process;
#[path = "support/waits.rs"]
mod waits;

#[path = "soak/calls.rs"]
mod calls;
#[path = "soak/kills.rs"]
mod kills;
#[path = "soak/messages.rs"]
mod messages;
#[path = "soak/numbered.rs"]
mod numbered;
#[path = "soak/pair.rs"]
mod pair;
#[path = "soak/pauses.rs"]
mod pauses;
#[path = "soak/progress.rs"]
mod progress;

/// `usual`, or as many times that as the environment says.
fn amount(usual: u64) -> u64 {
    let times = std::env::var("TWINRING_SOAK").map_or(1, |text| text.parse().expect("how many times as much"));
    usual * times
}

/// Where the random numbers begin: each run has others, and says which.
fn seed() -> u64 {
    let seed = std::env::var("TWINRING_SEED").map_or_else(|_| fastrand::u64(..), |text| text.parse().expect("a seed"));
    println!("TWINRING_SEED={seed}");
    seed
}

/// One after the other: what spins needs both cores.
#[test]
fn nothing_is_lost_repeated_reordered_or_torn() {
    let seed = seed();
    messages::soak(seed);
    calls::soak(seed);
    kills::soak(seed);
}

#[test]
fn second_process() {
    match process::part().as_deref() {
        None => {}
        Some("messages") => messages::second(),
        Some("calls") => calls::second(),
        Some("kills") => kills::second(),
        Some(part) => panic!("no part is called {part}"),
    }
}

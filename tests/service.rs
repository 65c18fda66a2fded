//! Services: many clients, real processes, every callback counted.

#[path = "support/leaks.rs"]
mod leaks;
#[path = "support/process.rs"]
mod process;
#[path = "support/raw.rs"]
mod raw;
#[path = "support/waits.rs"]
mod waits;

#[path = "service/bad_clients.rs"]
mod bad_clients;
#[path = "service/callbacks.rs"]
mod callbacks;
#[path = "service/driving.rs"]
mod driving;
#[path = "service/ending.rs"]
mod ending;
#[path = "service/limits.rs"]
mod limits;
#[path = "service/many.rs"]
mod many;
#[path = "service/place.rs"]
mod place;
#[path = "service/selectors.rs"]
mod selectors;
#[path = "service/telling.rs"]
mod telling;
#[path = "service/users.rs"]
mod users;

/// Replies of which two rings hold a few.
const REPLY: usize = 1000;

/// What every connection here is made with.
fn options() -> twinring::Options {
    twinring::Options::new()
}

#[test]
fn second_process() {
    match process::part().as_deref() {
        None => {}
        Some("calls and stays") => callbacks::calls_and_stays(),
        Some("calls as another") => users::calls_as_another(),
        Some("has a child") => callbacks::has_a_child(),
        Some("serves a thousand") => many::serves_a_thousand(),
        Some("serves and ends") => ending::serves_and_ends(),
        Some(other) => panic!("no such part: {other}"),
    }
}

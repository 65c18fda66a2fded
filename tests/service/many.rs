//! A thousand clients of one service.

use std::fs;
use std::thread;
use std::time::Duration;

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::time::TimeValLike;
use twinring::{LocalSession, ServiceOptions, SessionOptions};

use crate::leaks::Held;
use crate::place::{ECHO, client, echoes, place, small};
use crate::process::{self, Child};
use crate::waits::{LONG, until};

const MANY: usize = 1000;

/// What an idle client may cost the service, in bytes: its two halves, three private pages, and what is on the heap.
const BYTES: usize = 64 << 10;

#[test]
fn a_thousand_idle_clients_cost_memory_within_bounds_and_no_processor() {
    let (_directory, path) = place();
    let mut child = Child::start("serves a thousand", &[("SOCKET", path.as_os_str())]);
    assert_eq!(child.hear(), "serves");
    raise_limit();
    let options = small().ring_capacity(4096);
    let connect =
        || LocalSession::new(options.connect(path.clone(), LONG).expect("a service"), &SessionOptions::new(), ());
    let mut clients: Vec<_> = (0..MANY).map(|_| connect()).collect();
    let told = child.hear();
    let numbers: Vec<usize> = told.split_whitespace().map(|number| number.parse().expect("a number")).collect();
    let [bytes, descriptors, threads, micros] = numbers[..] else { panic!("expected four numbers, came {told}") };
    println!(
        "{bytes} bytes, {descriptors} descriptors a client, {threads} threads more, {micros} µs in 2 s of nothing"
    );
    assert!(bytes < BYTES, "{bytes} bytes a client");
    assert!(descriptors <= 2, "{descriptors} descriptors a client");
    assert_eq!(threads, 0);
    assert!(micros < 10_000, "{micros} µs of processor time in 2 s of nothing");
    for client in [0, MANY / 2, MANY - 1] {
        assert_eq!(clients[client].call_timeout(ECHO.packed(), b"here", LONG), Ok(b"here".to_vec()));
    }
    drop(clients);
    assert_eq!(child.hear(), "all left");
    child.finish();
}

/// As many descriptors as may be: two for each client.
fn raise_limit() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).expect("a higher limit");
}

pub fn serves_a_thousand() {
    raise_limit();
    let path = std::path::PathBuf::from(process::argument("SOCKET"));
    let options = ServiceOptions::new().connection(small().ring_capacity(4096)).most_clients(MANY + 1);
    let service = options.bind(path).expect("a service");
    echoes(&service);
    service.start(1).expect("a thread");
    // A first client, which stays, starts what the process keeps.
    let _first = client(&service);
    until("a client", || service.counters().clients == 1);
    let before = (Held::now(), resident());
    process::say("serves");
    until("a thousand clients", || service.counters().clients == MANY as u64 + 1);
    // What they said last is handled, and their time to say hello is over.
    thread::sleep(Duration::from_secs(3));
    let after = (Held::now(), resident());
    let used = used();
    thread::sleep(Duration::from_secs(2));
    let idle = self::used() - used;
    // A test harness has a few of its own.
    let descriptors = (after.0.descriptors - before.0.descriptors + MANY / 2) / MANY;
    let threads = after.0.threads - before.0.threads;
    process::say(&format!("{} {descriptors} {threads} {idle}", (after.1 - before.1) / MANY));
    until("all to leave", || service.counters().left == MANY as u64);
    process::say("all left");
}

/// The memory that this process has in use, shared memory included, in bytes.
fn resident() -> usize {
    let text = fs::read_to_string("/proc/self/statm").expect("the memory of this process");
    let pages: usize = text.split_whitespace().nth(1).expect("a number").parse().expect("a number");
    pages * 4096
}

/// The processor time of this process so far, in microseconds.
fn used() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the use of this process");
    usage.user_time().num_microseconds() + usage.system_time().num_microseconds()
}

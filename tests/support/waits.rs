//! What the tests wait for: a condition, looked at until it holds, and a thread that has fallen asleep.
#![allow(dead_code, reason = "each test binary uses what it needs of it")]

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use twinring::WaitStrategy;

/// All of them.
pub const STRATEGIES: [WaitStrategy; 3] = [WaitStrategy::Spin, WaitStrategy::SpinThenPark, WaitStrategy::Park];

/// Longer than anything here takes on a busy machine.
pub const LONG: Duration = Duration::from_secs(30);

/// The system calls that sleep: on a futex, the second where the first is refused; over the socket, on that.
pub const SLEEPS: [i64; 4] =
    [nix::libc::SYS_futex_waitv, nix::libc::SYS_futex, nix::libc::SYS_poll, nix::libc::SYS_ppoll];

/// Looks until `look` is true; fails if it never becomes so.
pub fn until(what: &str, mut look: impl FnMut() -> bool) {
    let started = Instant::now();
    while !look() {
        assert!(started.elapsed() < LONG, "waited in vain for {what}");
        thread::sleep(Duration::from_micros(200));
    }
}

/// The number by which the kernel knows this thread.
pub fn own_number() -> i32 {
    rustix::thread::gettid().as_raw_nonzero().get()
}

/// Waits until the thread of this process with that number sleeps.
pub fn until_asleep(thread: i32) {
    until_asleep_in(&format!("/proc/self/task/{thread}"));
}

/// The same of a thread of any process, by its place under `/proc`.
pub fn until_asleep_in(task: &str) {
    until("a thread to fall asleep", || call_of(task).is_some_and(|number| SLEEPS.contains(&number)));
}

/// Waits until the thread of this process with that number has been asleep for a moment: not by a brief sleep, behind which it
/// looks again.
pub fn until_at_rest(number: i32) {
    until_asleep(number);
    let task = format!("/proc/self/task/{number}");
    until("a thread to rest", || rests(&task));
}

/// Whether a thread neither wakes nor falls asleep for a moment, by its place under `/proc`: time is what this is about.
pub fn rests(task: &str) -> bool {
    let before = sleeps_of(task);
    thread::sleep(Duration::from_millis(10));
    before.is_some() && before == sleeps_of(task)
}

/// How often a thread has fallen asleep so far, by its place under `/proc`.
pub fn sleeps_of(task: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("{task}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    line.trim().parse().ok()
}

/// The system call that a thread is in, if it is in one, by its place under `/proc`.
pub fn call_of(task: &str) -> Option<i64> {
    fs::read_to_string(format!("{task}/syscall")).ok()?.split_whitespace().next()?.parse().ok()
}

/// The strategy of that name.
pub fn strategy(name: &str) -> WaitStrategy {
    let found = STRATEGIES.into_iter().find(|strategy| format!("{strategy:?}") == name);
    found.unwrap_or_else(|| panic!("no wait strategy is called {name}"))
}

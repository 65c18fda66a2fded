//! Two sessions that have nothing to say cost nothing, and those that wait for a reply little.

use std::ffi::OsStr;
use std::thread;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use twinring::WaitStrategy;

use crate::answering::{ECHO, KEEP};
use crate::process::{self, Child};
use crate::sides::{SHARED, ring, sessions};
use crate::waits::strategy;

const IDLE: Duration = Duration::from_secs(5);

/// The processor time of both sides and of their test harness in that time, in microseconds.
const LITTLE: i64 = 10_000;

/// How long a reply is waited for.
const WAIT: Duration = Duration::from_secs(1);

/// The same in that time: the listener of a side that waits looks each millisecond whether it is to receive.
const SOME: i64 = 150_000;

#[test]
fn idle_sessions_use_no_processor() {
    let children = [WaitStrategy::Park, WaitStrategy::SpinThenPark].map(|wait| {
        let wait = format!("{wait:?}");
        Child::start("idle", &[("WAIT", OsStr::new(&wait))])
    });
    for mut child in children {
        let used = child.hear();
        println!("{used} µs of processor time in {IDLE:?}");
        assert!(used.parse::<i64>().expect("a number") <= LITTLE, "{used} µs in {IDLE:?} of nothing");
        let used = child.hear();
        println!("{used} µs of processor time in {WAIT:?} of waiting");
        assert!(used.parse::<i64>().expect("a number") <= SOME, "{used} µs in {WAIT:?} of waiting");
        child.finish();
    }
}

/// One process with two pairs, used once and then left alone.
pub fn idles() {
    let wait = strategy(process::argument("WAIT").to_str().expect("a name"));
    let pairs: Vec<_> =
        SHARED.iter().map(|form| sessions(&ring(1 << 16).wait(wait), &form.options(), &form.options())).collect();
    let ask = || {
        for (here, there, _) in &pairs {
            assert_eq!(here.call(ECHO, b"here"), Ok(b"here".to_vec()));
            assert_eq!(there.call(ECHO, b"there"), Ok(b"there".to_vec()));
        }
    };
    ask();
    thread::sleep(Duration::from_millis(100));
    let before = used();
    thread::sleep(IDLE);
    process::say(&(used() - before).to_string());
    ask();
    let before = used();
    thread::scope(|scope| {
        for (here, _, _) in &pairs {
            scope.spawn(|| here.call_timeout(KEEP, b"", WAIT).expect_err("it is kept"));
        }
    });
    process::say(&(used() - before).to_string());
}

/// The processor time of this process so far, in microseconds.
fn used() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the use of this process");
    usage.user_time().num_microseconds() + usage.system_time().num_microseconds()
}

//! What else the system offers, measured: a row for each, a reason for each that has none, and nothing left behind.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::bench::{number, of, rows, text};
use super::running::{PATIENCE, Place, Running};

const SHORT: [&str; 6] = ["bench", "--json", "--rounds", "1", "--time", "2"];

const CARRIERS: [&str; 8] =
    ["pipe", "unix-stream", "unix-seqpacket", "tcp", "mq-posix", "mq-sysv", "eventfd", "signal"];

const CALLED: [&str; 2] = ["semaphore-sysv", "semaphore-posix"];

#[test]
fn each_carrier_has_a_row_with_numbers() {
    for mechanism in CARRIERS {
        let rows = rows(&Place::new().run(&[&SHORT[..], &["--size", "8", "--mechanism", mechanism]].concat()));
        assert_eq!(rows.len(), 1, "{rows:?}");
        let row = &rows[0];
        assert_eq!((text(row, "mechanism"), text(row, "mode")), (mechanism, "park"));
        assert!(number(row, "p50_ns") > 100.0 && number(row, "p50_ns") <= number(row, "p99_ns"), "{row:?}");
        if mechanism == "signal" {
            assert!(row["messages_per_s"].is_null(), "nobody can wait for room in a queue of signals: {row:?}");
        } else {
            assert!(number(row, "messages_per_s") > 100.0, "{row:?}");
        }
    }
}

#[test]
fn calls_by_semaphores_have_rows_up_to_their_buffer() {
    for mechanism in CALLED {
        let sizes = ["--size", "64", "--size", "131060", "--size", "131061", "--mechanism", mechanism];
        let output = Place::new().run(&[&SHORT[..], &sizes].concat());
        let rows = rows(&output);
        assert_eq!(rows.len(), 3, "{rows:?}");
        for row in &rows[..2] {
            assert!(number(row, "p50_ns") > 1_000.0 && number(row, "messages_per_s") > 1.0, "{row:?}");
        }
        assert!(rows[2]["p50_ns"].is_null() && rows[2]["messages_per_s"].is_null(), "{rows:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("with 131061 B: the buffer of 131072 bytes holds"), "{said}");
    }
}

/// The kernel's account of what it would take back from a dead process is full after 16,383 requests: who keeps one, hangs.
#[test]
fn semaphores_outlast_the_request_at_which_an_account_would_be_full() {
    let arguments = ["--mechanism", "semaphore-sysv", "--size", "8", "--rounds", "1", "--time", "5000"];
    let rows = rows(&Place::new().run(&[&["bench", "--json"], &arguments[..]].concat()));
    assert!(number(&rows[0], "messages_per_s") > 1.0, "{rows:?}");
}

#[test]
fn what_a_mechanism_cannot_carry_is_null_and_the_reason_is_said() {
    for (mechanism, size, reason) in [
        ("signal", "9", "signal with 9 B: a message has 8 bytes at most"),
        ("mq-posix", "262144", "POSIX queue with 256 KiB: a message has "),
        ("mq-sysv", "8193", "System V queue with 8193 B: a message has "),
    ] {
        let output = Place::new().run(&[&SHORT[..], &["--size", size, "--mechanism", mechanism]].concat());
        let (rows, said) = (rows(&output), String::from_utf8_lossy(&output.stderr).into_owned());
        assert_eq!(rows.len(), 1);
        for key in ["p50_ns", "p99_ns", "p999_ns", "ratio", "messages_per_s", "bytes_per_s"] {
            assert!(rows[0][key].is_null(), "{key} in {rows:?}");
        }
        assert!(said.contains(&format!("twinring: not measured: {reason}")), "{said}");
    }
}

#[test]
fn what_the_system_refuses_is_a_line_and_the_rest_is_measured() {
    let place = Place::new();
    let mut command = Command::new("prlimit");
    command.arg("--msgqueue=0").arg(env!("CARGO_BIN_EXE_twinring")).args(SHORT);
    command
        .args(["--size", "8", "--mechanism", "mq-posix", "--mechanism", "pipe"])
        .env("XDG_RUNTIME_DIR", place.path(""));
    let output = command.stdin(Stdio::null()).output().unwrap();
    let (rows, said) = (rows(&output), String::from_utf8_lossy(&output.stderr).into_owned());
    assert!(said.contains("not measured: POSIX queue with 8 B: could not get a POSIX message queue: "), "{said}");
    assert!(of(&rows, "mq-posix")[0]["p50_ns"].is_null(), "{rows:?}");
    assert!(number(of(&rows, "pipe")[0], "p50_ns") > 100.0);
}

#[test]
fn the_tour_has_all_of_them_beside_ours_and_the_bounds() {
    let output = Place::new().run(&[&SHORT[..], &["--tour", "--mode", "park", "--size", "64"]].concat());
    let rows = rows(&output);
    let named: BTreeSet<&str> = rows.iter().map(|row| text(row, "mechanism")).collect();
    for mechanism in CARRIERS.iter().chain(&CALLED).chain(&["twinring", "twinring-call", "futex"]) {
        assert!(named.contains(mechanism), "{mechanism} in {named:?}");
    }
    assert!(!named.contains("rtrb-threads"), "{named:?}");
}

#[test]
fn the_table_of_the_tour_fits_and_says_what_it_could_not_measure() {
    let arguments = ["bench", "--tour", "--mode", "park", "--rounds", "1", "--time", "2", "--size", "16384"];
    let output = Place::new().run(&arguments);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for words in
        ["semaphores, SysV", "semaphores, POSIX", "Unix seqpacket", "TCP, loopback", "eventfd", "not measured: signal"]
    {
        assert!(table.contains(words), "{words} in\n{table}");
    }
    let widest = table.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(110), "{widest:?} columns in\n{table}");
}

/// The System V objects of a kind that there are: their ids, and the numbers that stand behind them.
fn listed(kind: &str) -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(format!("/proc/sysvipc/{kind}")).unwrap();
    let fields = |line: &str| line.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>();
    text.lines().skip(1).map(|line| (fields(line)[0].clone(), fields(line))).collect()
}

fn objects(kind: &str) -> BTreeSet<String> {
    listed(kind).into_iter().map(|(id, _)| id).collect()
}

/// Whether `leader` has made segments that a second process has, too, or has sent a message to a queue.
fn is_measuring(leader: u32) -> bool {
    let leader = leader.to_string();
    let has = |kind: &str, wanted: &dyn Fn(&[String]) -> bool| listed(kind).iter().any(|(_, numbers)| wanted(numbers));
    has("shm", &|numbers| numbers[3] == leader && numbers[5] == "2") || has("msg", &|numbers| numbers[4] == leader)
}

/// Waits until `condition` has come true, which may take a busy machine a while.
#[track_caller]
fn await_that<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(true_now) = condition() {
            return true_now;
        }
        assert!(started.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::yield_now();
    }
}

/// The process that `parent` has started with that word after its own name.
fn child_of(parent: u32, word: &str) -> Option<i32> {
    let is_it = |process: i32| {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let line = fs::read(format!("/proc/{process}/cmdline")).ok()?;
        let theirs = status.lines().any(|line| line == format!("PPid:\t{parent}"));
        (theirs && line.split(|&byte| byte == 0).nth(1) == Some(word.as_bytes())).then_some(process)
    };
    let processes = fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes.into_iter().find_map(is_it)
}

fn kill(process: i32) {
    kill_process(Pid::from_raw(process).unwrap(), Signal::KILL).unwrap();
}

/// Starts a long measurement of `mechanism`, waits until it is under way, lets `end` end one of its processes, and waits until
/// all objects that have come since are gone again. (Other tests make some too, and remove them.)
#[track_caller]
fn nothing_is_left(mechanism: &str, kinds: &[&str], end: impl Fn(&mut Running)) -> Running {
    let before: Vec<_> = kinds.iter().map(|kind| objects(kind)).collect();
    let arguments = ["bench", "--json", "--rounds", "1", "--time", "10000", "--size", "8", "--mechanism", mechanism];
    let mut bench = Place::new().start(&arguments);
    await_that("it measures", || is_measuring(bench.0.id()).then_some(()));
    let made: Vec<BTreeSet<String>> =
        kinds.iter().zip(&before).map(|(kind, before)| objects(kind).difference(before).cloned().collect()).collect();
    assert!(made.iter().all(|made| !made.is_empty()), "{made:?}");
    end(&mut bench);
    for (kind, made) in kinds.iter().zip(&made) {
        await_that("they are gone", || objects(kind).is_disjoint(made).then_some(()));
    }
    bench
}

fn second_of(bench: &Running) -> i32 {
    await_that("there is a second process", || child_of(bench.0.id(), "second"))
}

#[test]
fn nothing_is_left_when_the_second_process_is_killed() {
    for (mechanism, kinds) in [("semaphore-sysv", &["sem", "shm"][..]), ("mq-sysv", &["msg"])] {
        let mut bench = nothing_is_left(mechanism, kinds, |bench| kill(second_of(bench)));
        // Its end is seen by whoever looks first: "the second process ended", "the other process does not listen".
        bench.end_badly(" process ");
    }
}

#[test]
fn nothing_is_left_when_the_leader_is_killed() {
    for (mechanism, kinds) in [("semaphore-sysv", &["sem", "shm"][..]), ("mq-sysv", &["msg"])] {
        nothing_is_left(mechanism, kinds, Running::kill);
    }
}

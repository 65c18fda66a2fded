//! Every rival that was built gives rows, what it cannot carry is said, and nothing of it is left.
//!
//! `cargo test --release --manifest-path rivals/Cargo.toml`, with the features that the program is built with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a rival is called, whether it was built, whether it can spin, and whether it streams.
const RIVALS: [(&str, bool, bool, bool); 10] = [
    ("iceoryx2", cfg!(feature = "iceoryx2"), true, true),
    ("iceoryx2-call", cfg!(feature = "iceoryx2"), true, true),
    ("iceoryx2-event", cfg!(feature = "iceoryx2"), true, false),
    ("shmem-ipc", cfg!(feature = "shmem-ipc"), true, true),
    ("ipc-channel", cfg!(feature = "ipc-channel"), true, true),
    ("ringfire", cfg!(feature = "ringfire"), true, true),
    ("ipc-ring", cfg!(feature = "ipc-ring"), true, true),
    ("tachyon", cfg!(feature = "tachyon"), true, true),
    ("tachyon-call", cfg!(feature = "tachyon"), true, true),
    ("libqb", cfg!(feature = "libqb"), false, true),
];

/// A directory for temporary files of one run.
struct Temporary(PathBuf);

impl Temporary {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rivals-test-{}-{test}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Measures as briefly as can be: the leader's process, its rows, and what it said.
#[track_caller]
fn bench(temporary: &Path, arguments: &[&str]) -> (u32, Vec<Value>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twinring-rivals"));
    command.args(["bench", "--json", "--rounds", "1", "--time", "2"]).args(arguments).env("TMPDIR", temporary);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let leader = child.id();
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = ended.recv_timeout(PATIENCE) else {
        let _ = kill_process(Pid::from_raw(leader.cast_signed()).unwrap(), Signal::KILL);
        panic!("{arguments:?} takes longer than {PATIENCE:?}");
    };
    let Output { status, stdout, stderr } = output.unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert!(status.success(), "{said}");
    let rows = String::from_utf8(stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (leader, rows, said)
}

/// What bears the leader's number in its name.
fn left_by(leader: u32) -> Vec<String> {
    let entries = ["/dev/shm", "/tmp", "/run"].into_iter().flat_map(|place| fs::read_dir(place).into_iter().flatten());
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let is_number = |part: &str| part == leader.to_string();
    names.filter(|name| name.split(['-', '_', '.']).any(is_number)).collect()
}

#[track_caller]
fn nothing_is_left(temporary: &Path, leader: u32) {
    let left: Vec<_> = fs::read_dir(temporary).unwrap().flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(left_by(leader), [""; 0]);
}

#[test]
fn every_rival_that_was_built_has_rows_and_leaves_nothing() {
    for (rival, _, spins, streams) in RIVALS.into_iter().filter(|(_, built, ..)| *built) {
        let temporary = Temporary::new(rival);
        let arguments = ["--mechanism", rival, "--mode", "spin", "--mode", "park", "--size", "8"];
        let (leader, rows, said) = bench(&temporary.0, &arguments);
        let modes: Vec<&str> = rows.iter().map(|row| row["mode"].as_str().unwrap()).collect();
        assert!(!said.contains("not measured"), "{said}");
        assert_eq!(modes, if spins { &["spin", "park"][..] } else { &["park"] }, "{rival}: {said}");
        for row in &rows {
            assert_eq!(row["mechanism"], rival);
            assert!(row["p50_ns"].as_f64().unwrap() > 50.0, "{row}");
            assert_eq!(row["messages_per_s"].is_number(), streams, "{row}");
        }
        nothing_is_left(&temporary.0, leader);
    }
}

#[test]
fn every_rival_that_was_built_carries_what_is_long() {
    let able = |rival: &str| rival != "iceoryx2-event";
    for (rival, ..) in RIVALS.into_iter().filter(|(rival, built, ..)| *built && able(rival)) {
        let temporary = Temporary::new(&format!("long-{rival}"));
        let (leader, rows, said) = bench(&temporary.0, &["--mechanism", rival, "--mode", "park", "--size", "65536"]);
        assert!(!said.contains("not measured"), "{said}");
        assert!(rows[0]["p50_ns"].as_f64().unwrap() > 50.0, "{rows:?}: {said}");
        nothing_is_left(&temporary.0, leader);
    }
}

#[test]
fn what_a_rival_cannot_carry_is_said() {
    let temporary = Temporary::new("refused");
    for (rival, feature, reason) in [
        ("iceoryx2-event", cfg!(feature = "iceoryx2"), "an event carries no payload"),
        ("ringfire", cfg!(feature = "ringfire"), "its elements are built for 8, 56, 64"),
        ("shmem-ipc", cfg!(feature = "shmem-ipc"), "its elements are built for 8, 56, 64"),
    ] {
        let (_, rows, said) = bench(&temporary.0, &["--mechanism", rival, "--mode", "park", "--size", "100"]);
        let expected = if feature { format!("with 100 B: {reason}") } else { "rivals/Cargo.toml".to_owned() };
        assert!(said.contains(&expected), "{said}");
        assert!(rows.iter().all(|row| row["p50_ns"].is_null()), "{rows:?}");
    }
}

#[test]
fn a_rival_without_a_way_to_spin_says_so() {
    let temporary = Temporary::new("no-spin");
    let (_, rows, said) = bench(&temporary.0, &["--mechanism", "libqb", "--mode", "spin", "--size", "64"]);
    let expected = if cfg!(feature = "libqb") { "it can only be parked" } else { "libqb-dev" };
    assert!(rows.is_empty() && said.contains(expected), "{said}");
}

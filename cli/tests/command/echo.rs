//! `echo` and `ping`, each started by its user.

use std::io::{BufRead, BufReader};

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity};

use super::running::{Place, Running};

#[test]
fn ping_measures_one_echo_after_another() {
    let place = Place::new();
    let _echo = place.start(&["echo", "door"]);
    for (size, wait) in [("8", "adaptive"), ("64", "park"), ("5000", "adaptive")] {
        let output = place.run(&["ping", "door", "--size", size, "--count", "50", "--wait", wait]);
        let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{said}");
        assert!(printed.starts_with("50 round trips of ") && printed.contains("p99.99"), "{printed}");
        assert_eq!(said, "");
    }
}

#[test]
fn an_echo_outlives_a_ping_that_is_killed() {
    let place = Place::new();
    let mut echo = place.start(&["echo", "door"]);
    let mut endless = place.start(&["ping", "door", "--count", "1000000000", "--wait", "park"]);
    let served = format!("twinring: process {} connected", endless.0.id());
    let mut said = BufReader::new(echo.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.any(|line| line == served));
    endless.kill();
    let dead = format!("twinring: process {}: the peer has died or hung up", endless.0.id());
    assert!(said.any(|line| line.starts_with(&dead)));
    let output = place.run(&["ping", "door", "--count", "1"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn ping_without_an_echo_gives_up() {
    let output = Place::new().run(&["ping", "nobody", "--timeout", "0.05"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.starts_with("twinring: could not connect to nobody: "), "{said}");
}

/// The cores on which a running command may run; those of this process if it was not pinned.
fn cores(process: Option<&Running>) -> Vec<usize> {
    let set = sched_getaffinity(process.map(|running| Pid::from_child(&running.0))).unwrap();
    (0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect()
}

/// What an `echo` and a `ping` with these options run on once they are connected, and what the echo said of it.
fn cores_of_both(echo: &[&str], ping: &[&str]) -> (Vec<usize>, Vec<usize>, String) {
    let place = Place::new();
    let mut echo = place.start(&[&["echo", "door"], echo].concat());
    let mut said = BufReader::new(echo.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    let first = said.next().unwrap();
    let ping = place.start(&[&["ping", "door", "--count", "1000000000"], ping].concat());
    assert!(said.any(|line| line.ends_with(" connected")));
    (cores(Some(&echo)), cores(Some(&ping)), first)
}

#[test]
fn spinning_sides_take_a_core_each_and_others_none() {
    let all = cores(None);
    let (echo, ping, said) = cores_of_both(&["--wait", "spin"], &["--wait", "spin"]);
    if all.len() > 1 {
        assert_eq!((echo.len(), ping.len()), (1, 1));
        assert!(echo != ping, "both on core {echo:?}");
        assert!(said.contains(&format!(", pinned to core {};", echo[0])), "{said}");
    } else {
        assert_eq!((&echo, &ping), (&all, &all));
    }
    let (echo, ping, said) = cores_of_both(&["--wait", "park"], &["--wait", "adaptive"]);
    assert_eq!((echo, ping), (all.clone(), all));
    assert!(!said.contains("pinned"), "{said}");
}

#[test]
fn a_core_may_be_named_and_none_refused() {
    let all = cores(None);
    let (first, last) = (all[0], all[all.len() - 1]);
    let last_by_name = last.to_string();
    let (echo, ping, _) =
        cores_of_both(&["--wait", "park", "--core", &last_by_name], &["--wait", "spin", "--core", "none"]);
    assert_eq!((echo, ping), (vec![last], all));
    let place = Place::new();
    let _echo = place.start(&["echo", "door", "--core", "none"]);
    let first_by_name = first.to_string();
    let output = place.run(&["ping", "door", "--count", "9", "--core", &first_by_name]);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains(&format!(" on this side, pinned to core {first}; every byte")), "{printed}");
}

#[test]
fn a_core_that_may_not_be_used_is_refused_before_anything_else() {
    for command in ["echo", "ping"] {
        let mut running = Place::new().start(&[command, "door", "--core", "1023"]);
        running.end_badly("core 1023 may not be used here, only ");
    }
}

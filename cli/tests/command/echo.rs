//! `echo` and `ping`, each started by its user.

use std::io::{BufRead, BufReader};

use super::running::Place;

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

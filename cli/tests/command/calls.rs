//! `serve`, `call` and `ping --call`, each started by its user.

use std::io::{BufRead, BufReader, Write};
use std::process::Output;
use std::time::Duration;

use twinring::{CallError, Halt, Session, SessionOptions};

use super::running::{PATIENCE, Place, Running, random_bytes};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a call printed, which must have gone well.
#[track_caller]
fn reply(place: &Place, arguments: &[&str]) -> Vec<u8> {
    let output = place.run(&[&["call"], arguments].concat());
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(said(&output), "");
    output.stdout
}

/// What a call said, which must have ended with this status and printed nothing.
#[track_caller]
fn refusal(place: &Place, status: i32, arguments: &[&str]) -> String {
    let output = place.run(&[&["call"], arguments].concat());
    assert_eq!(output.status.code(), Some(status), "{}", said(&output));
    assert_eq!(output.stdout, b"");
    assert_eq!(said(&output).lines().count(), 1, "{}", said(&output));
    said(&output)
}

#[test]
fn serve_replies_with_the_request_whatever_is_called() {
    let place = Place::new();
    let _serve = place.start(&["serve", "door"]);
    assert_eq!(reply(&place, &["door", "hello"]), b"hello");
    assert_eq!(reply(&place, &["door", "hello again", "--selector", "4294967295"]), b"hello again");
    assert_eq!(reply(&place, &["door"]), b"");
    assert_eq!(reply(&place, &["door", "-"]), b"", "an empty standard input");
}

#[test]
fn standard_input_is_a_request_of_any_size() {
    let place = Place::new();
    let _serve = place.start(&["serve", "door", "--echo"]);
    let bytes = random_bytes((3 << 20) + 1, 6);
    let mut call = place.start(&["call", "door", "-"]);
    let printed = call.output();
    call.0.stdin.take().unwrap().write_all(&bytes).unwrap();
    assert!(printed.join().unwrap() == bytes, "the reply is another");
    call.end_well();
}

#[test]
fn a_command_answers_with_its_output_and_knows_its_selector() {
    let place = Place::new();
    let _serve = place.start(&["serve", "shout", "--exec", "tr a-z A-Z; printf \" %s\" $TWINRING_SELECTOR"]);
    assert_eq!(reply(&place, &["shout", "hello", "--selector", "7"]), b"HELLO 7");
    assert_eq!(reply(&place, &["shout"]), b" 0");
}

#[test]
fn a_command_need_not_read_its_input() {
    let place = Place::new();
    let _serve = place.start(&["serve", "deaf", "--exec", "printf heard"]);
    let mut call = place.start(&["call", "deaf", "-"]);
    let printed = call.output();
    call.0.stdin.take().unwrap().write_all(&vec![7; 1 << 20]).unwrap();
    assert_eq!(printed.join().unwrap(), b"heard");
    call.end_well();
}

#[test]
fn a_command_that_fails_is_a_call_that_ran() {
    let place = Place::new();
    let _serve = place.start(&["serve", "fails", "--exec", "printf lost; echo no such thing >&2; exit 3"]);
    let said = refusal(&place, 4, &["fails", "x"]);
    assert_eq!(said, "twinring: ran, and failed: exit status: 3: no such thing\n");
}

#[test]
fn what_is_too_large_is_not_sent() {
    let place = Place::new();
    let _serve = place.start(&["serve", "door"]);
    let mut call = place.start(&["call", "door", "-"]);
    let length = (64 << 20) + 1;
    call.0.stdin.take().unwrap().write_all(&vec![7; length]).unwrap();
    call.end_badly(&format!("not sent: a message of {length} bytes, the peer accepts at most 67108864"));
}

#[test]
fn a_call_to_nobody_is_not_sent() {
    let said = refusal(&Place::new(), 1, &["nobody", "x", "--timeout", "50"]);
    assert!(said.starts_with("twinring: could not connect to nobody: nobody listened at "), "{said}");
}

/// What a command does that takes as long as the server lives.
const FOR_EVER: &str = "while kill -0 $PPID; do sleep 0.1; done 2>&-";

fn waits_if_told_to() -> String {
    format!("read word; test \"$word\" != wait || {FOR_EVER}; echo $word")
}

#[test]
fn a_client_may_have_as_many_commands_run_at_a_time_as_there_are_workers() {
    let place = Place::new();
    let _serve = place.start(&["serve", &place.path("socket"), "--exec", &waits_if_told_to(), "--workers", "2"]);
    let connection = twinring::connect(place.path("socket"), PATIENCE).unwrap();
    let session = Session::new(connection, &SessionOptions::new(), ()).unwrap();
    let slow = session.begin(0, b"wait").unwrap();
    assert_eq!(session.call_timeout(0, b"go on", PATIENCE).unwrap(), b"go on\n");
    let second = session.begin(0, b"wait").unwrap();
    let late = session.call_timeout(0, b"go on", Duration::from_millis(300));
    assert_eq!(late, Err(CallError::NoReply(Halt::Timeout)));
    assert!(!slow.is_answered() && !second.is_answered());
}

#[test]
fn a_call_that_takes_too_long_may_have_run_and_holds_up_no_other() {
    let place = Place::new();
    let _serve = place.start(&["serve", "slow", "--exec", &waits_if_told_to()]);
    let said = refusal(&place, 3, &["slow", "wait", "--timeout", "300"]);
    assert_eq!(said, "twinring: sent, and may have run, but no reply came: the deadline has passed\n");
    assert_eq!(reply(&place, &["slow", "go on"]), b"go on\n");
}

/// A `serve` whose command says that it runs, and then takes for ever; it has begun to run.
fn runs_for_ever(place: &Place) -> (Running, Running) {
    let command = format!("echo begun > /proc/$PPID/fd/2; {FOR_EVER}");
    let mut serve = place.start(&["serve", "slow", "--exec", &command]);
    let mut lines = BufReader::new(serve.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    let call = place.start(&["call", "slow", "x", "--timeout", "60000"]);
    assert!(lines.any(|line| line == "begun"));
    (serve, call)
}

#[test]
fn a_server_that_is_killed_ends_the_call_at_once() {
    let place = Place::new();
    let (mut serve, mut call) = runs_for_ever(&place);
    serve.kill();
    let (status, said) = call.end();
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.starts_with("twinring: sent, and may have run, but no reply came: the peer has died"), "{said}");
}

#[test]
fn serve_tells_who_came_and_outlives_a_client_that_is_killed() {
    let place = Place::new();
    let mut serve = place.start(&["serve", "door"]);
    let mut said = BufReader::new(serve.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut endless = place.start(&["ping", "door", "--call", "--count", "1000000000", "--wait", "park"]);
    let who = format!("twinring: process {}", endless.0.id());
    assert!(said.any(|line| line == format!("{who} connected")));
    // Both at once.
    assert_eq!(reply(&place, &["door", "hello"]), b"hello");
    assert!(said.any(|line| line.ends_with(" left, after 1 call")));
    endless.kill();
    assert!(said.any(|line| line.starts_with(&format!("{who}: the peer has died or hung up, after "))));
    assert_eq!(reply(&place, &["door", "hello"]), b"hello");
}

#[test]
fn ping_measures_calls() {
    let place = Place::new();
    let _serve = place.start(&["serve", "door"]);
    for (size, wait) in [("8", "adaptive"), ("40", "park"), ("1000000", "adaptive")] {
        let output = place.run(&["ping", "door", "--call", "--size", size, "--count", "50", "--wait", wait]);
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}", said(&output));
        assert!(printed.starts_with("50 calls of ") && printed.contains("p99.99"), "{printed}");
        assert_eq!(said(&output), "");
    }
}

//! `stat`: another process's counters, exactly.

use std::process::Output;

use serde_json::Value;
use twinring::{Connection, LocalSession, SessionOptions};

use super::running::{PATIENCE, Place, Running};

/// A monitored command at `door`, and a connection of this process to it.
fn connected(place: &Place, arguments: &[&str]) -> (Running, Connection) {
    let command = place.start(arguments);
    place.await_listener("door");
    let connection = twinring::connect(place.path("twinring/door.sock").as_str(), PATIENCE).unwrap();
    (command, connection)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
fn lines(place: &Place, arguments: &[&str]) -> Vec<Value> {
    let output = place.run(arguments);
    assert!(output.status.success(), "{}", said(&output));
    output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(json).collect()
}

fn json(line: &[u8]) -> Value {
    serde_json::from_slice(line).unwrap()
}

#[test]
fn stat_shows_exactly_what_another_process_counted() {
    let place = Place::new();
    let (echo, mut connection) = connected(&place, &["echo", "door", "--monitor", "--wait", "park"]);
    let (sender, receiver) = connection.ends();
    for length in 1..=57 {
        sender.send(&vec![1; length]).unwrap();
        assert_eq!(receiver.recv().unwrap().len(), length);
    }
    let lines = lines(&place, &["stat", "--json"]);
    let [line] = &lines[..] else { panic!("{lines:?}") };
    let number = |key: &str| line[key].as_u64().unwrap_or_else(|| panic!("{key} of {line}"));
    assert_eq!((number("sent_messages"), number("sent_bytes")), (57, 57 * 58 / 2));
    // The last may not have been released when it was answered.
    assert!([56, 57].contains(&number("received_messages")), "{line}");
    assert_eq!((number("pid"), number("peer_pid")), (echo.0.id().into(), std::process::id().into()));
    assert_eq!((number("ring_bytes"), number("sender_times_full")), (1 << 20, 0));
    assert_eq!(
        (&line["endpoint"], &line["side"], &line["session"]),
        (&"door".into(), &"accepted".into(), &Value::Null)
    );
    assert!(number("receiver_sleeps") > 0 && number("sender_wakes") <= 57, "{line}");
    assert!(line["program"].as_str().unwrap().ends_with("twinring"), "{line}");
}

#[test]
fn stat_shows_calls_and_picks_an_endpoint() {
    let place = Place::new();
    let (_serve, connection) = connected(&place, &["serve", "door", "--monitor"]);
    let mut session = LocalSession::new(connection, &SessionOptions::new(), ());
    for _ in 0..5 {
        session.call_timeout(0, b"an answer", PATIENCE).unwrap();
    }
    session.notify_timeout(0, b"an event", PATIENCE).unwrap();
    session.call_timeout(0, b"behind the event", PATIENCE).unwrap();
    let seen = lines(&place, &["stat", "door", "--json"]);
    assert_eq!(seen.len(), 1, "{seen:?}");
    let session = &seen[0]["session"];
    assert_eq!((&session["served"], &session["events_taken"], &session["calls"]), (&6.into(), &1.into(), &0.into()));
    let other = place.run(&["stat", "window"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(said(&other).starts_with("twinring: no monitored process has a connection of window"), "{}", said(&other));
}

#[test]
fn the_latencies_of_calls_are_those_that_were_made() {
    let place = Place::new();
    let _serve = place.start(&["serve", "door"]);
    place.await_listener("door");
    let mut ping = place.start(&["ping", "door", "--call", "--count", "100000000", "--monitor"]);
    let latency = loop {
        let seen = lines(&place, &["stat", "--json"]);
        let calls = |line: &Value| line["latency"]["calls"].as_u64();
        if let Some(line) = seen.iter().find(|line| calls(line) > Some(1000)) {
            break line["latency"].clone();
        }
    };
    let nanos = |key: &str| latency[key].as_u64().unwrap();
    assert!(nanos("p50_nanos") > 100 && nanos("p50_nanos") <= nanos("p99_nanos"), "{latency}");
    assert!(nanos("p99_nanos") <= nanos("max_nanos"), "{latency}");
    ping.kill();
}

#[test]
fn who_did_not_ask_to_be_seen_is_not() {
    let place = Place::new();
    let (_echo, mut connection) = connected(&place, &["echo", "door"]);
    connection.ends().0.send(b"unseen").unwrap();
    assert_eq!(lines(&place, &["stat", "--json"]), Vec::<Value>::new());
    let table = place.run(&["stat"]);
    assert!(said(&table).starts_with("twinring: no process of this user has a connection that"), "{}", said(&table));
    assert_eq!(String::from_utf8(table.stdout).unwrap().lines().count(), 1, "a heading");
}

#[test]
fn the_table_fits_a_terminal() {
    let place = Place::new();
    let (_echo, mut connection) = connected(&place, &["echo", "door", "--monitor"]);
    connection.ends().0.send(b"one").unwrap();
    assert_eq!(connection.ends().1.recv().unwrap().len(), 3);
    let output = place.run(&["stat"]);
    let table = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(lines[0].starts_with("ENDPOINT") && lines[1].starts_with("door"), "{table}");
    assert!(lines.iter().all(|line| line.chars().count() <= 100), "{table}");
}

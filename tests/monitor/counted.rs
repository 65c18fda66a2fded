//! The numbers are those of the process itself.

use std::ffi::OsStr;
use std::path::Path;

use tempfile::TempDir;
use twinring::{
    Call, Listener, Monitor, MonitoredConnection, Options, Session, SessionOptions, Side, Transport, connect,
};

use crate::process::{self, Child, await_word, say};
use crate::waits::LONG;

/// Sends 100 messages of 1 to 100 bytes, each with what stands behind it, and receives 40.
pub fn owner() {
    let _monitor = Monitor::start().expect("a monitor");
    let path = process::argument("path");
    let mut listener = Options::new().ring_capacity(8192).bind(Path::new(&path)).expect("a listener");
    say("listening");
    let (mut sender, mut receiver) = listener.accept_timeout(LONG).expect("a client").split();
    for length in 1..=100 {
        sender.send(&b"a secret".repeat(13)[..length]).expect("room");
    }
    for _ in 0..40 {
        assert_eq!(receiver.recv().expect("a message").len(), 7);
    }
    say("done");
    await_word();
    assert_eq!((sender.counters().messages, receiver.counters().messages), (100, 40));
}

/// A second process that has sent and received that, its peer, and the directory of its endpoint.
pub fn busy_owner() -> (Child, twinring::Connection, TempDir) {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("socket");
    let mut child = Child::start("owner", &[("path", path.as_os_str())]);
    assert_eq!(child.hear(), "listening");
    let mut connection = connect(path, LONG).expect("a connection");
    for _ in 0..40 {
        connection.ends().0.send(b"message").expect("room");
    }
    assert_eq!(child.hear(), "done");
    (child, connection, directory)
}

fn only(connections: Vec<MonitoredConnection>) -> MonitoredConnection {
    assert_eq!(connections.len(), 1, "{connections:?}");
    connections.into_iter().next().expect("a connection")
}

#[test]
fn another_process_shows_exactly_what_it_counted() {
    let (mut child, mut connection, directory) = busy_owner();
    let mut monitored = crate::opened(child.id());
    let seen = only(monitored.connections());
    assert_eq!((seen.sender.messages, seen.sender.bytes), (100, 5050));
    assert_eq!((seen.receiver.messages, seen.receiver.bytes), (40, 280));
    assert_eq!(seen.peer.pid, Some(std::process::id()));
    assert_eq!(seen.peer.uid, Some(rustix::process::geteuid().as_raw()));
    assert_eq!(seen.endpoint, directory.path().join("socket").to_str().expect("a plain path"));
    assert_eq!((seen.side, seen.transport), (Some(Side::Accepted), Transport::SharedMemory));
    assert_eq!((seen.ring, seen.peer_ring), (8192, 1 << 20));
    assert_eq!((seen.session, seen.in_flight, seen.latency), (None, None, None));
    // Nothing was received yet: headers and payloads in whole words.
    let bytes: u64 = (1..=100_u64).map(|length| 8 + length.next_multiple_of(8)).sum();
    assert_eq!(seen.occupied, bytes);
    let receiver = connection.ends().1;
    let received = receiver.drain(1000, |_| ()).expect("messages");
    assert_eq!(received, 100);
    receiver.try_recv().expect_err("no more");
    assert!(monitored.open().expect("a look"), "no answer");
    assert_eq!(only(monitored.connections()).occupied, 0);
    child.go_on();
    child.finish();
}

/// Makes three calls, one of which has no reply yet, and sends two events.
pub fn calling_owner() {
    let _monitor = Monitor::start().expect("a monitor");
    let path = process::argument("path");
    let options = SessionOptions::new().record_latency(process::number("recorded") == 1);
    let session = Session::new(connect(Path::new(&path), LONG).expect("a listener"), &options, ()).expect("a session");
    for _ in 0..2 {
        session.call(1, b"answer this").expect("a reply");
    }
    session.notify(3, b"an event").expect("room");
    session.notify(3, b"another").expect("room");
    let pending = session.begin(2, b"keep this").expect("a call");
    say("calling");
    await_word();
    drop(pending);
}

fn calls_of(recorded: &str) -> MonitoredConnection {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("socket");
    let mut listener = Listener::bind(path.as_path()).expect("a listener");
    let arguments = [("path", path.as_os_str()), ("recorded", OsStr::new(recorded))];
    let mut child = Child::start("calling owner", &arguments);
    let (keep, keeping) = std::sync::mpsc::channel();
    let handler = move |call: &mut Call<'_>| {
        if call.selector() == 2 {
            keep.send(call.defer().expect("a session for threads")).expect("somebody keeps it");
        }
        Ok(())
    };
    let connection = listener.accept_timeout(LONG).expect("a client");
    let _session = Session::new(connection, &SessionOptions::new(), handler).expect("a session");
    assert_eq!(child.hear(), "calling");
    let _kept = keeping.recv_timeout(LONG).expect("the third call");
    let seen = only(crate::opened(child.id()).connections());
    child.go_on();
    child.finish();
    seen
}

#[test]
fn calls_are_seen_and_those_in_flight() {
    let seen = calls_of("0");
    let session = seen.session.expect("a session");
    assert_eq!((session.calls, session.events, session.served), (3, 2, 0));
    assert_eq!((seen.in_flight, seen.latency), (Some(1), None));
    assert_eq!(seen.side, Some(Side::Connected));
}

#[test]
fn latencies_are_seen_if_the_process_records_them() {
    let latency = calls_of("1").latency.expect("latencies");
    assert_eq!(latency.calls(), 2, "those that were answered");
    let within = latency.ranges().all(|(range, _)| range.start > 500 && range.end < 30_000_000_000);
    assert!(within, "{latency:?}");
}

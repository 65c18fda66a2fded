//! What is told by the feature `tracing`: connections made, refused and ended, lies, services; and nothing for a message.

#[path = "support/raw.rs"]
mod raw;
#[path = "support/waits.rs"]
mod waits;

use std::fmt::{Debug, Write as _};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, Once, PoisonError};

use rustix::fs::{SealFlags, fcntl_add_seals};
use rustix::io::pwrite;
use tempfile::TempDir;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use twinring::connection::wire::Message;
use twinring::region::RING_OFFSET;
use twinring::{
    Connection, Corrupt, Decision, End, LocalSession, Options, ServiceOptions, SessionOptions, TryRecvError,
    TrySendError, pair,
};

use crate::waits::until;

/// What was told so far, a line each: level, message, fields.
static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Collects events, and makes no spans.
struct Collector;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("a string takes everything");
    }
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "twinring"
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        TOLD.lock().unwrap_or_else(PoisonError::into_inner).push(line.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn collect() {
    static COLLECTED: Once = Once::new();
    COLLECTED.call_once(|| tracing::subscriber::set_global_default(Collector).expect("the only one"));
}

fn told() -> Vec<String> {
    TOLD.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Waits until a line holds all of these.
fn heard(parts: &[&str]) {
    let holds = |line: &String| parts.iter().all(|part| line.contains(part));
    until(&format!("{parts:?} among {:#?}", told()), || told().iter().any(holds));
}

#[test]
fn a_connection_is_told_of_with_who_and_how() {
    collect();
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("door");
    let mut listener = Options::new().ring_capacity(8192).bind(path.as_path()).expect("a listener");
    let connecting = std::thread::spawn({
        let path = path.clone();
        move || Options::new().ring_capacity(1 << 16).connect(path, waits::LONG)
    });
    let accepted = listener.accept_timeout(waits::LONG).expect("a client");
    let _connected = connecting.join().expect("no panic").expect("a connection");
    let (pid, uid) = (std::process::id(), rustix::process::geteuid().as_raw());
    let (name, peer) = (format!("{:?}", path.display().to_string()), format!("peer={pid} uid={uid}"));
    for (side, rings) in [("accepted", "ring=8192 peer_ring=65536"), ("connected", "ring=65536 peer_ring=8192")] {
        heard(&["INFO message=connected", &peer, &format!("side={side}"), &name, rings, "carried=false"]);
    }
    drop(accepted);
}

#[test]
fn a_refusal_is_told_of_by_both_sides_with_the_reason() {
    collect();
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("door");
    let refuse = |_: &_| Decision::Refuse("not on a Sunday".to_owned());
    let mut listener = Options::new().authorise(refuse).bind(path.as_path()).expect("a listener");
    let connecting = std::thread::spawn(move || twinring::connect(path.as_path(), waits::LONG).map(drop));
    while !connecting.is_finished() {
        let _ = listener.accept_timeout(std::time::Duration::from_millis(10));
    }
    connecting.join().expect("no panic").expect_err("refused");
    heard(&["WARN message=refused ", &format!("peer={}", std::process::id()), "not on a Sunday"]);
    heard(&["WARN message=refused by the other side", "not on a Sunday"]);
}

/// A connection over a stream whose other end is held by hand: it opens as an honest one would, and says this.
fn by_hand(says: &[u8]) -> (Connection, UnixStream) {
    let (ours, mut theirs) = UnixStream::pair().expect("a pair");
    let says = says.to_vec();
    let peer = std::thread::spawn(move || {
        let mut opening = [0; 24];
        theirs.read_exact(&mut opening).expect("its opening");
        theirs.write_all(&opening).expect("the same of ours");
        theirs.write_all(&says).expect("room");
        theirs
    });
    let connection = Options::new().over_stream(ours.into(), waits::LONG).expect("a connection");
    (connection, peer.join().expect("no panic"))
}

#[test]
fn a_death_is_told_of_once() {
    collect();
    let dead = || told().iter().filter(|line| line.contains("has died or hung up")).count();
    let (connection, stream) = by_hand(b"");
    let (mut sender, mut receiver) = connection.split();
    assert_eq!(dead(), 0, "{:#?}", told());
    drop(stream);
    assert_eq!(receiver.recv().map(drop), Err(End::Disconnected));
    assert_eq!(receiver.recv().map(drop), Err(End::Disconnected));
    sender.send(b"to nobody").expect_err("the same end");
    heard(&["WARN message=the peer has died or hung up", &format!("peer={}", std::process::id())]);
    assert_eq!(dead(), 1, "{:#?}", told());
}

#[test]
fn a_lie_is_told_of_with_what_was_expected_and_seen() {
    collect();
    let (connection, _stream) = by_hand(&[0xff; 64]);
    heard_of(connection.split().1.recv().map(drop).expect_err("a lie"));
}

/// A connection to a peer in whose half that word stands at that byte.
fn to_a_liar(at: usize, word: u64) -> (Connection, OwnedFd) {
    let (ours, theirs) = raw::introduced_pair();
    let accepting = std::thread::spawn(move || Options::new().accept_over(theirs, waits::LONG));
    raw::greet(&ours);
    let half = raw::half(raw::SHAPE.bytes, raw::HEADER, SealFlags::empty());
    assert_eq!(pwrite(&half, &word.to_le_bytes(), at as u64), Ok(8));
    fcntl_add_seals(&half, raw::SEALS).expect("its seals");
    raw::send(&ours, &Message::Half(raw::SHAPE).encode(), &raw::with(&half));
    assert!(matches!(raw::receive_message(&ours), Some((Message::Ready, None))), "no READY");
    (accepting.join().expect("no panic").expect("a connection"), ours)
}

fn heard_of(end: End) {
    let End::Corrupt(corrupt) = end else { panic!("{end}") };
    let numbers = format!("seen={} least={} most={}", corrupt.seen, corrupt.least, corrupt.most);
    heard(&["ERROR message=the peer wrote what an honest one would not", &format!("{:?}", corrupt.what), &numbers]);
}

#[test]
fn a_lie_in_shared_memory_is_told_of_by_whoever_reads_it() {
    collect();
    let (connection, _socket) = to_a_liar(RING_OFFSET, 0xabcd << 48);
    heard_of(connection.split().1.recv().map(drop).expect_err("a lie"));
    // The head of what this side sends lies in the second of the line pairs.
    let (connection, _socket) = to_a_liar(128, 0xdead << 40);
    let mut sender = connection.split().0;
    let refused = std::iter::repeat_with(|| sender.try_send(&[0; 1000])).find_map(Result::err);
    let Some(TrySendError::Ended(end)) = refused else { panic!("{refused:?}") };
    heard_of(end);
}

#[test]
fn a_lie_in_a_session_is_told_of_too() {
    collect();
    let (here, there) = pair().expect("a pair");
    let (mut sender, _receiver) = here.split();
    sender.send(b"shorter than a header").expect("room");
    let end = LocalSession::new(there, &SessionOptions::new(), ()).serve().expect_err("a lie");
    let End::Corrupt(Corrupt { what, .. }) = end else { panic!("{end}") };
    heard(&["ERROR message=the peer wrote what an honest one would not", &format!("{what:?}")]);
}

#[test]
fn a_service_tells_of_its_beginning_and_end() {
    collect();
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("service");
    drop(ServiceOptions::new().bind(path.as_path()).expect("a service"));
    heard(&["INFO message=service started", path.to_str().expect("a plain path")]);
    heard(&["INFO message=service stopped", path.to_str().expect("a plain path")]);
}

#[test]
fn messages_are_not_told_of() {
    collect();
    let (mut here, mut there) = pair().expect("a pair");
    let since = told().len();
    for _ in 0..1000 {
        here.ends().0.send(b"quietly").expect("room");
        assert_eq!(there.ends().1.recv().expect("a message").len(), 7);
    }
    assert!(matches!(there.ends().1.try_recv(), Err(TryRecvError::Empty)));
    drop(here);
    assert_eq!(there.ends().1.recv().map(drop), Err(End::Closed));
    // Other tests here tell of a handful of things meanwhile.
    let told = told().split_off(since);
    assert!(told.len() < 50 && !told.iter().any(|line| line.contains("quietly")), "{told:#?}");
}

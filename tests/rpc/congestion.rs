//! More than a side of a stream runs at a time: it reads no further, and goes on once there is room.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use twinring::rpc::{Context, FIRST, Server, StreamSession};
use twinring::session::header::{Header, Kind, Status};

use crate::carriers::stream_options;
use crate::lies::Raw;
use crate::office::Gate;

twinring::interface! {
    /// What takes as long as it is told.
    pub trait Busy, client BusyClient {
        /// Waits at the gate of this number.
        oneway fn wait(gate: u8, padding: &[u8]);
        /// Calls the caller, whatever comes of it.
        fn ask_back();
    }
}

#[derive(Default)]
struct Gates([Gate; 2]);

impl Busy for Gates {
    fn wait(&self, _: &mut Context<'_>, gate: u8, _padding: &[u8]) {
        self.0[usize::from(gate)].pass();
    }

    fn ask_back(&self, context: &mut Context<'_>) {
        drop(BusyClient::bind(context));
    }
}

/// A side that runs one procedure at a time and keeps about a thousand bytes of others, whose one worker waits at the first
/// gate; and its peer.
fn busy() -> (StreamSession, Arc<Gates>, Raw) {
    let (here, there) = UnixStream::pair().unwrap();
    let gates = Arc::new(Gates::default());
    let options = stream_options().largest_message(1000).workers(1);
    let server = Server::new().register::<dyn Busy>(gates.clone());
    let busy = StreamSession::over(here, &options, server).unwrap();
    let mut raw = Raw::new(there);
    raw.greet();
    assert_eq!(raw.receive().unwrap().0.kind, Kind::Hello);
    wait_at(&mut raw, 0, 0);
    gates.0[0].await_arrivals(1);
    (busy, gates, raw)
}

/// Has the other side wait at a gate, as told by a message of about this length.
fn wait_at(raw: &mut Raw, gate: u8, length: usize) {
    let length_as_varint = [length as u8 | 0x80, (length >> 7) as u8];
    let arguments = [&[gate][..], &length_as_varint, &vec![7; length]].concat();
    raw.send(Header::whole(Kind::Event, 0, FIRST), &arguments);
}

/// Longer than it takes to begin what has come.
const SILENCE: Duration = Duration::from_millis(50);

#[test]
fn who_waits_for_room_reads_on_when_a_procedure_is_done() {
    let (busy, gates, mut raw) = busy();
    gates.0[1].open();
    for _ in 0..6 {
        wait_at(&mut raw, 1, 900);
    }
    raw.send(Header::whole(Kind::Call, 1, FIRST + 1), b"");
    assert!(raw.is_silent_for(SILENCE), "a second procedure was run");
    gates.0[0].open();
    gates.0[1].await_arrivals(6);
    let (asked, _) = raw.receive().expect("it is asked back");
    raw.send(Header::whole(Kind::Reply(Status::NoSelector), asked.id, 0), b"");
    assert_eq!(raw.receive().expect("an answer").0, Header::whole(Kind::Reply(Status::Ok), 1, 0));
    drop(busy);
}

/// The reply that a procedure waits for stands behind what there is no room for.
#[test]
fn who_waits_for_room_reads_on_when_a_procedure_waits_for_a_reply() {
    let (busy, gates, mut raw) = busy();
    raw.send(Header::whole(Kind::Call, 1, FIRST + 1), b"");
    for _ in 0..3 {
        wait_at(&mut raw, 1, 900);
    }
    assert!(raw.is_silent_for(SILENCE), "a second procedure was run");
    gates.0[0].open();
    let (asked, _) = raw.receive().expect("it is asked back");
    raw.send(Header::whole(Kind::Reply(Status::NoSelector), asked.id, 0), b"");
    // What it made room for is run meanwhile, and is not done.
    gates.0[1].await_arrivals(1);
    assert_eq!(raw.receive().expect("an answer").0, Header::whole(Kind::Reply(Status::Ok), 1, 0));
    gates.0[1].open();
    gates.0[1].await_arrivals(3);
    drop(busy);
}

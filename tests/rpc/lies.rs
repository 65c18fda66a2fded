//! A peer of a stream that lies: each lie ends the stream, and says what was wrong.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use twinring::rpc::{Carrier, FIRST, StreamSession};
use twinring::session::header::{Header, Kind, LENGTH, Part, Status, words_of};
use twinring::session::hello::Hello;
use twinring::{End, Halt};

use crate::carriers::{PATIENCE, stream_options, until};
use crate::office::office;

const HELLO: Hello = Hello { calls: 8, open: 1, largest: 1000 };

/// The other side by hand.
pub struct Raw(UnixStream);

impl Raw {
    pub fn new(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    pub fn greet(&mut self) {
        self.send(Header::whole(Kind::Hello, 0, 0), &HELLO.bytes());
    }

    pub fn send(&mut self, header: Header, payload: &[u8]) {
        self.send_bytes((LENGTH + payload.len()) as u32, header, payload);
    }

    /// With a length of our choice. The victim may have hung up.
    fn send_bytes(&mut self, length: u32, header: Header, payload: &[u8]) {
        let _ = self.0.write_all(&[&length.to_le_bytes()[..], &header.bytes(), payload].concat());
    }

    /// A message; `None` at the end.
    pub fn receive(&mut self) -> Option<(Header, Vec<u8>)> {
        let mut head = [0; 4 + LENGTH];
        self.0.read_exact(&mut head).ok()?;
        let length = u32::from_le_bytes(std::array::from_fn(|byte| head[byte]));
        let mut payload = vec![0; length as usize - LENGTH];
        self.0.read_exact(&mut payload).unwrap();
        Some((Header::parse(words_of(std::array::from_fn(|byte| head[4 + byte]))).unwrap(), payload))
    }

    /// Whether nothing comes in that time. If something does, it is out of step.
    pub fn is_silent_for(&mut self, time: std::time::Duration) -> bool {
        self.0.set_read_timeout(Some(time)).unwrap();
        let read = self.0.read(&mut [0]);
        self.0.set_read_timeout(Some(PATIENCE)).unwrap();
        read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }
}

fn victim() -> (StreamSession, Raw) {
    let (here, there) = UnixStream::pair().unwrap();
    let options = stream_options().largest_message(1000).calls_in_flight(2).workers(1);
    (StreamSession::over(here, &options, office(&Arc::default())).unwrap(), Raw::new(there))
}

/// How it ends; fails if it does not.
fn end_of(victim: &StreamSession) -> End {
    until("the end", || victim.ended().is_some());
    victim.ended().expect("an end")
}

/// What a lie is found to be; the victim has hung up then.
fn found(lie: impl FnOnce(&mut Raw)) -> String {
    let (victim, mut raw) = victim();
    lie(&mut raw);
    let end = end_of(&victim);
    while raw.receive().is_some() {}
    assert_eq!(victim.ended(), Some(end));
    assert_eq!(victim.notify(FIRST, b""), Err(twinring::NotifyError::NotSent(Halt::Ended(end))));
    end.to_string()
}

fn call(id: u64) -> Header {
    Header::whole(Kind::Call, id, FIRST)
}

#[test]
fn each_lie_is_found_out() {
    let hello = Header::whole(Kind::Hello, 0, 0);
    let after_hello = |lie: &dyn Fn(&mut Raw)| {
        found(|raw| {
            raw.greet();
            lie(raw);
        })
    };
    for (what, expected) in [
        (found(|raw| raw.send(call(1), b"\x02\x04")), "0x0 as whether a message is a hello"),
        (found(|raw| raw.send(hello, b"short")), "0x5 as the length of a hello"),
        (after_hello(&|raw| raw.greet()), "0x1 as whether a message is a hello"),
        (
            after_hello(&|raw| raw.send_bytes(15, call(1), b"")),
            "0xf as the length of a frame, allowed are 0x10 to 0x3f8",
        ),
        (after_hello(&|raw| raw.send_bytes(u32::MAX, call(1), b"")), "0xffffffff as the length of a frame"),
        (after_hello(&|raw| raw.send(call(1), &[0; 1001])), "0x3f9 as the length of a frame"),
        (
            after_hello(&|raw| raw.send(Header { part: Part::Later, ..call(1) }, b"")),
            "0x0 as the part of a message in a stream",
        ),
        (
            after_hello(&|raw| raw.send(Header { part: Part::Abort, ..call(1) }, b"")),
            "0x2 as the part of a message in a stream",
        ),
        (
            after_hello(&|raw| raw.send(Header { remaining: 1, ..call(1) }, b"")),
            "0x1 as the rest of a message in a stream",
        ),
        (
            after_hello(&|raw| raw.send(Header::whole(Kind::Reply(Status::Ok), 5, 0), b"")),
            "0x5 as the id of a reply, which no call waits for",
        ),
        (
            after_hello(&|raw| {
                raw.0.write_all(&[16, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap()
            }),
            "0x9 as the kind",
        ),
    ] {
        assert!(what.starts_with("the peer wrote "), "{what}");
        assert!(what.contains(expected), "{what:?} lacks {expected:?}");
    }
}

#[test]
fn a_frame_that_is_cut_off_is_a_peer_that_died() {
    for cut in [1, 4, 19, 21] {
        let (victim, mut raw) = victim();
        raw.greet();
        let frame = [&18_u32.to_le_bytes()[..], &call(1).bytes(), b"\x02\x04"].concat();
        raw.0.write_all(&frame[..cut]).unwrap();
        drop(raw);
        assert_eq!(end_of(&victim), End::Disconnected, "{cut}");
    }
}

#[test]
fn more_calls_than_agreed_are_a_lie() {
    let (here, there) = UnixStream::pair().unwrap();
    let desk = Arc::new(crate::office::Desk::default());
    let options = stream_options().calls_in_flight(2).workers(1);
    let victim = StreamSession::over(here, &options, office(&desk)).unwrap();
    let mut raw = Raw::new(there);
    raw.greet();
    let waits = Header::whole(Kind::Call, 1, FIRST + 8);
    raw.send(waits, b"");
    desk.gate.await_arrivals(1);
    raw.send(call(2), b"\x02\x04");
    raw.send(call(3), b"\x02\x04");
    let end = end_of(&victim).to_string();
    assert!(end.contains("0x3 as calls in flight, allowed are 0x1 to 0x2"), "{end}");
    desk.gate.open();
}

#[test]
fn a_late_reply_is_no_lie_and_a_second_one_is() {
    let (victim, mut raw) = victim();
    raw.greet();
    let mut reply = Vec::new();
    let short = Some(std::time::Duration::from_millis(20));
    let error = Carrier::call(&mut victim.clone(), FIRST, b"", &mut reply, short).unwrap_err();
    assert_eq!(error, twinring::CallError::NoReply(Halt::Timeout));
    assert_eq!(raw.receive().unwrap().0.kind, Kind::Hello);
    let (asked, _) = raw.receive().unwrap();
    let late = Header::whole(Kind::Reply(Status::Ok), asked.id, 0);
    raw.send(late, b"late");
    let answering = std::thread::spawn(move || {
        let (asked, _) = raw.receive().unwrap();
        raw.send(Header::whole(Kind::Reply(Status::Ok), asked.id, 0), b"in time");
        raw.send(late, b"again");
        raw
    });
    victim.call_into(FIRST, b"", &mut reply, None).unwrap();
    assert_eq!(reply, b"in time");
    assert!(matches!(end_of(&victim), End::Corrupt(_)));
    drop(answering.join().unwrap());
}

#[test]
fn memory_grows_with_what_came_and_not_with_what_was_announced() {
    use twinring::rpc::stream::frame::FrameReader;
    let mut announced = 0x3fff_0010_u32.to_le_bytes().to_vec();
    announced.extend(call(1).bytes());
    announced.extend([7; 100]);
    let mut payload = Vec::new();
    let read = FrameReader::new(&announced[..], u64::from(u32::MAX)).read(&mut payload);
    assert_eq!(read, Err(End::Disconnected));
    assert!(payload.capacity() < 1 << 20, "{}", payload.capacity());
}

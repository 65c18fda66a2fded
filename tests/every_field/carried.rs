//! Each field of each frame on a socket that carries messages, and of the opening of a stream.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use twinring::carrier::stream;
use twinring::connection::wire::Opening;
use twinring::{Connection, Decision, End, HandshakeError, Options, RecvTimeoutError};

use crate::carried_table::{self, Came, by_the_table};
use crate::fields::{self, Field, Tally};
use crate::raw;

const LONG: Duration = Duration::from_secs(20);

/// The largest message of the raw side's ring of 64 KiB.
const LARGEST: usize = (8192 - 1023) / 2 * 8 - 8;

/// Bytes of a header.
const HEADER: usize = 8;

/// What an honest side sends, frame by frame: some messages, and a goodbye.
fn recorded() -> Vec<Vec<u8>> {
    let (peer, connection) = raw::carried();
    let (mut sender, receiver) = connection.split();
    // Short enough for any packet to be received as a whole.
    for message in [&b"hello"[..], b"", &[7; 300], b"bye"] {
        sender.send(message).expect("room");
    }
    drop((sender, receiver));
    let mut stream = Vec::new();
    let over =
        |stream: &[u8]| [stream::fin(), stream::gone()].iter().all(|end| stream.windows(8).any(|part| part == end));
    while !over(&stream) {
        stream.extend(raw::receive(&peer).expect("a goodbye").0);
    }
    frames(&stream)
}

/// The frames of an honest stream.
fn frames(mut stream: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Some((header, _)) = stream.split_first_chunk::<HEADER>() {
        let length = u64::from_le_bytes(*header) & 0xffff_ffff;
        let (frame, rest) = stream.split_at(HEADER + length as usize);
        frames.push(frame.to_vec());
        stream = rest;
    }
    frames
}

fn fields_of_a_frame() -> Vec<Field> {
    fields::of(HEADER, &[("length of a frame", 32), ("kind of a frame", 8), ("reserved bits of a frame", 24)])
}

/// What a connection comes to whose peer sends this and hangs up; in packets, as the socket keeps them apart.
fn attack(stream: &[u8], what: &str) {
    // However it is cut, the reader makes the same of it.
    let largest = (LARGEST as u16).to_le_bytes();
    carried_table::carried_stream(&[&largest[..], &[6], stream].concat());
    let (came, _, lie) = by_the_table(stream, LARGEST);
    let (liar, connection) = raw::carried();
    stream.chunks(30_000).for_each(|packet| raw::send(&liar, packet, &[]));
    drop(liar);
    let (messages, end) = received(connection);
    let sent: Vec<_> =
        came.iter().filter_map(|came| if let Came::Message(bytes) = came { Some(bytes) } else { None }).collect();
    assert_eq!(messages.iter().collect::<Vec<_>>(), sent, "{what}: what came before is received, and nothing else");
    match (end, lie) {
        // That was the last message: the end is known before the lie.
        (End::Closed, _) => assert!(came.contains(&Came::Fin), "{what}: closed"),
        (End::Corrupt(corrupt), Some(lie)) => {
            assert_eq!((corrupt.seen, corrupt.least, corrupt.most), lie, "{what}");
        }
        (End::Disconnected, None) => {}
        (end, lie) => panic!("{what}: {end:?}, {lie:?}"),
    }
}

fn received(connection: Connection) -> (Vec<Vec<u8>>, End) {
    let (_sender, mut receiver) = connection.split();
    let mut messages = Vec::new();
    loop {
        match receiver.recv_timeout(LONG) {
            Ok(message) => messages.push(message.to_vec()),
            Err(RecvTimeoutError::Ended(end)) => return (messages, end),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn of_a_socket_that_carries_messages() {
    let _others = crate::beside_others();
    let (frames, mut tally) = (recorded(), Tally::default());
    assert_eq!(frames.len(), 6);
    attack(&frames.concat(), "nobody lies");
    for (number, honest) in frames.iter().enumerate() {
        for field in fields_of_a_frame() {
            let others: Vec<_> =
                frames.iter().map(|other| field.read(other)).chain([LARGEST as u64, LARGEST as u64 + 1]).collect();
            let wrong = field.wrong(field.read(honest), &others, fields::step(3));
            for lie in &wrong {
                let mut frames = frames.clone();
                frames[number] = field.replaced(honest, lie.value);
                attack(&frames.concat(), &format!("frame {number}, {}: {} ({:#x})", field.name, lie.class, lie.value));
            }
            tally.note(&field, &wrong);
        }
        let (before, rest) = frames.split_at(number);
        for (class, stream) in [
            ("twice", [before, &rest[..1], rest].concat().concat()),
            ("left out", [before, &rest[1..]].concat().concat()),
            ("cut off", [before.concat(), honest[..honest.len() - 1].to_vec()].concat()),
        ] {
            attack(&stream, &format!("frame {number} {class}"));
            tally.note_whole(class, 1);
        }
    }
    tally.say("a socket that carries messages", 200);
}

/// What comes of an opening that says this.
fn opened(bytes: &[u8]) -> Result<Connection, HandshakeError> {
    let (here, mut there) = UnixStream::pair().expect("a pair");
    there.write_all(bytes).expect("room");
    there.shutdown(std::net::Shutdown::Write).expect("a half of a hang-up");
    let options = Options::new().ring_capacity(4096).largest_peer_ring(1 << 16).authorise(|_| Decision::Accept);
    let opening = thread::spawn(move || options.over_stream(here.into(), LONG));
    let opened = opening.join().expect("no panic");
    // It says its own whatever it hears.
    let mut said = [0; Opening::LENGTH];
    there.read_exact(&mut said).expect("an opening");
    assert!(Opening::parse(&said).is_ok());
    opened
}

#[test]
fn of_the_opening_of_a_stream() {
    let _others = crate::beside_others();
    let honest = Opening { version: 1, ring: 4096 }.encode();
    opened(&honest).expect("nobody lied");
    let mut tally = Tally::default();
    let parts = [
        ("magic", 64),
        ("version", 16),
        ("first reserved", 16),
        ("second reserved", 16),
        ("third reserved", 16),
        ("ring", 64),
    ];
    for field in fields::of(Opening::LENGTH, &parts) {
        let wrong = field.wrong(field.read(&honest), &[8192, 1 << 16, 1 << 17], fields::step(2));
        for lie in &wrong {
            let allowed = field.name == "ring" && lie.value.is_power_of_two() && (4096..=1 << 16).contains(&lie.value);
            let opened = opened(&field.replaced(&honest, lie.value));
            assert_eq!(opened.is_ok(), allowed, "{}: {} ({:#x})", field.name, lie.class, lie.value);
            let named = matches!(
                opened,
                Ok(_) | Err(HandshakeError::Protocol(_) | HandshakeError::Version { .. } | HandshakeError::Corrupt(_))
            );
            assert!(named, "{}: {}: {:?}", field.name, lie.class, opened.err());
        }
        tally.note(&field, &wrong);
    }
    for length in 0..Opening::LENGTH {
        assert!(matches!(opened(&honest[..length]), Err(HandshakeError::HungUp)), "{length} bytes");
        tally.note_whole("cut off", 1);
    }
    tally.say("the opening of a stream", 100);
}

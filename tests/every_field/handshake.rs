//! Each field of the handshake, and of the header of a half, changed on the way between two honest sides.

use std::os::fd::{AsFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use twinring::connection::wire::{Features, Message};
use twinring::{Connection, HandshakeError, Options, Transport, WaitStrategy};

use crate::fields::{self, Field, Tally};
use crate::leaks::Held;
use crate::raw;

const LONG: Duration = Duration::from_secs(20);

/// A packet, and the descriptors with it.
type Packet = (Vec<u8>, Vec<OwnedFd>);

/// What a side came to.
type Outcome = Result<Connection, HandshakeError>;

/// HELLO, WELCOME, HALF, READY; the connector sends the first, and then they take turns.
const PACKETS: usize = 4;

fn options(transport: Transport) -> Options {
    Options::new().ring_capacity(4096).largest_peer_ring(1 << 16).wait(WaitStrategy::Park).transport(transport)
}

/// A handshake through this relay, which sees each packet and may change it. What the side came to that received packet
/// `lie`, or the connector.
fn relayed(transport: Transport, lie: usize, mut change: impl FnMut(usize, &mut Packet)) -> Outcome {
    let ((connector, ours), (acceptor, other)) = (raw::introduced_pair(), raw::introduced_pair());
    let connecting = thread::spawn(move || options(transport).connect_over(connector, LONG));
    let accepting = thread::spawn(move || options(transport).accept_over(acceptor, LONG));
    let sides = [ours, other];
    for number in 0..PACKETS {
        let Some(mut packet) = raw::receive(&sides[number % 2]) else { break };
        let refused = matches!(Message::parse(&packet.0), Ok(Message::Refused { .. }));
        change(number, &mut packet);
        let (bytes, files) = &packet;
        let (side, with) = (&sides[1 - number % 2], files.iter().map(AsFd::as_fd).collect::<Vec<_>>());
        if let Err(refused) = raw::try_send(side, bytes, &with) {
            // A descriptor that is not due: the kernel keeps it away, if it is new enough, and the packet comes alone.
            assert_eq!(refused, rustix::io::Errno::PERM);
            raw::send(side, bytes, &[]);
        }
        if refused {
            break;
        }
    }
    // Until here the sockets live: that one side hangs up must be its own doing.
    for side in &sides {
        // One that is gone need not be told.
        let _ = rustix::net::shutdown(side, rustix::net::Shutdown::Both);
    }
    let (connected, accepted) = (connecting.join().expect("no panic"), accepting.join().expect("no panic"));
    if lie % 2 == 0 { accepted } else { connected }
}

/// What an honest exchange consists of.
fn recorded(transport: Transport) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    relayed(transport, 1, |_, (bytes, _)| packets.push(bytes.clone())).expect("nobody lied");
    assert_eq!(packets.len(), PACKETS);
    packets
}

const PREFIX: [(&str, usize); 4] = [("magic", 64), ("kind", 16), ("reserved", 16), ("length", 32)];

const PREFIX_LENGTH: usize = 16;

fn fields_of(bytes: &[u8]) -> Vec<Field> {
    let body: &[(&str, usize)] = match Message::parse(bytes).expect("an honest message") {
        Message::Hello { .. } => &[("oldest", 16), ("newest", 16), ("features", 32)],
        Message::Welcome { .. } => &[("version", 16), ("reserved", 16), ("features", 32), ("bytes", 64), ("ring", 64)],
        Message::Half(_) => &[("bytes", 64), ("ring", 64)],
        _ => &[],
    };
    fields::of(bytes.len(), &[&PREFIX, body].concat())
}

/// Whether these bytes are what an honest peer might have sent in place of those.
fn is_allowed(transport: Transport, field: &Field, value: u64, honest: u64) -> bool {
    match field.name {
        "oldest" => value <= 1,
        "newest" => value >= 1,
        // Bits that are unknown say nothing yet.
        "features" => (value ^ honest) & u64::from(Features::CARRIES | Features::UNSHARED) == 0,
        // No memory comes along that would have to agree.
        "ring" if transport == Transport::Socket => value.is_power_of_two() && (4096..=1 << 16).contains(&value),
        _ => false,
    }
}

fn assert_outcome(allowed: bool, outcome: Outcome, what: &str) {
    match outcome {
        Ok(_) => assert!(allowed, "{what}: connected"),
        Err(HandshakeError::HungUp | HandshakeError::Timeout { .. } | HandshakeError::Setup(_)) => {
            panic!("{what}: {outcome:?}")
        }
        Err(error) => assert!(!allowed, "{what}: {error}"),
    }
}

fn attack(transport: Transport, tally: &mut Tally) {
    let packets = recorded(transport);
    for (number, honest) in packets.iter().enumerate() {
        for field in fields_of(honest) {
            let right = field.read(honest);
            let others = if field.name == "kind" { vec![1, 2, 3, 4, 6] } else { vec![4096, 8192, 1 << 16, 1 << 17] };
            let wrong = field.wrong(right, &others, fields::step(7));
            for lie in &wrong {
                let outcome = relayed(transport, number, |at, (bytes, _)| {
                    if at == number {
                        *bytes = field.replaced(bytes, lie.value);
                    }
                });
                // Features that only this side's wish tells apart are its own affair: refused or not, nothing else.
                let what = format!("{transport:?}, packet {number}, {}: {} ({:#x})", field.name, lie.class, lie.value);
                let wishes = field.name == "features" && !is_allowed(transport, &field, lie.value, right);
                if !(wishes
                    && matches!(outcome, Ok(_) | Err(HandshakeError::Transport { .. } | HandshakeError::Protocol(_))))
                {
                    assert_outcome(is_allowed(transport, &field, lie.value, right), outcome, &what);
                }
            }
            tally.note(&field, &wrong);
        }
        for length in (0..honest.len()).step_by(fields::step(5)).skip(1).chain([honest.len() + 1, 576, 577]) {
            let outcome = relayed(transport, number, |at, (bytes, _)| {
                if at == number {
                    bytes.resize(length, 0);
                }
            });
            assert_outcome(
                length == honest.len(),
                outcome,
                &format!("{transport:?}, packet {number} of {length} bytes"),
            );
            tally.note_whole("another length", 1);
        }
        for more in [-8, -1, 1, 8, 64] {
            let outcome = relayed(transport, number, |at, (bytes, _)| {
                if at == number {
                    let length = bytes.len().saturating_add_signed(more).max(PREFIX_LENGTH);
                    bytes.resize(length, 0);
                    bytes[12..16].copy_from_slice(&((length - PREFIX_LENGTH) as u32).to_le_bytes());
                }
            });
            let same = more < 0 && honest.len() == PREFIX_LENGTH;
            assert_outcome(
                same,
                outcome,
                &format!("{transport:?}, packet {number}, {more} bytes more, and it says so"),
            );
            tally.note_whole("another length, and it says so", 1);
        }
        for wrong in [0, 1, 2, 30] {
            let mut due = 1;
            let outcome = relayed(transport, number, |at, (_, files)| {
                if at == number {
                    due = files.len();
                    files.clear();
                    files.resize_with(wrong, raw::honest_half);
                }
            });
            // With HELLO and READY none is due at all: the kernel keeps them away, if it is new enough, and the packet came alone.
            let kept_away = wrong > 0 && matches!(number, 0 | 3) && outcome.is_ok();
            if wrong != due && !kept_away {
                assert_outcome(false, outcome, &format!("{transport:?}, packet {number}, {wrong} descriptors"));
                tally.note_whole("another number of descriptors", 1);
            }
        }
    }
}

#[test]
fn of_the_handshake() {
    let _alone = crate::alone();
    let mut tally = Tally::default();
    let before = Held::lasting();
    attack(Transport::SharedMemory, &mut tally);
    attack(Transport::Socket, &mut tally);
    tally.say("handshake", 500);
    of_the_header_of_a_half();
    of_halves_of_other_sizes();
    assert_nothing_is_left(before);
}

/// What ends in threads of its own may take a moment.
fn assert_nothing_is_left(before: Held) {
    let started = Instant::now();
    loop {
        let now = Held::lasting();
        if now.descriptors <= before.descriptors && now.mappings <= before.mappings {
            return;
        }
        assert!(started.elapsed() < LONG, "{now:?}, and {before:?} before");
        thread::yield_now();
    }
}

const HEADER: [(&str, usize); 8] = [
    ("magic of a half", 64),
    ("version of a half", 64),
    ("size of a half", 64),
    ("offset of a ring", 64),
    ("size of a ring", 64),
    ("laziness of a ring", 64),
    ("first reserved word", 64),
    ("second reserved word", 64),
];

/// In place of the half that WELCOME or HALF brings, one whose header is another.
fn of_the_header_of_a_half() {
    let mut tally = Tally::default();
    for number in [1, 2] {
        let mut honest = [0; 64];
        relayed(Transport::SharedMemory, 1, |at, (_, files)| {
            if at == number {
                assert_eq!(rustix::io::pread(&files[0], &mut honest, 0), Ok(64));
            }
        })
        .expect("nobody lied");
        for field in fields::of(64, &HEADER) {
            let wrong = field.wrong(field.read(&honest), &[4096, 512, 8192, 1 << 16], fields::step(7));
            for lie in &wrong {
                let outcome = relayed(Transport::SharedMemory, number, |at, (bytes, files)| {
                    if at == number {
                        let half = Message::parse(bytes).expect("an honest message").half().expect("a half");
                        let header = field.replaced(&honest, lie.value);
                        let words = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| header[8 * at + byte]));
                        *files = vec![raw::half(half.bytes, std::array::from_fn(words), raw::SEALS)];
                    }
                });
                let what = format!("packet {number}, {}: {} ({:#x})", field.name, lie.class, lie.value);
                assert!(matches!(outcome, Err(HandshakeError::Corrupt(_))), "{what}: {outcome:?}");
            }
            tally.note(&field, &wrong);
        }
    }
    tally.say("header of a half", 300);
}

/// A half that is just as it is announced, and has a size or a ring that none has.
fn of_halves_of_other_sizes() {
    const SHAPES: [(u64, u64); 9] = [
        (4096, 4096),
        (8192 - 8, 4096),
        (8192 + (2 << 20), 4096),
        (1 << 30, 4096),
        (4096 + 2048, 2048),
        (4096, 0),
        (4096 + 12288, 12288),
        (4096 + (1 << 17), 1 << 17),
        (4096 + 8, 8),
    ];
    for number in [1, 2] {
        for (bytes, ring) in SHAPES {
            let outcome = relayed(Transport::SharedMemory, number, |at, (packet, files)| {
                if at == number {
                    let end = packet.len();
                    packet[end - 16..end - 8].copy_from_slice(&bytes.to_le_bytes());
                    packet[end - 8..].copy_from_slice(&ring.to_le_bytes());
                    let [magic, version, _, offset, _, _, first, second] = raw::HEADER;
                    let header = [magic, version, bytes, offset, ring, ring / 8, first, second];
                    *files = vec![raw::half(bytes, header, raw::SEALS)];
                }
            });
            assert!(matches!(outcome, Err(HandshakeError::Corrupt(_))), "{bytes}, {ring}: {outcome:?}");
        }
    }
}

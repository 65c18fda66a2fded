//! Each field of each message of a stream that carries typed procedures.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use twinring::End;
use twinring::rpc::{Context, Server, StreamOptions, StreamSession};
use twinring::session::header::{Header, Kind, LENGTH, Part, words_of};

use crate::fields::{self, Field, Tally};
use crate::header_table;

twinring::interface! {
    /// What is called.
    pub trait Adder, client AdderClient {
        /// The sum.
        fn add(a: i64, b: i64) -> i64;
    }
}

struct Sums;

impl Adder for Sums {
    fn add(&self, _: &mut Context<'_>, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }
}

const LARGEST: usize = 1000;

/// The length before each message, and its header.
const HEAD: usize = 4 + LENGTH;

const PATIENCE: Duration = Duration::from_secs(20);

fn session(stream: UnixStream, server: Server) -> StreamSession {
    let options = StreamOptions::new().largest_message(LARGEST).calls_in_flight(8).call_timeout(PATIENCE).workers(1);
    StreamSession::over(stream, &options, server).expect("threads")
}

fn server() -> Server {
    Server::new().register::<dyn Adder>(Arc::new(Sums))
}

/// Binds and calls.
fn ask(client: StreamSession) -> Result<i64, String> {
    let mut adder = AdderClient::bind(client).map_err(|error| error.to_string())?;
    adder.add(40, 2).map_err(|error| error.to_string())
}

/// The messages of an honest client, and those of an honest server.
fn recorded() -> [Vec<Vec<u8>>; 2] {
    let ((client, ours), (other, serving)) = (UnixStream::pair().expect("a pair"), UnixStream::pair().expect("a pair"));
    let serving = session(serving, server());
    let asked = relay(ours.try_clone().expect("a descriptor"), other.try_clone().expect("a descriptor"));
    let answered = relay(other, ours);
    assert_eq!(ask(session(client, Server::new())), Ok(42));
    let recorded = [asked, answered].map(|relay| relay.join().expect("a relay"));
    drop(serving);
    recorded
}

/// Hands on what comes, until it ends; returns the messages.
fn relay(mut from: UnixStream, mut to: UnixStream) -> thread::JoinHandle<Vec<Vec<u8>>> {
    thread::spawn(move || {
        let mut messages = Vec::new();
        while let Some(message) = receive(&mut from) {
            to.write_all(&message).expect("a side that listens");
            messages.push(message);
        }
        // The other side may have hung up first.
        let _ = to.shutdown(std::net::Shutdown::Write);
        messages
    })
}

fn receive(from: &mut UnixStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length).ok()?;
    let mut message = length.to_vec();
    message.resize(4 + u32::from_le_bytes(length) as usize, 0);
    from.read_exact(&mut message[4..]).ok()?;
    Some(message)
}

const FIELDS: [(&str, usize); 8] = [
    ("length", 32),
    ("kind", 4),
    ("part", 2),
    ("reserved", 2),
    ("status", 8),
    ("id", 48),
    ("selector", 32),
    ("remaining", 32),
];

const HELLO: [(&str, usize); 5] =
    [("version", 32), ("calls", 32), ("open messages", 32), ("reserved word", 32), ("largest message", 64)];

fn fields_of(message: &[u8]) -> Vec<Field> {
    match header(message).map(|header| header.kind) {
        Some(Kind::Hello) => fields::of(message.len(), &[&FIELDS[..], &HELLO].concat()),
        _ => fields::of(HEAD, &FIELDS),
    }
}

fn header(message: &[u8]) -> Option<Header> {
    let (head, _) = message.get(4..)?.split_first_chunk::<LENGTH>()?;
    header_table::allowed(words_of(*head)).then(|| Header::parse(words_of(*head)).expect("what the table allows"))
}

/// Whether an honest side would not have sent this stream; `awaits` says to which reply a call waits.
fn is_a_lie(mut stream: &[u8], awaits: impl Fn(u64) -> bool) -> bool {
    let mut greeted = false;
    loop {
        let Some((head, _)) = stream.split_first_chunk::<HEAD>() else { return false };
        let length = u32::from_le_bytes(std::array::from_fn(|byte| head[byte])) as usize;
        let Some(header) = header(head).filter(|_| (LENGTH..=LENGTH + LARGEST).contains(&length)) else { return true };
        if header.part != Part::First || header.remaining != 0 {
            return true;
        }
        // What is not whole is not looked at.
        let Some((message, rest)) = stream.split_at_checked(4 + length) else { return false };
        let hello = header.kind == Kind::Hello;
        if hello == greeted || hello && !header_table::allowed_hello(&message[HEAD..]) {
            return true;
        }
        if matches!(header.kind, Kind::Reply(_)) && !awaits(header.id) {
            return true;
        }
        (greeted, stream) = (true, rest);
    }
}

fn await_end(victim: &StreamSession) -> End {
    let _ = victim.wait();
    victim.ended().expect("an end")
}

fn assert_end(end: End, lie: bool, what: &str) {
    match end {
        End::Corrupt(corrupt) => assert!(lie, "{what}: {corrupt}"),
        End::Closed | End::Disconnected => assert!(!lie, "{what}: believed"),
        end => panic!("{what}: {end:?}"),
    }
}

/// Each message with each lie.
fn each_lie(messages: &[Vec<u8>], tally: &mut Tally, attack: impl Fn(usize, &[u8], &str)) {
    for (number, honest) in messages.iter().enumerate() {
        for field in fields_of(honest) {
            let like = messages.iter().filter(|other| fields_of(other).len() >= fields_of(honest).len());
            let others: Vec<_> =
                like.map(|other| field.read(other)).chain([LARGEST as u64, LARGEST as u64 + 17]).collect();
            let wrong = field.wrong(field.read(honest), &others, fields::step(5));
            for lie in &wrong {
                let what = format!("message {number}, {}: {} ({:#x})", field.name, lie.class, lie.value);
                attack(number, &field.replaced(honest, lie.value), &what);
            }
            tally.note(&field, &wrong);
        }
        for length in (0..honest.len()).step_by(3) {
            attack(number, &honest[..length], &format!("message {number} cut off after {length} bytes"));
            tally.note_whole("cut off", 1);
        }
        attack(number, &[&honest[..], honest].concat(), &format!("message {number} twice"));
        tally.note_whole("twice", 1);
    }
}

#[test]
fn of_a_client_to_who_serves_it() {
    let _others = crate::beside_others();
    let ([asked, _], mut tally) = (recorded(), Tally::default());
    assert!(asked.len() >= 3, "a hello, a question and a call");
    each_lie(&asked, &mut tally, |number, lie, what| {
        let (here, mut raw) = UnixStream::pair().expect("a pair");
        let victim = session(here, server());
        let stream = [asked[..number].concat(), lie.to_vec(), asked[number + 1..].concat()].concat();
        // It may hang up at the lie.
        let _ = raw.write_all(&stream);
        let _ = raw.shutdown(std::net::Shutdown::Write);
        assert_end(await_end(&victim), is_a_lie(&stream, |_| false), what);
    });
    tally.say("a client's messages in a stream", 300);
}

#[test]
fn of_who_serves_to_its_client() {
    let _others = crate::beside_others();
    let ([asked, answered], mut tally) = (recorded(), Tally::default());
    assert_eq!(answered.len(), asked.len(), "a reply to each request, and a hello to the hello");
    let ids: Vec<_> = asked.iter().map(|message| header(message).expect("an honest message").id).collect();
    each_lie(&answered, &mut tally, |number, lie, what| {
        let (here, mut raw) = UnixStream::pair().expect("a pair");
        let victim = session(here, Server::new());
        let calling = thread::spawn({
            let victim = victim.clone();
            move || ask(victim)
        });
        let mut stream = Vec::new();
        for (at, message) in answered.iter().enumerate() {
            if at > 0 && receive(&mut raw).is_none() {
                break;
            }
            // The hello of the victim comes before its first request.
            if at == 1 {
                receive(&mut raw);
            }
            let message = if at == number { lie } else { message };
            stream.extend_from_slice(message);
            let _ = raw.write_all(message);
            if at == number {
                break;
            }
        }
        let _ = raw.shutdown(std::net::Shutdown::Write);
        let end = await_end(&victim);
        // Each reply answers one call, and once.
        let answered = std::cell::RefCell::new(ids[1..=number.max(1).min(ids.len() - 1)].to_vec());
        if number == 0 {
            answered.borrow_mut().clear();
        }
        let awaits = |id: u64| {
            let mut answered = answered.borrow_mut();
            let found = answered.iter().position(|&answered| answered == id);
            found.map(|at| answered.swap_remove(at)).is_some()
        };
        assert_end(end, is_a_lie(&stream, awaits), what);
        let came = calling.join().expect("no panic");
        assert!(came.is_err() || number == ids.len() - 1, "{what}: {came:?}");
    });
    tally.say("a server's messages in a stream", 300);
}

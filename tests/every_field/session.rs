//! Each field of each frame of a session.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use twinring::session::header::{Header, Kind, LENGTH, Part, words_of};
use twinring::session::hello::Hello;
use twinring::session::reassembly::Reassembly;
use twinring::{
    Call, CallError, Connection, End, Event, Failure, Halt, Handler, LocalSession, Options, Receiver, Sender, Session,
    SessionOptions, WaitStrategy, handlers,
};

use crate::fields::{self, Field, Tally};
use crate::fragments::{Came, Model};
use crate::header_table;

/// What a victim accepts.
const ACCEPTED: Hello = Hello { calls: 8, open: 3, largest: 100_000 };

/// Goes in fragments.
const LARGE: usize = 40_000;

const ECHO: u32 = 1;
const FAIL: u32 = 2;
const NOTHING: u32 = 3;

/// A message that was handled, or a reply: its selector, and what is in it.
type Handled = (u32, Vec<u8>);

type Log = Arc<Mutex<Vec<Handled>>>;

fn connected() -> (Connection, Connection) {
    Options::new().ring_capacity(1 << 19).wait(WaitStrategy::Park).pair().expect("a pair")
}

fn options() -> SessionOptions {
    let Hello { calls, open, largest } = ACCEPTED;
    let options = SessionOptions::new().listener(false).call_timeout(Duration::from_secs(10));
    options.largest_message(largest as usize).open_messages(open).calls_in_flight(calls)
}

/// Answers, and keeps what it was asked and told.
fn server(log: &Log) -> impl Handler + use<> {
    let (calls, events) = (Arc::clone(log), Arc::clone(log));
    let keep = |log: &Log, selector, payload: &[u8]| {
        log.lock().unwrap_or_else(PoisonError::into_inner).push((selector, payload.to_vec()));
    };
    handlers(
        move |call: &mut Call<'_>| {
            keep(&calls, call.selector(), call.payload());
            let reply = call.payload().to_vec();
            match call.selector() {
                ECHO => call.reply().extend(reply),
                FAIL => return Err(Failure::new("it failed")),
                _ => return Err(Failure::no_selector()),
            }
            Ok(())
        },
        move |event: &mut Event<'_>| keep(&events, event.selector(), event.payload()),
    )
}

/// The frames of an honest client, and those of an honest server that answers it.
fn recorded() -> [Vec<Vec<u8>>; 2] {
    let ((client, raw), (server_end, raw_client)) = (connected(), connected());
    let (mut sender, mut receiver) = raw.split();
    say_hello(&mut sender);
    let client = Session::new(client, &options(), ()).expect("a session");
    ask(&client, |_| ());
    let mut asked = drained(&mut receiver);
    asked.extend(given_up(&asked));
    let (mut sender, mut receiver) = raw_client.split();
    let serving = Session::new(server_end, &options(), server(&Log::default())).expect("a session");
    for frame in &asked {
        sender.send(frame).expect("room");
        serving.dispatch().expect("no lie");
    }
    for _ in 0..5 {
        serving.dispatch().expect("no lie");
    }
    [asked, drained(&mut receiver)]
}

/// Asks everything, lets the other side do what it does, and waits for what comes of the calls.
fn ask(client: &Session, meanwhile: impl FnOnce(&Session)) -> Vec<Result<Vec<u8>, CallError>> {
    client.notify(7, b"an event").expect("room");
    client.notify(8, &[8; LARGE]).expect("room");
    let requests = [(ECHO, vec![1; 10]), (FAIL, vec![2; 20]), (ECHO, vec![3; LARGE]), (NOTHING, vec![])];
    let calls = requests.map(|(selector, request)| client.begin(selector, &request).expect("room"));
    meanwhile(client);
    calls.into_iter().map(|call| call.wait_timeout(Duration::from_millis(1))).collect()
}

/// A message that an honest client gives up: the first fragment of its first large one under another id, and an ABORT.
fn given_up(asked: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let first = asked.iter().find(|frame| header(frame).is_some_and(|header| header.remaining > 0)).expect("fragments");
    let honest = header(first).expect("an honest header");
    let begin = Header { id: honest.id + 1000, ..honest };
    let abort = Header { part: Part::Abort, remaining: 0, ..begin };
    let begun = [&begin.bytes()[..], &first[LENGTH..]].concat();
    vec![begun, abort.bytes().to_vec()]
}

fn header(frame: &[u8]) -> Option<Header> {
    let (head, _) = frame.split_first_chunk()?;
    Header::parse(words_of(*head)).ok()
}

fn say_hello(sender: &mut Sender) {
    let hello = [&Header::whole(Kind::Hello, 0, 0).bytes()[..], &ACCEPTED.bytes()].concat();
    sender.send(&hello).expect("room");
}

fn drained(receiver: &mut Receiver) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| receiver.try_recv().ok().map(|frame| frame.to_vec())).collect()
}

const HEADER: [(&str, usize); 7] =
    [("kind", 4), ("part", 2), ("reserved", 2), ("status", 8), ("id", 48), ("selector", 32), ("remaining", 32)];

const HELLO: [(&str, usize); 5] =
    [("version", 32), ("calls", 32), ("open messages", 32), ("reserved word", 32), ("largest message", 64)];

fn fields_of(frame: &[u8]) -> Vec<Field> {
    match header(frame).expect("an honest header").kind {
        Kind::Hello => fields::of(frame.len(), &[&HEADER[..], &HELLO].concat()),
        _ => fields::of(LENGTH, &HEADER),
    }
}

/// What an honest reader makes of these frames, by the tables and the rules of fragments: the messages, and whether a lie
/// ended it.
fn expected(frames: &[Vec<u8>]) -> (Vec<(Header, Vec<u8>)>, bool) {
    let (mut model, mut reassembly) = (Model::new(ACCEPTED), Reassembly::new(ACCEPTED));
    let (mut messages, mut greeted) = (Vec::new(), false);
    for frame in frames {
        let Some((head, payload)) = frame.split_first_chunk::<LENGTH>() else { return (messages, true) };
        let allowed = header_table::allowed(words_of(*head));
        let Some(header) = header(frame).filter(|_| allowed) else { return (messages, true) };
        let hello = header.kind == Kind::Hello;
        if hello == greeted || hello && !header_table::allowed_hello(payload) {
            return (messages, true);
        }
        greeted = true;
        if !hello {
            match model.check(&mut reassembly, &header, payload) {
                Came::Lie => return (messages, true),
                Came::Complete(payload) => messages.push((header, payload)),
                Came::Part | Came::GivenUp(_) => {}
            }
        }
    }
    (messages, false)
}

/// Each honest frame with each lie in turn; `attack` is given all frames and says what was wrong.
fn each_lie(frames: &[Vec<u8>], tally: &mut Tally, attack: impl Fn(&[Vec<u8>], &str)) {
    attack(frames, "nobody lies");
    let with = |number: usize, frame: Vec<u8>| {
        let mut frames = frames.to_vec();
        frames[number] = frame;
        frames
    };
    for (number, honest) in frames.iter().enumerate() {
        for field in fields_of(honest) {
            let others = frames
                .iter()
                .filter(|other| other.len() >= honest.len().min(LENGTH + 24) || field.name != "largest message");
            let others: Vec<_> = others
                .filter(|other| fields_of(other).len() == fields_of(honest).len())
                .map(|other| field.read(other))
                .collect();
            let wrong = field.wrong(field.read(honest), &others, fields::step(5));
            for lie in &wrong {
                let what = format!("frame {number}, {}: {} ({:#x})", field.name, lie.class, lie.value);
                attack(&with(number, field.replaced(honest, lie.value)), &what);
            }
            tally.note(&field, &wrong);
        }
        for length in (0..LENGTH).chain([honest.len() - 1, honest.len() + 1, honest.len() + 9]) {
            let mut frame = honest.clone();
            frame.resize(length, 0);
            attack(&with(number, frame), &format!("frame {number} of {length} bytes"));
            tally.note_whole("another length", 1);
        }
        let most = LENGTH + ACCEPTED.largest as usize;
        for length in [most, most + 1] {
            let mut frame = honest.clone();
            frame.resize(length, 7);
            attack(&with(number, frame), &format!("frame {number} of {length} bytes"));
            tally.note_whole("as large as accepted, and larger", 1);
        }
        for (class, inserted) in inserted(frames, number) {
            attack(&[&frames[..number], &inserted, &frames[number..]].concat(), &format!("{class} before {number}"));
            tally.note_whole(class, 1);
        }
        let twice = [&frames[..=number], &frames[number..]].concat();
        attack(&twice, &format!("frame {number} twice"));
        attack(&[&frames[..number], &frames[number + 1..]].concat(), &format!("frame {number} left out"));
        let mut swapped = frames.to_vec();
        swapped.swap(number, (number + 1) % frames.len());
        attack(&swapped, &format!("frame {number} after the next"));
        tally.note_whole("twice, left out, or too late", 3);
    }
}

/// Frames that are lies only where they stand, and that more than one field makes so.
fn inserted(frames: &[Vec<u8>], number: usize) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let kind = header(&frames[frames.len() - 1]).expect("an honest header").kind;
    let begun = |id: u64| {
        let header = Header { kind, part: Part::First, id: 2000 + id, selector: 0, remaining: 5 };
        [&header.bytes()[..], b"x"].concat()
    };
    let mut all: Vec<_> = (1..=4).map(|count| ("messages under way", (0..count).map(begun).collect())).collect();
    // What is under way goes on with nothing, and says so.
    if let Some(before) = number.checked_sub(1).and_then(|before| header(&frames[before])) {
        all.push(("an empty fragment", vec![Header { part: Part::Later, ..before }.bytes().to_vec()]));
        let longer = [&Header { part: Part::Later, remaining: 0, ..before }.bytes()[..], &[7; 60_000]].concat();
        all.push(("a fragment longer than the rest", vec![longer]));
    }
    all
}

/// What the victim's end has to be.
fn assert_end(end: Option<End>, lie: bool, what: &str) {
    match end {
        Some(End::Corrupt(corrupt)) => {
            assert!(lie, "{what}: {corrupt}");
            assert!(!(corrupt.least..=corrupt.most).contains(&corrupt.seen), "{what}: explains nothing: {corrupt}");
        }
        None => assert!(!lie, "{what}: believed"),
        Some(end) => panic!("{what}: {end:?}"),
    }
}

fn serves(frames: &[Vec<u8>], what: &str, mut dispatch: impl FnMut() -> Result<usize, End>, log: &Log) {
    let (messages, lie) = expected(frames);
    let mut end = None;
    for _ in 0..frames.len() + 3 {
        end = end.or(dispatch().err());
    }
    assert_end(end, lie, what);
    let again = dispatch().err();
    assert_eq!(again, end, "{what}: the end is final");
    let handled = std::mem::take(&mut *log.lock().unwrap_or_else(PoisonError::into_inner));
    let asked = messages.into_iter().filter(|(header, _)| matches!(header.kind, Kind::Call | Kind::Event));
    let asked: Vec<Handled> = asked.map(|(header, payload)| (header.selector, payload)).collect();
    assert_eq!(handled, asked, "{what}: what came before is delivered, and nothing else");
}

#[test]
fn of_a_client_to_its_server() {
    let _others = crate::beside_others();
    let ([asked, _], mut tally) = (recorded(), Tally::default());
    each_lie(&asked, &mut tally, |frames, what| {
        let (victim, raw) = connected();
        let (mut sender, _receiver) = raw.split();
        frames.iter().for_each(|frame| sender.send(frame).expect("room"));
        let log = Log::default();
        let mut victim = LocalSession::new(victim, &options(), server(&log));
        serves(frames, what, || victim.dispatch(), &log);
    });
    tally.say("a client's frames, to a session of one thread", 1000);
}

#[test]
fn of_a_client_to_a_server_that_is_shared() {
    let _others = crate::beside_others();
    let ([asked, _], mut tally) = (recorded(), Tally::default());
    each_lie(&asked, &mut tally, |frames, what| {
        let (victim, raw) = connected();
        let (mut sender, _receiver) = raw.split();
        frames.iter().for_each(|frame| sender.send(frame).expect("room"));
        let log = Log::default();
        let victim = Session::new(victim, &options(), server(&log)).expect("a session");
        serves(frames, what, || victim.dispatch(), &log);
    });
    tally.say("a client's frames, to a session", 1000);
}

#[test]
fn of_a_server_to_its_client() {
    let _others = crate::beside_others();
    let ([_, answered], mut tally) = (recorded(), Tally::default());
    assert!(answered.len() >= 7, "a hello, three small replies and a large one");
    each_lie(&answered, &mut tally, |frames, what| {
        let (victim, raw) = connected();
        let (mut sender, _receiver) = raw.split();
        say_hello(&mut sender);
        let victim = Session::new(victim, &options(), ()).expect("a session");
        // The hello was said already: what is replayed begins behind it, unless the hello itself is the lie.
        let hello = [&Header::whole(Kind::Hello, 0, 0).bytes()[..], &ACCEPTED.bytes()].concat();
        let rest = frames.strip_prefix(std::slice::from_ref(&hello)).unwrap_or(frames);
        let came = ask(&victim, |_| rest.iter().for_each(|frame| sender.send(frame).expect("room")));
        let all = [&[hello][..], rest].concat();
        let (messages, lie) = expected(&all);
        assert_replies(&came, &messages, lie, what);
        assert_end(victim.dispatch().err(), lie, what);
    });
    tally.say("a server's frames, to a session", 500);
}

/// Each call has the reply that came for it before the lie, or says how it ended.
fn assert_replies(came: &[Result<Vec<u8>, CallError>], messages: &[(Header, Vec<u8>)], lie: bool, what: &str) {
    let replies: Vec<_> = messages.iter().filter(|(header, _)| matches!(header.kind, Kind::Reply(_))).collect();
    for came in came {
        match came {
            Ok(reply) => assert!(replies.iter().any(|(_, payload)| payload == reply), "{what}: {reply:?} was not sent"),
            Err(CallError::NoReply(Halt::Timeout)) => {}
            Err(CallError::NoReply(Halt::Ended(End::Corrupt(_)))) => assert!(lie, "{what}: nobody lied"),
            Err(CallError::NoReply(halt)) => panic!("{what}: {halt:?}"),
            // Said by a reply.
            Err(error) => assert!(!replies.is_empty(), "{what}: {error:?}"),
        }
    }
}

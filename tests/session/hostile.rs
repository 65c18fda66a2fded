//! A peer that lies: what no honest one would send ends the session as corrupt, for good, and its memory is bounded.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use twinring::session::header::{Header, Kind, Part, Status};
use twinring::session::hello::Hello;
use twinring::{
    Call, CallError, Connection, Corrupt, End, Event, Halt, LocalSession, Session, SessionOptions, WaitStrategy,
    handlers,
};

use crate::answering::{Answering, ECHO, KEEP, NEST};
use crate::process::{self, Child};
use crate::raw_side::{HELLO, RawSide, frame};
use crate::sides::{Form, SHARED, ring};
use crate::waits::LONG;

/// What a victim accepts here.
fn options(form: Form) -> SessionOptions {
    form.options().largest_message(100_000).open_messages(3).calls_in_flight(8).nesting(4)
}

type Lie = fn(&mut RawSide);

fn call(id: u64, part: Part, remaining: u32) -> Header {
    frame(Kind::Call, part, id, ECHO, remaining)
}

/// Each with what is said of it.
const LIES: [(&str, Lie); 23] = [
    ("the length of a frame of a session", |side| side.sender.send(&[7; 15]).expect("room")),
    ("the length of a frame of a session", |side| side.sender.send(&[]).expect("room")),
    ("the kind of a message", |side| side.send_words([0, 0], b"")),
    ("the kind of a message", |side| side.send_words([5, 0], b"")),
    ("the reserved bits of a message", |side| side.send_words([1 << 6 | 1 << 4 | 2, 0], b"")),
    ("the status of a message", |side| side.send_words([1 << 8 | 1 << 4 | 2, 0], b"")),
    ("the status of a message", |side| side.send_words([7 << 8 | 1 << 4 | 3, 0], b"")),
    ("the selector of a message", |side| side.send_words([1 << 4 | 3, 1], b"")),
    ("the part of a message", |side| side.send_words([3 << 4 | 2, 0], b"")),
    ("a second hello", |side| side.send(Header::whole(Kind::Hello, 0, 0), &HELLO.bytes())),
    ("the rest of a message", |side| side.send(call(1, Part::Abort, 1), b"")),
    ("a later frame of a message that is not under way", |side| side.send(call(1, Part::Later, 0), b"x")),
    ("a later frame of a message that is not under way", |side| side.send(call(1, Part::Abort, 0), b"")),
    ("the length of a message", |side| side.send(call(1, Part::First, 99_999), b"two")),
    ("the length of a message", |side| side.send(call(1, Part::First, u32::MAX), b"two")),
    ("the length of a fragment", |side| side.send(call(1, Part::First, 10), b"")),
    ("the first frame of a message that is under way", |side| {
        side.send(call(1, Part::First, 10), b"x");
        side.send(call(1, Part::First, 10), b"x");
    }),
    ("the first frame of a message that is under way", |side| {
        side.send(call(1, Part::First, 10), b"x");
        side.send(call(1, Part::First, 0), b"whole");
    }),
    ("the rest of a message", |side| {
        side.send(call(1, Part::First, 10), b"x");
        side.send(call(1, Part::Later, 9), b"xx");
    }),
    ("the length of a fragment", |side| {
        side.send(call(1, Part::First, 1), b"x");
        side.send(call(1, Part::Later, 0), b"xx");
    }),
    ("the selector of a fragment", |side| {
        side.send(call(1, Part::First, 1), b"x");
        side.send(frame(Kind::Call, Part::Later, 1, ECHO + 1, 0), b"x");
    }),
    ("the number of messages under way", |side| (1..=4).for_each(|id| side.send(call(id, Part::First, 10), b"x"))),
    ("the length of an abort", |side| {
        side.send(call(1, Part::First, 10), b"x");
        side.send(call(1, Part::Abort, 0), b"x");
    }),
];

/// What a victim that serves comes to, and what it says when asked again.
fn ends(form: Form, connection: Connection) -> (End, CallError) {
    let options = options(form);
    match form {
        Form::Local => {
            let mut side = LocalSession::new(connection, &options, Answering::default());
            let end = side.serve().expect_err("a lie");
            assert_eq!(side.serve(), Err(end), "the end is final");
            (end, side.call_timeout(ECHO, b"", LONG).expect_err("it has ended"))
        }
        _ => {
            let side = Session::new(connection, &options.listener(false), Answering::default()).expect("a session");
            let end = side.serve().expect_err("a lie");
            assert_eq!(side.serve(), Err(end), "the end is final");
            assert_eq!(side.dispatch(), Err(end), "the end is final");
            (end, side.call_timeout(ECHO, b"", LONG).expect_err("it has ended"))
        }
    }
}

#[test]
fn each_lie_is_found_out() {
    for form in [Form::Local, Form::Inline, Form::Workers] {
        for (number, (expected, lie)) in LIES.into_iter().enumerate() {
            let (here, there) = ring(1 << 16).pair().expect("a pair");
            let mut here = RawSide::new(here);
            // An honest message first, and an honest half that is given up.
            here.send(call(9, Part::First, 5), b"given up");
            here.send(call(9, Part::Abort, 0), b"");
            here.send(Header::whole(Kind::Event, 9, ECHO), b"honest");
            lie(&mut here);
            let (end, error) = ends(form, there);
            let End::Corrupt(Corrupt { what, .. }) = end else { panic!("{form:?}, lie {number}: {end:?}") };
            assert_eq!(what, expected, "{form:?}, lie {number}");
            let said = [CallError::NoReply(Halt::Ended(end)), CallError::NotSent(Halt::Ended(end))];
            assert!(said.contains(&error), "{form:?}, lie {number}: {error:?}");
        }
    }
}

#[test]
fn a_side_says_hello_first_and_says_it_right() {
    let wrong: [fn(&mut [u8; 24]); 7] = [
        |bytes| bytes[0] = 2,
        |bytes| bytes[4..8].fill(0),
        |bytes| bytes[4..8].fill(0xff),
        |bytes| bytes[8..12].fill(0),
        |bytes| bytes[8] = 65,
        |bytes| bytes[12] = 1,
        |bytes| bytes[16..].fill(0xff),
    ];
    for form in [Form::Local, Form::Inline] {
        for (number, wrong) in wrong.into_iter().enumerate() {
            let (here, there) = ring(1 << 16).pair().expect("a pair");
            let (mut sender, _receiver) = here.split();
            let mut hello = HELLO.bytes();
            wrong(&mut hello);
            let bytes: Vec<u8> = Header::whole(Kind::Hello, 0, 0).bytes().into_iter().chain(hello).collect();
            sender.send(&bytes).expect("room");
            assert!(matches!(ends(form, there).0, End::Corrupt(_)), "{form:?}, hello {number}");
        }
        for kind in [Kind::Event, Kind::Call] {
            let (here, there) = ring(1 << 16).pair().expect("a pair");
            let (mut sender, _receiver) = here.split();
            sender.send(&Header::whole(kind, 1, 0).bytes()).expect("room");
            let (end, _) = ends(form, there);
            let what = "a message before the hello";
            assert!(matches!(end, End::Corrupt(lie) if lie.what == what), "{form:?}, {kind:?}: {end:?}");
        }
    }
}

/// A whole request takes a short way to its handler: its length is checked there, too.
#[test]
fn a_request_that_is_too_large_is_a_lie() {
    for form in [Form::Local, Form::Inline, Form::Workers] {
        let (here, there) = ring(1 << 16).pair().expect("a pair");
        let mut here = RawSide::new(here);
        here.send(call(1, Part::First, 0), &[7; 101]);
        let options = form.options().largest_message(100).listener(false);
        let end = match form {
            Form::Local => LocalSession::new(there, &options, ()).serve(),
            _ => Session::new(there, &options, ()).expect("a session").serve(),
        };
        assert_eq!(end, Err(too_large()), "{form:?}");
    }
}

/// What a message of 101 bytes is, where 100 are accepted.
fn too_large() -> End {
    End::Corrupt(Corrupt { what: "the length of a message", seen: 101, least: 0, most: 100 })
}

/// The reply takes a short way of its own to whoever waits for it: its length is checked there, too.
#[test]
fn a_reply_that_is_too_large_is_a_lie() {
    for form in [Form::Local, Form::Inline] {
        let (_, end) = lie_in_reply(form, |side, reply| side.send(reply, &[7; 101]));
        assert_eq!(end, too_large(), "{form:?}");
    }
}

#[test]
fn a_whole_reply_after_its_own_first_half_is_a_lie() {
    for form in [Form::Local, Form::Inline] {
        let (id, end) = lie_in_reply(form, |side, reply| {
            side.send(Header { remaining: 10, ..reply }, b"half");
            side.send(reply, b"whole");
        });
        let what = "the first frame of a message that is under way";
        assert_eq!(end, End::Corrupt(Corrupt { what, seen: id, least: 1, most: 0 }), "{form:?}");
    }
}

/// The id of a call whose peer lies in its reply, and what the session comes to.
fn lie_in_reply(form: Form, lie: impl FnOnce(&mut RawSide, Header) + Send + 'static) -> (u64, End) {
    let (here, there) = ring(1 << 16).pair().expect("a pair");
    let lying = thread::spawn(move || {
        let mut side = RawSide::new(here);
        let (Header { id, .. }, _) = side.receive_message();
        lie(&mut side, Header::whole(Kind::Reply(Status::Ok), id, 0));
        (id, side)
    });
    let options = form.options().largest_message(100);
    let error = match form {
        Form::Local => LocalSession::new(there, &options, ()).call(ECHO, b""),
        _ => Session::new(there, &options, ()).expect("a session").call(ECHO, b""),
    };
    let (id, _side) = lying.join().expect("the liar");
    let Err(CallError::NoReply(Halt::Ended(end))) = error else { panic!("{form:?}: {error:?}") };
    (id, end)
}

#[test]
fn replies_that_nobody_waits_for_are_dropped() {
    for form in SHARED {
        let (here, there) = ring(1 << 16).pair().expect("a pair");
        let side = Session::new(there, &options(form), ()).expect("a session");
        let mut here = RawSide::new(here);
        for id in [0, 1, 63, 64, 1 << 20, (1 << 48) - 1] {
            here.send(Header::whole(Kind::Reply(Status::Ok), id, 0), b"unasked");
        }
        let echo = thread::spawn(move || {
            let (header, payload) = here.receive_message();
            // The answer to another call, then twice to this one.
            here.send(Header::whole(Kind::Reply(Status::Ok), header.id + 64, 0), b"wrong");
            here.send(Header::whole(Kind::Reply(Status::Ok), header.id, 0), &payload);
            here.send(Header::whole(Kind::Reply(Status::Ok), header.id, 0), b"again");
            here
        });
        assert_eq!(side.call(ECHO, b"right"), Ok(b"right".to_vec()), "{form:?}");
        let _here = echo.join().expect("the liar");
        crate::waits::until("the late replies", || side.counters().late_replies == 8);
    }
}

#[test]
fn more_requests_than_agreed_are_overload() {
    for form in SHARED {
        let (here, there) = ring(1 << 16).pair().expect("a pair");
        let answering = Answering::default();
        let _side = Session::new(there, &options(form), answering.clone()).expect("a session");
        let mut here = RawSide::new(here);
        for id in 0..1000 {
            here.send(Header::whole(Kind::Call, id, KEEP), b"kept");
        }
        let mut declined = 0;
        // What is kept last is kept a moment after all others were declined.
        crate::waits::until("an answer to each", || {
            while let Some((header, _)) = here.receive_in(Duration::from_millis(5)) {
                let declines = [Kind::Hello, Kind::Reply(Status::Overloaded)];
                assert!(declines.contains(&header.kind), "{form:?}: {header:?}");
                declined += usize::from(header.kind != Kind::Hello);
            }
            answering.keeps() + declined >= 1000
        });
        assert_eq!(answering.keeps() + declined, 1000, "{form:?}");
        assert!((1..=8).contains(&answering.keeps()), "{form:?}: {} are kept", answering.keeps());
    }
}

#[test]
fn a_hostile_peer_cannot_make_memory_grow() {
    for form in ["Local", "Inline", "Workers"] {
        for way in ["events while nested", "halves", "requests"] {
            let directory = tempfile::TempDir::new().expect("a directory");
            let mut listener = crate::options().bind(directory.path().join("socket")).expect("a listener");
            let mut child = Child::start(
                "asks too much",
                &[("SOCKET", listener.path().as_os_str()), ("FORM", form.as_ref()), ("WAY", way.as_ref())],
            );
            let mut here = RawSide::new(listener.accept_timeout(LONG).expect("the victim"));
            flood(&mut here, way);
            drop(here);
            let grown: u64 = child.hear().parse().expect("a number");
            assert!(grown < 32 << 10, "{form}, {way}: the victim grew by {grown} KiB");
            child.finish();
        }
    }
}

/// At most 200 MB; as much as the victim takes.
fn flood(here: &mut RawSide, way: &str) {
    const SLICE: Duration = Duration::from_secs(1);
    let bytes =
        |header: Header, payload: &[u8]| header.bytes().into_iter().chain(payload.iter().copied()).collect::<Vec<_>>();
    let mut send = |frame: Vec<u8>| here.sender.send_timeout(&frame, SLICE).is_ok();
    let frame_of = |id: u64| match way {
        "events while nested" if id == 0 => bytes(Header::whole(Kind::Call, 1, NEST), &1_u64.to_le_bytes()),
        "events while nested" => bytes(Header::whole(Kind::Event, id, 0), &[7; 10_000]),
        "halves" => bytes(frame(Kind::Event, Part::First, id, 0, 60_000), &[7; 10_000]),
        _ => bytes(Header::whole(Kind::Call, id, NEST), &1_u64.to_le_bytes().repeat(1000)[..]),
    };
    (0..20_000).map(frame_of).all(&mut send);
}

/// The victim: how much it has grown, in KiB, when all is over.
pub fn asks_too_much() {
    let socket = PathBuf::from(process::argument("SOCKET"));
    let connection = crate::options().wait(WaitStrategy::Park).connect(socket, LONG).expect("the liar");
    let form = process::argument("FORM");
    let workers = if form == "Workers" { 2 } else { 0 };
    let options = SessionOptions::new().largest_message(100_000).open_messages(3).calls_in_flight(8);
    let options = options.nesting(1).workers(workers).call_timeout(Duration::from_secs(3)).listener(false);
    let nests = handlers(
        |call: &mut Call<'_>| {
            // It is never answered.
            call.call(NEST, &[]).map_err(twinring::Failure::new)?;
            Ok(())
        },
        |_: &mut Event<'_>| {},
    );
    let before = peak();
    let end = match form.to_str() {
        Some("Local") => LocalSession::new(connection, &options, nests).serve(),
        _ => Session::new(connection, &options, nests).expect("a session").serve(),
    };
    // In whatever way it ended.
    let _ = end;
    process::say(&peak().saturating_sub(before).to_string());
}

/// The most memory that this process has had so far, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the status of this process");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("its peak");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn what_a_hello_says_is_kept() {
    let (here, there) = ring(1 << 16).pair().expect("a pair");
    let _peer = RawSide::accepting(there, Hello { calls: 2, open: 1, largest: 10 });
    let here = Session::new(here, &SessionOptions::new().wait_for_turn(false), ()).expect("a session");
    assert_eq!(here.call(ECHO, &[0; 11]), Err(CallError::TooLarge { length: 11, largest: 10 }));
    let _calls = [here.begin(ECHO, b"").expect("sent"), here.begin(ECHO, b"").expect("sent")];
    assert_eq!(here.begin(ECHO, b"").map(drop), Err(CallError::Busy));
}

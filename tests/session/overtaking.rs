//! A small message overtakes a large one that is under way. Counted in bytes that came, not in time.

use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use twinring::session::header::{Header, Kind, Part, Status};
use twinring::{Session, WaitStrategy};

use crate::answering::{Answering, ECHO, MAKE, number};
use crate::raw_side::RawSide;
use crate::sides::{Form, SHARED, ring};
use crate::waits::{own_number, until};

const LARGE: usize = 64 << 20;

#[test]
fn an_event_overtakes_a_large_reply() {
    for form in SHARED {
        for wait in [WaitStrategy::Park, WaitStrategy::SpinThenPark] {
            let (here, there) = ring(1 << 20).wait(wait).pair().expect("a pair");
            let sends = Session::new(there, &form.options(), Answering::default()).expect("a session");
            let mut here = RawSide::new(here);
            here.send(Header::whole(Kind::Call, 1, MAKE), &(LARGE as u64).to_le_bytes());
            let further = bytes_before(&mut here, |number| {
                number.store(own_number(), Ordering::Relaxed);
                sends.notify(77, &7_u64.to_le_bytes()).expect("room");
            });
            assert!(further < LARGE / 10, "{form:?}, {wait:?}: the event came after {further} further bytes");
        }
    }
}

/// Receives a quarter of the reply and then nothing until the event is being sent, so that it finds the ring full and the
/// sender of the reply waiting; returns how much of the reply comes between that and the event, and sees to its end.
fn bytes_before(here: &mut RawSide, send: impl FnOnce(&AtomicI32) + Send) -> usize {
    let sending = AtomicI32::new(0);
    thread::scope(|scope| {
        let mut came = 0;
        while came < LARGE / 4 {
            came += part_of_reply(here).expect("no event yet");
        }
        let sender = scope.spawn(|| send(&sending));
        until("the sender of the event", || sending.load(Ordering::Relaxed) != 0);
        // It may have found room for a small frame where there was none for a fragment.
        until("the event to be on its way", || sender.is_finished() || is_asleep(sending.load(Ordering::Relaxed)));
        let mut further = 0;
        while let Some(length) = part_of_reply(here) {
            further += length;
        }
        let mut rest = 0;
        while came + further + rest < LARGE {
            rest += part_of_reply(here).expect("one event");
        }
        assert_eq!(came + further + rest, LARGE);
        further
    })
}

/// The length of the next part of the reply; `None` if it is the event.
fn part_of_reply(here: &mut RawSide) -> Option<usize> {
    let (header, payload) = here.receive_message();
    match header.kind {
        Kind::Reply(Status::Ok) => Some(payload.len()),
        Kind::Event => {
            assert_eq!((header.part, header.remaining, header.selector), (Part::First, 0, 77));
            assert_eq!(number(&payload), 7);
            None
        }
        other => panic!("not expected: {other:?}"),
    }
}

#[test]
fn small_calls_overtake_a_large_reply() {
    // A reply that is sent by the thread that receives, with no other, holds that thread up.
    for form in [Form::Workers] {
        let (here, there) = ring(1 << 16).pair().expect("a pair");
        let here = Session::new(here, &form.options(), Answering::default()).expect("a session");
        let _there = Session::new(there, &form.options(), Answering::default()).expect("a session");
        let large = here.begin(MAKE, &(LARGE as u64).to_le_bytes()).expect("sent");
        let mut overtook = 0;
        while !large.is_answered() {
            assert_eq!(here.call(ECHO, b"small"), Ok(b"small".to_vec()));
            overtook += 1;
        }
        assert_eq!(large.wait().expect("the large one").len(), LARGE);
        assert!(overtook >= 10, "{form:?}: only {overtook} small calls while a large reply came");
    }
}

/// Whether the thread of this process with that number sleeps, on whatever.
fn is_asleep(thread: i32) -> bool {
    let path = format!("/proc/self/task/{thread}/stat");
    std::fs::read_to_string(path).is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" S")))
}

//! Both sides send more than the rings hold: nothing is lost, and nothing stands still.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use twinring::session::header::{Header, Kind};
use twinring::{
    Call, End, Event, Failure, Halt, Handler, LocalSession, NotifyError, Session, SessionOptions, handlers,
};

use crate::answering::{Answering, CHECK, ECHO, MAKE, checksum, content};
use crate::raw_side::RawSide;
use crate::sides::{FORMS, Form, SHARED, caller, ring};
use crate::waits::{LONG, until};

/// How long this may take at most.
const LATE: Duration = Duration::from_secs(20);

#[test]
fn two_sides_that_flood_each_other_from_many_threads_lose_nothing() {
    for form in SHARED {
        let (here, there) = ring(4096).pair().expect("a pair");
        let (our, their) = (Answering::default(), Answering::default());
        let here = Session::new(here, &form.options(), our.clone()).expect("a session");
        let there = Session::new(there, &form.options(), their.clone()).expect("a session");
        let started = Instant::now();
        let sent = [&here, &there].map(|_| Mutex::new((0_u64, 0_u64)));
        thread::scope(|scope| {
            for (side, sent) in [&here, &there].into_iter().zip(&sent) {
                for thread in 0..2 {
                    scope.spawn(move || flood_with_events(side, thread, sent));
                    scope.spawn(move || flood_with_calls(side, thread));
                }
            }
        });
        assert!(started.elapsed() < LATE, "{form:?}: {:?}", started.elapsed());
        for (answering, sent) in [&their, &our].into_iter().zip(&sent) {
            until("all events", || answering.events() == *sent.lock().expect("the sum"));
        }
    }
}

fn flood_with_events(side: &Session, thread: u64, sent: &Mutex<(u64, u64)>) {
    for number in 0..3000_u64 {
        let event = content(thread * 1_000_000 + number, number as usize * 7 % 900);
        side.notify_timeout(0, &event, LONG).expect("room in the end");
        let mut sent = sent.lock().expect("the sum");
        *sent = (sent.0.wrapping_add(checksum(&event)), sent.1 + 1);
    }
}

fn flood_with_calls(side: &Session, thread: u64) {
    for number in 0..1000_u64 {
        let request = content(thread * 1_000_000 + number, number as usize * 13 % 6000);
        let sum = side.call(CHECK, &request).expect("a reply in the end");
        assert_eq!(sum, checksum(&request).to_le_bytes());
    }
}

#[test]
fn two_sides_of_one_thread_each_that_flood_each_other_lose_nothing() {
    let (here, there) = ring(4096).pair().expect("a pair");
    let flood = |connection| {
        move || {
            let answering = Answering::default();
            let mut side = LocalSession::new(connection, &Form::Local.options(), answering.clone());
            let mut sent = (0_u64, 0_u64);
            for number in 0..3000_u64 {
                let event = content(number, number as usize * 7 % 900);
                side.notify_timeout(0, &event, LONG).expect("room in the end");
                sent = (sent.0.wrapping_add(checksum(&event)), sent.1 + 1);
                if number % 3 == 0 {
                    let request = content(number, number as usize % 6000);
                    assert_eq!(side.call(CHECK, &request), Ok(checksum(&request).to_le_bytes().to_vec()));
                }
            }
            let started = Instant::now();
            while answering.events().1 < 3000 && started.elapsed() < LATE {
                side.serve_timeout(Duration::from_millis(1)).expect("a peer that waits for us");
            }
            (sent, answering.events(), side)
        }
    };
    let one = thread::spawn(flood(here));
    let (sent, taken, mut side) = flood(there)();
    while !one.is_finished() {
        side.serve_timeout(Duration::from_millis(1)).expect("a peer that waits for us");
    }
    let (their_sent, their_taken, _) = one.join().expect("the other side");
    assert_eq!((sent, their_sent), (their_taken, taken));
}

#[test]
fn large_messages_cross_in_small_rings() {
    for (ours, theirs) in FORMS.into_iter().flat_map(|ours| SHARED.map(|theirs| (ours, theirs))) {
        let (here, there) = ring(4096).pair().expect("a pair");
        let there = Session::new(there, &theirs.options(), Answering::default()).expect("a session");
        let mut here = caller(ours, here, Answering::default());
        let other = there.clone();
        let calling = thread::spawn(move || {
            for number in 0..5 {
                let request = content(number, 300_000);
                assert!(other.call(ECHO, &request).expect("an echo") == request);
            }
        });
        for number in 0..5 {
            let request = content(number, 200_000);
            assert!(here.ask(ECHO, &request).expect("an echo") == request, "{ours:?} to {theirs:?}");
        }
        // A side of one thread answers while it calls.
        while !calling.is_finished() {
            here.ask(MAKE, &10_u64.to_le_bytes()).expect("a reply");
        }
        calling.join().expect("the other side");
        drop(there);
    }
}

/// Each event makes two: no side can take in what the other sends.
#[test]
fn handlers_that_send_more_than_they_take_are_told_so() {
    let told = Mutex::new(Vec::new());
    let options = SessionOptions::new().largest_message(1 << 16).open_messages(1);
    let options = options.reply_timeout(Duration::from_millis(300));
    thread::scope(|scope| {
        let (here, there) = ring(4096).pair().expect("a pair");
        for connection in [here, there] {
            let (told, options) = (&told, &options);
            scope.spawn(move || {
                let multiply = handlers(no_calls, |event: &mut Event<'_>| {
                    for _ in 0..2 {
                        if let Err(error) = event.notify(0, &[7; 900]) {
                            told.lock().expect("what was told").push(error);
                        }
                    }
                });
                let mut side = LocalSession::new(connection, options, multiply);
                side.notify(0, b"to begin with").expect("room");
                let started = Instant::now();
                while told.lock().expect("what was told").is_empty() && started.elapsed() < LATE {
                    if side.serve_timeout(Duration::from_millis(10)).is_err() {
                        break;
                    }
                }
            });
        }
    });
    assert_congested(&told);
}

#[test]
fn handlers_of_many_threads_that_send_more_than_they_take_are_told_so() {
    for workers in [0, 2] {
        static TOLD: Mutex<Vec<NotifyError>> = Mutex::new(Vec::new());
        TOLD.lock().expect("what was told").clear();
        let (here, there) = ring(4096).pair().expect("a pair");
        let options = SessionOptions::new()
            .largest_message(1 << 16)
            .open_messages(1)
            .workers(workers)
            .reply_timeout(Duration::from_millis(300));
        let side = |connection| {
            let multiply = handlers(no_calls, |event: &mut Event<'_>| {
                for _ in 0..2 {
                    if let Err(error) = event.notify(0, &[7; 900]) {
                        TOLD.lock().expect("what was told").push(error);
                    }
                }
            });
            Session::new(connection, &options, multiply).expect("a session")
        };
        let (here, there) = (side(here), side(there));
        here.notify(0, b"to begin with").expect("room");
        there.notify(0, b"to begin with").expect("room");
        let started = Instant::now();
        while TOLD.lock().expect("what was told").is_empty() && started.elapsed() < LATE {
            thread::sleep(Duration::from_millis(1));
        }
        let told = TOLD.lock().expect("what was told").clone();
        // What stands still would not end: it is left alone.
        if told.is_empty() {
            std::mem::forget((here, there));
        }
        assert_congested(&Mutex::new(told));
    }
}

fn no_calls(_: &mut Call<'_>) -> Result<(), Failure> {
    Err(Failure::no_selector())
}

fn assert_congested(told: &Mutex<Vec<NotifyError>>) {
    let told = told.lock().expect("what was told");
    let first = told.first().expect("nobody was told: both stood still, or the memory grew");
    assert_eq!(*first, NotifyError::NotSent(Halt::Congested), "{told:?}");
}

/// A worker that does not get on: its peer has to wait, and neither loses an event nor grows for it.
#[test]
fn events_that_are_not_taken_push_back() {
    for form in FORMS {
        let (here, there) = ring(1 << 16).pair().expect("a pair");
        let gate = std::sync::Arc::new(Mutex::new(()));
        let shut = gate.lock().expect("the gate");
        let (waits, taken) = (gate.clone(), std::sync::Arc::new(Mutex::new(0_u64)));
        let count = taken.clone();
        let slow = handlers(no_calls, move |_: &mut Event<'_>| {
            drop(waits.lock().expect("the gate"));
            *count.lock().expect("the count") += 1;
        });
        let serving = thread::spawn(move || serve(form, there, slow));
        let here = Session::new(here, &SessionOptions::new(), ()).expect("a session");
        let mut sent = 0;
        while sent < 50_000 && here.notify_timeout(0, &[7; 1000], Duration::from_millis(200)).is_ok() {
            sent += 1;
        }
        drop(shut);
        assert!(sent < 5_000, "{form:?}: {sent} events of 1000 bytes wait for a handler that does not get on");
        until("all events", || *taken.lock().expect("the count") == sent);
        drop(here);
        serving.join().expect("the other side").expect("a peer that leaves in order");
    }
}

fn serve(
    form: Form,
    connection: twinring::Connection,
    handler: impl Handler + Send + Sync + 'static,
) -> Result<(), twinring::End> {
    match form {
        Form::Local => LocalSession::new(connection, &form.options(), handler).serve(),
        _ => Session::new(connection, &form.options().listener(false), handler).expect("a session").serve(),
    }
}

/// One thread waits for room while it does not lead; another, which leads, wants to send too.
#[test]
fn a_thread_that_leads_and_waits_to_send_does_not_keep_others_from_receiving() {
    let (here, there) = ring(4096).pair().expect("a pair");
    let here = Session::new(here, &SessionOptions::new(), Answering::default()).expect("a session");
    let mut there = RawSide::new(there);
    // Full from the beginning: every thread below has to wait for room, or for one that does.
    here.notify(0, &[7; 400]).expect("room, and the other side's hello");
    let mut filling = 1;
    while here.notify_timeout(0, &[7; 400], Duration::from_millis(1)).is_ok() {
        filling += 1;
    }
    // The other side takes nothing in until all of its own is taken, like one whose only thread is sending.
    thread::scope(|scope| {
        let sending: Vec<_> = (0..4)
            .map(|thread| {
                let here = here.clone();
                scope.spawn(move || match thread {
                    0 | 1 => {
                        (0..50).try_for_each(|_| here.notify_timeout(0, &[7; 400], LONG).map_err(|e| e.to_string()))
                    }
                    _ => (0..50).try_for_each(|_| {
                        here.call_timeout(ECHO, &[7; 400], LONG).map(drop).map_err(|e| e.to_string())
                    }),
                })
            })
            .collect();
        let mut stuck = false;
        for id in 0..1000 {
            let bytes: Vec<u8> = Header::whole(Kind::Event, id, 0).bytes().into_iter().chain([1; 300]).collect();
            if there.sender.send_timeout(&bytes, Duration::from_secs(5)).is_err() {
                stuck = true;
                break;
            }
        }
        // Now it answers, so that all end.
        // All of it is taken in: an event that is still on its way when this side leaves is an error of its sender.
        let mut taken = 0;
        while taken < 200 + filling && !stuck {
            let (header, payload) = there.receive_message();
            if header.kind == Kind::Call {
                let reply = Header::whole(Kind::Reply(twinring::session::header::Status::Ok), header.id, 0);
                there.send(reply, &payload);
            }
            taken += 1;
        }
        drop(there);
        let all = sending.into_iter().map(|thread| thread.join().expect("a sending thread")).collect::<Vec<_>>();
        assert!(!stuck, "nobody received");
        assert_eq!(all, [const { Ok(()) }; 4]);
    });
}

/// Its listener rests while the reply waits for room: it is told of the end all the same.
#[test]
fn a_reply_that_finds_no_room_in_time_ends_the_session() {
    for form in SHARED {
        let (here, there) = ring(4096).pair().expect("a pair");
        let options = form.options().reply_timeout(Duration::from_millis(50));
        let there = Session::new(there, &options, Answering::default()).expect("a session");
        let mut here = RawSide::new(here);
        // More than the rings hold, or a socket.
        here.send(Header::whole(Kind::Call, 1, MAKE), &(8_u64 << 20).to_le_bytes());
        assert_eq!(there.serve_timeout(LATE), Err(Halt::Ended(End::Disconnected)), "{form:?}");
    }
}

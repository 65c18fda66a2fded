//! SIGSTOP of one side: calls of the other end by their deadlines, and go on when it does.

use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use twinring::session::header::{Header, Kind};
use twinring::{CallError, End, Halt, LocalSession, Session, SessionOptions, WaitStrategy};

use crate::answering::{Answering, CHECK, ECHO, MAKE, checksum, content};
use crate::process::Child;
use crate::raw_side::RawSide;
use crate::sides::{FORMS, Form, caller, other_process, ring};

const SOON: Duration = Duration::from_millis(50);

/// Much later than any deadline here.
const LATE: Duration = Duration::from_secs(15);

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id() as i32);
    kill(pid, signal).expect("a process to signal");
    if signal == Signal::SIGSTOP {
        // It has stopped when its only parent is told so.
        nix::sys::wait::waitpid(pid, Some(nix::sys::wait::WaitPidFlag::WUNTRACED)).expect("a stopped child");
    }
}

#[test]
fn calls_end_by_their_deadlines_and_the_session_goes_on() {
    for (ours, theirs) in FORMS.into_iter().flat_map(|ours| FORMS.map(|theirs| (ours, theirs))) {
        let (_directory, child, connection) = other_process(theirs, WaitStrategy::Park, 1 << 16);
        let mut here = caller(ours, connection, ());
        assert_eq!(here.ask(ECHO, b"first"), Ok(b"first".to_vec()));
        for _ in 0..3 {
            signal(&child, Signal::SIGSTOP);
            let started = Instant::now();
            // A request that it will find in its ring.
            assert_eq!(here.ask_for(ECHO, b"late", SOON), Err(CallError::NoReply(Halt::Timeout)));
            // One that does not fit, and is given up half-way.
            let large = content(1, 1 << 20);
            assert_eq!(here.ask_for(CHECK, &large, SOON), Err(CallError::NotSent(Halt::Timeout)));
            // And one that finds the ring full.
            let error = here.ask_for(ECHO, &[7; 1000], SOON).expect_err("it has stopped");
            assert!(
                matches!(error, CallError::NotSent(Halt::Timeout) | CallError::NoReply(Halt::Timeout)),
                "{error:?}"
            );
            assert!(started.elapsed() < LATE, "{ours:?} to {theirs:?}: {:?}", started.elapsed());
            signal(&child, Signal::SIGCONT);
            assert_eq!(here.ask(CHECK, &large), Ok(checksum(&large).to_le_bytes().to_vec()), "{ours:?} to {theirs:?}");
            assert_eq!(here.ask(ECHO, b"again"), Ok(b"again".to_vec()));
        }
        drop(here);
        child.finish();
    }
}

#[test]
fn it_may_stop_at_any_moment_of_a_large_reply() {
    for (round, form) in FORMS.into_iter().cycle().take(9).enumerate() {
        let (_directory, child, connection) = other_process(form, WaitStrategy::SpinThenPark, 1 << 16);
        let mut here = caller(FORMS[round / 3], connection, ());
        assert_eq!(here.ask(ECHO, b"first"), Ok(b"first".to_vec()));
        let result = thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(1 + round as u64));
                signal(&child, Signal::SIGSTOP);
            });
            here_for(&mut *here)
        });
        if let Err(error) = result {
            assert_eq!(error, CallError::NoReply(Halt::Timeout));
        }
        signal(&child, Signal::SIGCONT);
        let length = 100_000_u64;
        let made = here.ask(MAKE, &length.to_le_bytes()).expect("it goes on");
        assert!(made == content(0, length as usize));
        drop(here);
        child.finish();
    }
}

fn here_for(here: &mut dyn crate::sides::Caller) -> Result<usize, CallError> {
    here.ask_for(MAKE, &(32_u64 << 20).to_le_bytes(), Duration::from_millis(300)).map(|reply| reply.len())
}

/// Nobody takes the reply, by the time that it may take.
#[test]
fn a_reply_that_cannot_be_sent_in_time_ends_the_session() {
    for form in FORMS {
        let (here, there) = ring(4096).pair().expect("a pair");
        let options = form.options().reply_timeout(Duration::from_millis(200));
        let (told, heard) = std::sync::mpsc::channel();
        let serving = thread::spawn(move || {
            let served = serve(form, there, &options);
            told.send(served).expect("a test that waits");
        });
        let mut here = RawSide::new(here);
        here.send(Header::whole(Kind::Call, 1, MAKE), &100_000_u64.to_le_bytes());
        let served = heard.recv_timeout(LATE);
        // What has not ended by itself ends now.
        drop(here);
        serving.join().expect("the side that answers");
        let end = served.unwrap_or_else(|_| panic!("{form:?}: it has not ended")).expect_err("not in order");
        assert!(matches!(end, End::Disconnected | End::Closed), "{form:?}: {end:?}");
    }
}

fn serve(form: Form, connection: twinring::Connection, options: &SessionOptions) -> Result<(), End> {
    match form {
        Form::Local => LocalSession::new(connection, options, Answering::default()).serve(),
        _ => {
            let options = options.clone().listener(false);
            Session::new(connection, &options, Answering::default()).expect("a session").serve()
        }
    }
}

#[test]
fn spinning_sides_keep_their_deadlines_too() {
    let (here, there) = crate::options().wait(WaitStrategy::Spin).pair().expect("a pair");
    let _there = RawSide::new(there);
    let mut here = LocalSession::new(here, &SessionOptions::new(), ());
    let started = Instant::now();
    assert_eq!(here.call_timeout(ECHO, b"", SOON), Err(CallError::NoReply(Halt::Timeout)));
    assert!((SOON..LATE).contains(&started.elapsed()));
}

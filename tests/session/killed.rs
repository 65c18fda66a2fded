//! SIGKILL of one side in each phase of a call: whoever waits on the other learns of it at once.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use twinring::session::header::{Header, Kind, Part, Status};
use twinring::{
    Call, CallError, Connection, End, Event, Failure, Halt, Handler, LocalSession, Session, SessionOptions,
    WaitStrategy,
};

use crate::answering::{Answering, CHECK, ECHO, KEEP, MAKE, NEST, STAY, content};
use crate::process::{self, Child};
use crate::raw_side::{RawSide, frame};
use crate::sides::{FORMS, Form, caller, other_process};
use crate::waits::{LONG, own_number, until, until_asleep, until_at_rest};

/// A death is known sooner than this, on however busy a machine: who is not told learns of it after 30 s, if ever.
const AT_ONCE: Duration = Duration::from_secs(10);

const DEAD: Halt = Halt::Ended(End::Disconnected);

const LARGE: u64 = 64 << 20;

/// More than the ring holds, and soon made.
const LARGE_REPLY: u64 = 4 << 20;

/// Where a process stops, to be killed there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Before it receives anything.
    Deaf,
    /// Having sent a part of its reply.
    HalfReply,
    /// Having sent a part of its request.
    HalfRequest,
    /// While it waits for its reply.
    Waits,
    /// While it is sent a large reply, of which it takes nothing.
    LargeReply,
    /// While it is called back.
    AskedBack,
    /// Having sent an event.
    Tells,
}

const PHASES: [Phase; 7] = [
    Phase::Deaf,
    Phase::HalfReply,
    Phase::HalfRequest,
    Phase::Waits,
    Phase::LargeReply,
    Phase::AskedBack,
    Phase::Tells,
];

fn victim(phase: Phase) -> (TempDir, Child, Connection) {
    let directory = TempDir::new().expect("a directory");
    let options = crate::options().wait(WaitStrategy::Park).ring_capacity(1 << 16);
    let mut listener = options.bind(directory.path().join("socket")).expect("a listener");
    let phase = format!("{phase:?}");
    let child = Child::start("calls", &[("SOCKET", listener.path().as_os_str()), ("PHASE", OsStr::new(&phase))]);
    let connection = listener.accept_timeout(LONG).expect("a client");
    (directory, child, connection)
}

/// The process that is killed: goes as far as its phase, says so, and stays there.
pub fn calls() {
    let phase = process::argument("PHASE");
    let phase = PHASES.into_iter().find(|known| phase == *format!("{known:?}")).expect("a phase");
    let options = crate::options().wait(WaitStrategy::Park).ring_capacity(1 << 16);
    let socket = PathBuf::from(process::argument("SOCKET"));
    let mut side = RawSide::new(options.connect(socket, LONG).expect("a listener"));
    match phase {
        Phase::Deaf => {}
        Phase::HalfReply => {
            let (header, _) = side.receive_message();
            let reply = frame(Kind::Reply(Status::Ok), Part::First, header.id, 0, 1 << 20);
            side.send(reply, &[7; 1000]);
        }
        Phase::HalfRequest => side.send(frame(Kind::Call, Part::First, 1, ECHO, 1 << 20), &[7; 1000]),
        Phase::Waits => side.send(Header::whole(Kind::Call, 1, KEEP), b"kept"),
        Phase::Tells => side.send(Header::whole(Kind::Event, 0, 1), b"told"),
        Phase::LargeReply => side.send(Header::whole(Kind::Call, 1, MAKE), &LARGE_REPLY.to_le_bytes()),
        Phase::AskedBack => {
            side.send(Header::whole(Kind::Call, 1, NEST), &3_u64.to_le_bytes());
            let (header, _) = side.receive_message();
            assert_eq!((header.kind, header.selector), (Kind::Call, NEST));
        }
    }
    process::say("ready");
    loop {
        thread::park();
    }
}

/// Calls, and kills the other side once `is_there` has returned; what the call came to, soon after.
fn call_and_kill(
    form: Form,
    connection: Connection,
    child: &mut Child,
    request: (u32, &[u8]),
    is_there: impl FnOnce(&mut Child, i32),
) -> CallError {
    let thread_number = AtomicI32::new(0);
    thread::scope(|scope| {
        let calling = scope.spawn(|| {
            thread_number.store(own_number(), Ordering::Relaxed);
            let mut here = caller(form, connection, ());
            let error = here.ask(request.0, request.1).expect_err("the other side dies");
            let known = Instant::now();
            let again = here.ask(ECHO, b"again").expect_err("the other side is dead");
            assert_eq!(again, CallError::NotSent(DEAD), "{form:?}: a call after the death");
            (error, known)
        });
        until("the calling thread", || thread_number.load(Ordering::Relaxed) != 0);
        is_there(child, thread_number.load(Ordering::Relaxed));
        let killed = Instant::now();
        child.kill();
        let (error, known) = calling.join().expect("the calling thread");
        let took = known.saturating_duration_since(killed);
        assert!(took < AT_ONCE, "{form:?}: known {took:?} after the death");
        error
    })
}

/// Nobody of ours calls or sends: only the listener is there to be told.
#[test]
fn a_listener_that_rests_learns_of_it() {
    let (_directory, mut child, connection) = victim(Phase::Waits);
    assert_eq!(child.hear(), "ready");
    let listener = Arc::new(AtomicI32::new(0));
    let noted = Arc::clone(&listener);
    let handler = move |_: &mut Call<'_>| {
        noted.store(own_number(), Ordering::Relaxed);
        Ok(())
    };
    let session = Session::new(connection, &SessionOptions::new(), handler).expect("a session");
    until("a call", || listener.load(Ordering::Relaxed) != 0);
    until_at_rest(listener.load(Ordering::Relaxed));
    child.kill();
    assert_eq!(session.serve_timeout(LONG), Err(DEAD));
}

/// Says who takes an event, and takes it once it is told to.
struct Slow {
    takes: mpsc::Sender<i32>,
    go_on: Mutex<mpsc::Receiver<()>>,
}

impl Handler for Slow {
    fn call(&self, _call: &mut Call<'_>) -> Result<(), Failure> {
        Ok(())
    }

    fn event(&self, _event: &mut Event<'_>) {
        self.takes.send(own_number()).expect("somebody who waits");
        self.go_on.lock().expect("no panic").recv().expect("a word");
    }
}

/// The same beside a thread of ours that waits for room: over the socket, it is that one which sees the death.
#[test]
fn a_listener_that_rests_beside_a_sender_learns_of_it() {
    // Now the one sleeps by the socket, now the other.
    (0..6).for_each(|_| rests_beside_a_sender());
}

fn rests_beside_a_sender() {
    let (_directory, mut child, connection) = victim(Phase::Tells);
    assert_eq!(child.hear(), "ready");
    let ((takes, taken), (go_on, told), (sends, sent)) = (mpsc::channel(), mpsc::channel(), mpsc::channel());
    let handler = Slow { takes, go_on: Mutex::new(told) };
    let session = Session::new(connection, &SessionOptions::new(), handler).expect("a session");
    let listener = taken.recv_timeout(LONG).expect("an event");
    thread::scope(|scope| {
        scope.spawn(|| {
            sends.send(own_number()).expect("somebody who waits");
            while session.notify(1, &[7; 1000]).is_ok() {}
        });
        until_asleep(sent.recv().expect("its number"));
        go_on.send(()).expect("a listener");
        until_asleep(listener);
        child.kill();
        assert_eq!(session.serve_timeout(LONG), Err(DEAD));
    });
}

#[test]
fn before_the_request_is_received() {
    for form in FORMS {
        let (_directory, mut child, connection) = victim(Phase::Deaf);
        assert_eq!(child.hear(), "ready");
        let is_there = |_: &mut Child, thread| until_asleep(thread);
        let error = call_and_kill(form, connection, &mut child, (ECHO, b"nobody hears it"), is_there);
        assert_eq!(error, CallError::NoReply(DEAD), "{form:?}");
    }
}

#[test]
fn in_the_handler() {
    for (ours, theirs) in FORMS.into_iter().flat_map(|ours| FORMS.map(|theirs| (ours, theirs))) {
        let (_directory, mut child, connection) = other_process(theirs, WaitStrategy::Park, 1 << 16);
        let is_there = |child: &mut Child, _| assert_eq!(child.hear(), "staying");
        let error = call_and_kill(ours, connection, &mut child, (STAY, b""), is_there);
        assert_eq!(error, CallError::NoReply(DEAD), "{ours:?} to {theirs:?}");
    }
}

#[test]
fn half_way_in_a_large_request() {
    for form in FORMS {
        let (_directory, mut child, connection) = victim(Phase::Deaf);
        assert_eq!(child.hear(), "ready");
        let request = content(0, LARGE as usize / 8);
        let is_there = |_: &mut Child, thread| until_asleep(thread);
        let error = call_and_kill(form, connection, &mut child, (CHECK, &request), is_there);
        assert_eq!(error, CallError::NotSent(DEAD), "{form:?}");
    }
}

#[test]
fn half_way_in_a_large_reply() {
    for form in FORMS {
        let (_directory, mut child, connection) = victim(Phase::HalfReply);
        let is_there = |child: &mut Child, _| assert_eq!(child.hear(), "ready");
        let error = call_and_kill(form, connection, &mut child, (ECHO, b""), is_there);
        assert_eq!(error, CallError::NoReply(DEAD), "{form:?}");
    }
}

#[test]
fn at_any_moment_of_large_messages() {
    for round in 0..24_u64 {
        let (ours, theirs) = (FORMS[round as usize % 3], FORMS[round as usize / 3 % 3]);
        let (_directory, mut child, connection) = other_process(theirs, WaitStrategy::SpinThenPark, 1 << 16);
        let request = content(round, LARGE as usize / 4);
        let length = LARGE.to_le_bytes();
        let request = if round % 2 == 0 { (CHECK, &*request) } else { (MAKE, &length[..]) };
        let is_there = |_: &mut Child, _| thread::sleep(Duration::from_micros(500 * (round + 1)));
        let error = call_and_kill(ours, connection, &mut child, request, is_there);
        let known = [CallError::NoReply(DEAD), CallError::NotSent(DEAD)];
        assert!(known.contains(&error), "{ours:?} to {theirs:?}: {error:?}");
    }
}

#[test]
fn all_threads_that_wait_learn_of_it() {
    for form in [Form::Inline, Form::Workers] {
        let (_directory, mut child, connection) = victim(Phase::Deaf);
        assert_eq!(child.hear(), "ready");
        let here = Session::new(connection, &form.options(), ()).expect("a session");
        thread::scope(|scope| {
            let numbers: Vec<_> = (0..8).map(|_| AtomicI32::new(0)).collect();
            let numbers = &*Box::leak(numbers.into_boxed_slice());
            let calling: Vec<_> = numbers
                .iter()
                .map(|number| {
                    let here = &here;
                    scope.spawn(move || {
                        number.store(own_number(), Ordering::Release);
                        (here.call(ECHO, b"nobody hears it"), Instant::now())
                    })
                })
                .collect();
            until("all calls to be sent", || here.counters().calls == 8);
            for number in numbers {
                until_asleep(number.load(Ordering::Relaxed));
            }
            let killed = Instant::now();
            child.kill();
            for thread in calling {
                let (result, known) = thread.join().expect("a calling thread");
                assert_eq!(result, Err(CallError::NoReply(DEAD)), "{form:?}");
                assert!(known.saturating_duration_since(killed) < AT_ONCE, "{form:?}");
            }
        });
    }
}

/// The other way round: the side that answers survives.
#[test]
fn whoever_answers_learns_of_it_too() {
    for phase in [Phase::HalfRequest, Phase::Waits, Phase::LargeReply, Phase::AskedBack] {
        for form in FORMS {
            let (_directory, mut child, connection) = victim(phase);
            let serving = thread::spawn(move || {
                let options = form.options();
                let served = match form {
                    Form::Local => LocalSession::new(connection, &options, Answering::default()).serve(),
                    _ => {
                        let options = options.listener(false);
                        Session::new(connection, &options, Answering::default()).expect("a session").serve()
                    }
                };
                (served, Instant::now())
            });
            assert_eq!(child.hear(), "ready");
            // Whether it has come to sleep or not, it learns of it.
            thread::sleep(Duration::from_millis(5));
            let killed = Instant::now();
            child.kill();
            let (served, known) = serving.join().expect("the side that answers");
            // A reply that could not be sent has ended the session before.
            let expected: &[_] =
                if phase == Phase::LargeReply { &[End::Disconnected, End::Closed] } else { &[End::Disconnected] };
            assert!(served.is_err_and(|end| expected.contains(&end)), "{phase:?}, {form:?}: {served:?}");
            let took = known.saturating_duration_since(killed);
            assert!(took < AT_ONCE, "{phase:?}, {form:?}: known {took:?} after the death");
        }
    }
}

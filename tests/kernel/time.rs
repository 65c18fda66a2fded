//! Time: every deadline there is, in the past, now, and too far away to be represented; and by which clock.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use twinring::{
    CallError, Connection, Halt, LocalSession, NotifyError, Options, RecvTimeoutError, Selector, SendTimeoutError,
    ServiceOptions, Session, SessionOptions, Transport, WaitStrategy, connect,
};

use crate::scenario::options;
use crate::waits::{LONG, STRATEGIES};

/// What is over at once, whatever one waits for.
const AT_ONCE: Duration = Duration::from_secs(5);

const TRANSPORTS: [Transport; 2] = [Transport::SharedMemory, Transport::Socket];

/// Times that are over: no time at all, and the least there is.
const NONE: [Duration; 2] = [Duration::ZERO, Duration::from_nanos(1)];

/// Times that never come: the longest there is, the longest that the kernel's seconds hold, and one between.
const NEVER: [Duration; 3] =
    [Duration::MAX, Duration::from_secs(i64::MAX as u64), Duration::from_secs(i64::MAX as u64 / 1_000_000_000 + 1)];

/// Moments that are over: now, and long ago.
fn over() -> [Instant; 2] {
    [Instant::now(), Instant::now().checked_sub(LONG).expect("a machine that has been up for so long")]
}

/// A moment as far away as an `Instant` can be.
fn last() -> Instant {
    let (mut last, mut step) = (Instant::now(), Duration::from_secs(1 << 62));
    while !step.is_zero() {
        match last.checked_add(step) {
            Some(later) => last = later,
            None => step /= 2,
        }
    }
    last
}

fn at_once<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = run();
    assert!(began.elapsed() < AT_ONCE, "{what} took {:?}", began.elapsed());
    result
}

fn each_pair(check: impl Fn(Connection, Connection)) {
    pairs(&STRATEGIES, check);
}

fn pairs(strategies: &[WaitStrategy], check: impl Fn(Connection, Connection)) {
    for transport in TRANSPORTS {
        for &wait in strategies {
            let (here, there) = options(transport).wait(wait).pair().expect("a pair");
            check(here, there);
        }
    }
}

#[test]
fn receiving_ends_at_once_or_waits_as_long_as_there_is() {
    each_pair(|mut here, mut there| {
        let receiver = there.ends().1;
        for none in NONE {
            assert_eq!(
                at_once("recv_timeout", || receiver.recv_timeout(none).map(drop)),
                Err(RecvTimeoutError::Timeout)
            );
        }
        for moment in over() {
            let received = at_once("recv_deadline", || receiver.recv_deadline(moment).map(drop));
            assert_eq!(received, Err(RecvTimeoutError::Timeout));
        }
        // What is there is received, however little time there was.
        for none in NONE {
            here.ends().0.send(b"there").expect("room");
            crate::waits::until("the message", || receiver.recv_timeout(none).is_ok());
        }
        std::thread::scope(|scope| {
            let (sender, _) = here.ends();
            let (asleep, number) = std::sync::mpsc::channel();
            let waiting = scope.spawn(move || {
                asleep.send(()).expect("a listener");
                NEVER.iter().for_each(|&never| assert_eq!(receiver.recv_timeout(never).expect("a message").len(), 7));
                receiver.recv_deadline(last()).map(|message| message.len())
            });
            number.recv().expect("a thread");
            (0..=NEVER.len()).for_each(|_| sender.send(b"at last").expect("room"));
            assert_eq!(waiting.join().expect("no panic"), Ok(7));
        });
    });
}

#[test]
fn sending_ends_at_once_or_waits_as_long_as_there_is() {
    each_pair(|mut here, mut there| {
        let (sender, message) = (here.ends().0, [5; 1000]);
        while sender.try_send(&message).is_ok() {}
        let mut timed_out = 0;
        for none in NONE.into_iter().cycle().take(40) {
            // Over the socket, what finds no room now may find some once it has been carried.
            timed_out += usize::from(at_once("send_timeout", || sender.send_timeout(&message, none)).is_err());
        }
        for moment in over() {
            let sent = at_once("send_deadline", || sender.send_deadline(&message, moment));
            assert!(matches!(sent, Ok(()) | Err(SendTimeoutError::Timeout)), "{sent:?}");
        }
        assert!(timed_out > 0);
        NONE.iter().for_each(|&none| at_once("reserve_timeout", || drop(sender.reserve_timeout(8, none))));
        std::thread::scope(|scope| {
            let receiver = there.ends().1;
            scope.spawn(move || while receiver.recv().is_ok_and(|message| message.len() > 1) {});
            NEVER.iter().for_each(|&never| sender.send_timeout(&message, never).expect("room"));
            NEVER.iter().for_each(|&never| sender.reserve_timeout(8, never).expect("room").commit());
            sender.send_deadline(&message, last()).expect("room");
            sender.send_timeout(&[1], Duration::MAX).expect("room");
        });
    });
}

#[test]
fn calls_end_at_once_or_wait_as_long_as_there_is() {
    let none_of =
        |result: Result<Vec<u8>, CallError>| assert!(result.is_err_and(|error| error.to_string().contains("deadline")));
    each_pair(|here, there| {
        // Nobody answers: the other side is a session that nobody serves.
        let client = Session::new(here, &SessionOptions::new().reply_timeout(Duration::MAX), ()).expect("a session");
        let mut silent = LocalSession::new(there, &SessionOptions::new().call_timeout(Duration::MAX), ());
        for none in NONE {
            none_of(at_once("call_timeout", || client.call_timeout(1, b"", none)));
            let begun = at_once("begin", || client.begin(1, b"")).expect("room");
            none_of(at_once("wait_timeout", || begun.wait_timeout(none)));
            // There is room, so it needs no time.
            drop(at_once("begin_timeout", || client.begin_timeout(1, b"", none)).expect("room"));
            let begun = client.begin(1, b"").expect("room");
            assert!(!at_once("wait_answered", || begun.wait_answered(none)));
            assert_eq!(at_once("serve_timeout", || client.serve_timeout(none)), Err(Halt::Timeout));
            let told = at_once("notify_timeout", || client.notify_timeout(1, b"", none));
            assert!(matches!(told, Ok(()) | Err(NotifyError::NotSent(_))), "{told:?}");
            none_of(at_once("call_timeout", || silent.call_timeout(1, b"", none)));
            // The other side's hello may not have come.
            let told = at_once("notify_timeout", || silent.notify_timeout(1, b"", none));
            assert!(matches!(told, Ok(()) | Err(NotifyError::NotSent(_))), "{told:?}");
            at_once("serve_timeout", || silent.serve_timeout(none)).expect("a session");
        }
        for moment in over() {
            none_of(at_once("call_deadline", || client.call_deadline(1, b"", moment)));
            none_of(at_once("call_deadline", || silent.call_deadline(1, b"", moment)));
        }
    });
}

#[test]
fn calls_may_wait_as_long_as_there_is() {
    // A session that spins has no thread of its own that receives.
    pairs(&[WaitStrategy::SpinThenPark, WaitStrategy::Park], |here, there| {
        let forever = SessionOptions::new().call_timeout(Duration::MAX).reply_timeout(Duration::MAX);
        let echo = |call: &mut twinring::Call<'_>| {
            let nested = call.call_timeout(2, b"nested", Duration::MAX).expect("a reply");
            call.reply().extend(nested);
            Ok(())
        };
        let events = |event: &mut twinring::Event<'_>| drop(event.call_timeout(2, b"", Duration::MAX));
        let _server =
            Session::new(there, &forever.clone().workers(2), twinring::handlers(echo, events)).expect("a session");
        let back = |call: &mut twinring::Call<'_>| {
            call.reply().extend_from_slice(b"back");
            Ok(())
        };
        let client = Session::new(here, &forever, back).expect("a session");
        for never in NEVER {
            assert_eq!(client.call_timeout(1, b"", never).expect("a reply"), b"back");
            assert_eq!(client.begin(1, b"").expect("room").wait_timeout(never).expect("a reply"), b"back");
            let begun = client.begin_timeout(1, b"", never).expect("room");
            assert!(begun.wait_answered(never));
            assert_eq!(begun.wait().expect("a reply"), b"back");
            client.notify_timeout(1, b"", never).expect("room");
        }
        assert_eq!(client.call_deadline(1, b"", last()).expect("a reply"), b"back");
    });
}

#[test]
fn connecting_ends_at_once_or_waits_as_long_as_there_is() {
    let directory = TempDir::new().expect("a directory");
    let socket = directory.path().join("socket");
    for transport in TRANSPORTS {
        let options = options(transport).handshake_timeout(Duration::MAX);
        for none in NONE {
            assert!(at_once("connect", || connect(&*socket, none)).is_err());
            let mut listener = options.bind(&*socket).expect("a listener");
            assert!(at_once("accept_timeout", || listener.accept_timeout(none)).is_err());
            assert!(
                over()
                    .into_iter()
                    .all(|moment| at_once("accept_deadline", || listener.accept_deadline(moment)).is_err())
            );
            assert!(at_once("connect", || options.connect(&*socket, none)).is_err());
            let over_pair = |run: &dyn Fn(std::os::fd::OwnedFd) -> bool| {
                let pair = rustix::net::socketpair(
                    rustix::net::AddressFamily::UNIX,
                    rustix::net::SocketType::SEQPACKET,
                    rustix::net::SocketFlags::CLOEXEC,
                    None,
                );
                let (one, _other) = pair.expect("a pair");
                assert!(at_once("over a socket", || run(one)));
            };
            over_pair(&|socket| twinring::connect_over(socket, none).is_err());
            over_pair(&|socket| twinring::accept_over(socket, none).is_err());
            over_pair(&|socket| options.connect_over(socket, none).is_err());
            over_pair(&|socket| options.accept_over(socket, none).is_err());
            let (one, _other) = std::os::unix::net::UnixStream::pair().expect("a pair");
            assert!(at_once("over_stream", || Options::new().over_stream(one.into(), none)).is_err());
        }
        let mut listener = options.bind(&*socket).expect("a listener");
        std::thread::scope(|scope| {
            let (options, socket) = (&options, &socket);
            for never in NEVER {
                let client = scope.spawn(move || options.connect(&**socket, never).expect("a connection"));
                drop(listener.accept_timeout(never).expect("a client"));
                drop(client.join().expect("no panic"));
            }
            let client = scope.spawn(|| options.connect(&**socket, Duration::MAX).expect("a connection"));
            drop(listener.accept_deadline(last()).expect("a client"));
            drop(client.join().expect("no panic"));
        });
    }
}

#[test]
fn services_end_at_once_or_wait_as_long_as_there_is() {
    const COUNT: Selector = Selector::new(1, 1);
    let directory = TempDir::new().expect("a directory");
    for (time, socket) in NONE.into_iter().chain(NEVER).zip(0..) {
        let (socket, never) = (directory.path().join(socket.to_string()), time > LONG);
        let hello = if never { time } else { LONG };
        let patient = SessionOptions::new().reply_timeout(Duration::MAX);
        let service =
            ServiceOptions::new().session(patient).hello_timeout(hello).linger(time.min(Duration::from_millis(1)));
        let service = service.connection(Options::new().handshake_timeout(hello)).bind(&*socket).expect("a service");
        service.handle(COUNT, |request| {
            request.reply().push(1);
            Ok(())
        });
        service.start(1).expect("a thread");
        let client =
            Session::new(connect(&*socket, LONG).expect("a service"), &SessionOptions::new(), ()).expect("a session");
        assert_eq!(client.call(COUNT.packed(), b"").expect("a reply"), [1]);
        if !never {
            let client = service.clients().pop().expect("a client");
            assert!(at_once("call_timeout", || client.call_timeout(COUNT, b"", time)).is_err());
        }
        at_once("shutdown", || service.shutdown(time));
    }
}

/// Functions that take a time, of which each is called above, in the typed calls' tests, or does no more than keep it.
const TIMED: &[(&str, &[&str])] = &[
    ("connection/connect.rs", &["connect", "connect_over", "accept_over"]),
    ("connection/listener.rs", &["accept_timeout", "accept_deadline"]),
    ("connection/options.rs", &["handshake_timeout", "connect", "connect_over", "accept_over", "over_stream"]),
    ("connection/receiver.rs", &["recv_timeout", "recv_deadline"]),
    ("connection/sender.rs", &["send_timeout", "send_deadline", "reserve_timeout"]),
    ("service/client.rs", &["call_timeout"]),
    ("service/face.rs", &["shutdown"]),
    ("service/options.rs", &["hello_timeout", "linger"]),
    ("session/handler.rs", &["call_timeout", "call_timeout"]),
    ("session/local.rs", &["call_timeout", "call_deadline", "notify_timeout", "serve_timeout"]),
    ("session/options.rs", &["call_timeout", "reply_timeout"]),
    (
        "session/shared.rs",
        &[
            "call_timeout",
            "call_deadline",
            "notify_timeout",
            "wait_timeout",
            "begin_timeout",
            "serve_timeout",
            "wait_answered",
        ],
    ),
];

#[test]
fn each_public_function_that_takes_a_time_is_known_here() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for module in ["connection", "session", "service"] {
        for entry in fs::read_dir(source.join(module)).expect("a module").flatten() {
            let text = fs::read_to_string(entry.path()).expect("a source file");
            let functions = text.split("\n    pub fn ").skip(1).chain(text.split("\npub fn ").skip(1));
            let mut timed: Vec<_> = functions.filter_map(timed).collect();
            timed.sort();
            if !timed.is_empty() {
                found.push((format!("{module}/{}", entry.file_name().display()), timed));
            }
        }
    }
    found.sort();
    let known = TIMED.iter().map(|(file, names)| {
        let mut names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        names.sort();
        ((*file).to_owned(), names)
    });
    assert_eq!(found, known.collect::<Vec<_>>());
}

/// The name of a function whose arguments have a time among them.
fn timed(text: &str) -> Option<String> {
    let (signature, _) = text.split_once(" {").unwrap_or((text, ""));
    let (name, arguments) = signature.split_once('(')?;
    let arguments = arguments.split("->").next()?;
    let takes = arguments.contains(": Duration") || arguments.contains(": Instant");
    takes.then(|| name.split('<').next().expect("a name").to_owned())
}

#[test]
fn a_strategy_that_spins_keeps_its_deadlines_too() {
    let (here, _there) = Options::new().wait(WaitStrategy::Spin).pair().expect("a pair");
    let (_, mut receiver) = here.split();
    let (began, time) = (Instant::now(), Duration::from_millis(20));
    assert_eq!(receiver.recv_timeout(time).map(drop), Err(RecvTimeoutError::Timeout));
    assert!(began.elapsed() >= time && began.elapsed() < AT_ONCE);
}

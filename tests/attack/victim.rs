//! The victim: a process that serves and calls whoever comes to one of its places, and says in the end how it fared.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use twinring::{
    AcceptError, Call, CallError, Connection, End, Event, Failure, Halt, Handler, LocalSession, Options,
    RecvTimeoutError, Selector, SendTimeoutError, Service, ServiceOptions, Session, SessionOptions, WaitStrategy,
    handlers,
};

use crate::bystander::{CALL, LOCAL, PLAIN, SERVICE, SHARED};
use crate::leaks::Held;
use crate::process;
use crate::waits::LONG;

/// How long the victim waits for anything at a time.
const PATIENCE: Duration = Duration::from_millis(20);

/// How long it is looked at when all is over.
const QUIET: Duration = Duration::from_millis(300);

/// Threads that two connections have, less than are left over if each attacker leaves one.
const FEW: usize = 6;

/// What came of it all, counted by name.
#[derive(Clone, Default)]
struct Tally(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Tally {
    fn count(&self, what: &'static str) {
        *self.0.lock().expect("no panic").entry(what).or_default() += 1;
    }

    /// The longest that anything took beyond its time, in milliseconds.
    fn late(&self, started: Instant) {
        let late = started.elapsed().saturating_sub(PATIENCE).as_millis() as u64;
        let mut counts = self.0.lock().expect("no panic");
        let longest = counts.entry("late").or_default();
        *longest = late.max(*longest);
    }

    fn end(&self, end: End) {
        self.count(match end {
            End::Closed => "closed",
            End::Disconnected => "disconnected",
            End::Corrupt(_) => "corrupt",
            _ => "other",
        });
    }
}

/// Answers with what it was asked.
pub fn echo() -> impl Handler + Send + Sync + use<> {
    handlers(
        |call: &mut Call<'_>| -> Result<(), Failure> {
            let payload = call.payload();
            call.reply().extend_from_slice(payload);
            Ok(())
        },
        |_: &mut Event<'_>| {},
    )
}

/// Plays the part. It is given two words: when those are there that are to stay, and when the attack is over.
pub fn suffers() {
    // A panic of any thread is the end, and seen.
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::abort();
    }));
    let (directory, tally) = (PathBuf::from(process::argument("DIRECTORY")), Tally::default());
    listen(&directory, PLAIN, &tally, plain);
    listen(&directory, LOCAL, &tally, local);
    listen(&directory, SHARED, &tally, shared);
    let service = serve(&directory, &tally);
    process::say("there");
    process::await_word();
    let (held, grown) = (Held::now(), anonymous());
    process::say("measured");
    process::await_word();
    let parted = |now: Held| {
        let same = (now.descriptors, now.mappings) == (held.descriptors, held.mappings);
        // The bystanders may not have had all of their threads, nor the last attacker be without.
        same && now.threads <= held.threads + FEW
    };
    let (over, busy) = (Instant::now(), used());
    while !parted(Held::now()) {
        let left = || format!("{:?} is left of the attackers, {held:?} was there before", Held::now());
        let counted = || service.clients().iter().map(|client| (client.id(), client.counters())).collect::<Vec<_>>();
        let more = || format!("{:?}, {:?} used", counted(), used() - busy);
        assert!(over.elapsed() < LONG, "{}; {}", left(), more());
        thread::sleep(PATIENCE);
    }
    let used = used();
    // Nothing is asked of it now, so a thread that still runs has been led astray.
    thread::sleep(QUIET);
    let mut said: String =
        tally.0.lock().expect("no panic").iter().map(|(name, count)| format!("{name} {count} ")).collect();
    said += &format!("grown {} busy {}", anonymous().saturating_sub(grown), (self::used() - used).as_millis());
    process::say(&said);
    drop(service);
}

/// The processor time of this process so far.
fn used() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the use of this process");
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(micros as u64)
}

/// The memory of its own that this process has, in KiB.
fn anonymous() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("the status of this process");
    let line = status.lines().find(|line| line.starts_with("RssAnon")).expect("its memory");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

fn options() -> Options {
    Options::new().ring_capacity(1 << 14).wait(WaitStrategy::Park)
}

fn session() -> SessionOptions {
    SessionOptions::new().call_timeout(PATIENCE).reply_timeout(PATIENCE).largest_message(1 << 16).calls_in_flight(8)
}

/// Has a thread take in whoever comes to a place, and another for each of them.
fn listen(directory: &Path, place: &str, tally: &Tally, treat: fn(Connection, &Tally)) {
    let (mut listener, tally) = (options().bind(directory.join(place)).expect("a listener"), tally.clone());
    thread::spawn(move || {
        loop {
            match listener.accept() {
                Ok(connection) => {
                    let tally = tally.clone();
                    tally.count("connections");
                    thread::spawn(move || treat(connection, &tally));
                }
                Err(AcceptError::Timeout) => {}
                Err(error) => panic!("{error}"),
            }
        }
    });
}

/// Messages: each is sent back.
fn plain(mut connection: Connection, tally: &Tally) {
    let (sender, receiver) = connection.ends();
    loop {
        let started = Instant::now();
        let message = match receiver.recv_timeout(PATIENCE) {
            Ok(message) => message.to_vec(),
            Err(RecvTimeoutError::Ended(end)) => return tally.end(end),
            Err(_) => {
                tally.late(started);
                continue;
            }
        };
        let started = Instant::now();
        match sender.send_timeout(&message, PATIENCE) {
            Err(SendTimeoutError::Ended(end)) => return tally.end(end),
            Err(SendTimeoutError::Timeout) => tally.late(started),
            _ => tally.count("echoed"),
        }
    }
}

/// A session of one thread, which serves and calls in turns.
fn local(connection: Connection, tally: &Tally) {
    let mut session = LocalSession::new(connection, &session(), echo());
    loop {
        let started = Instant::now();
        if let Err(end) = session.serve_timeout(PATIENCE) {
            return tally.end(end);
        }
        tally.late(started);
        if let Some(end) = judged(tally, |what| session.call(CALL, what)) {
            return tally.end(end);
        }
    }
}

/// A session that serves by itself, and calls from two threads.
fn shared(connection: Connection, tally: &Tally) {
    let session = Session::new(connection, &session().workers(1), echo()).expect("a session");
    let calls = || loop {
        if let Some(end) = judged(tally, |what| session.call(CALL, what)) {
            return end;
        }
        // Else it would do nothing but call.
        thread::sleep(Duration::from_millis(1));
    };
    let end = thread::scope(|scope| {
        let second = scope.spawn(calls);
        let first = calls();
        // Both learn of the end, though one may have had another last word.
        second.join().expect("no panic");
        first
    });
    tally.end(end);
}

/// A call that is answered, or fails in a way that is allowed; how it all ended, if it did.
fn judged(tally: &Tally, call: impl FnOnce(&[u8]) -> Result<Vec<u8>, CallError>) -> Option<End> {
    let started = Instant::now();
    let answer = call(b"are you there?");
    tally.late(started);
    tally.count(match answer {
        Ok(_) => "answered",
        Err(CallError::NotSent(Halt::Ended(end)) | CallError::NoReply(Halt::Ended(end))) => return Some(end),
        Err(CallError::NotSent(_) | CallError::NoReply(_)) => "unanswered",
        Err(_) => "declined",
    });
    None
}

/// Many sessions on two threads.
fn serve(directory: &Path, tally: &Tally) -> Service<()> {
    let (coming, going) = (tally.clone(), tally.clone());
    let service = ServiceOptions::with_data(move |_| coming.count("connections"));
    let service = service.disconnected(move |_, _| going.count("parted")).session(session()).connection(options());
    let service = service.hello_timeout(Duration::from_secs(1)).bind(directory.join(SERVICE)).expect("a service");
    service.handle(Selector::from(CALL), |request| {
        let payload = request.payload();
        request.reply().extend_from_slice(payload);
        Ok(())
    });
    service.start(2).expect("threads");
    service
}

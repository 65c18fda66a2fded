//! Calls of both sides by many threads, nested and in fragments, and events that come in their order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use fastrand::Rng;
use twinring::{Call, Connection, End, Event, Failure, Session, SessionOptions, WaitStrategy, handlers};

use crate::numbered::{self, LONGEST, mixed};
use crate::pair::{KINDS, Kind, connect, connected};
use crate::pauses::Pauses;
use crate::{amount, process};

/// Of each kind, by both sides together.
const USUAL: u64 = 10_000;
const THREADS: u64 = 4;

/// The request comes back after its number was mixed.
const ANSWER: u32 = 1;
/// The same, and the handler asks back first.
const NEST: u32 = 2;
/// The same, by another thread, later.
const LATER: u32 = 3;
/// A message of that many bytes comes back.
const LARGE: u32 = 4;
/// Which events have come of a thread: their count, and the sum of their mixed numbers.
const COUNT: u32 = 5;
/// An event: the last one.
const DONE: u32 = 6;
/// From here on, events: the number of the thread is added.
const EVENT: u32 = 100;

pub fn soak(seed: u64) {
    for (number, (kind, fewer)) in KINDS.into_iter().enumerate() {
        let (seed, calls) = (mixed(seed ^ number as u64), amount(USUAL) / fewer);
        let started = Instant::now();
        let numbers = [("TWINRING_SEED", seed), ("TWINRING_CALLS", calls)];
        let (_directory, child, connection) = connected("calls", kind, &numbers);
        let made = both(connection, kind, seed, calls);
        child.finish();
        println!("{kind:?}: {made} calls made here, as many there, in {:.1?}", started.elapsed());
    }
}

pub fn second() {
    let (connection, kind) = connect();
    both(connection, kind, !process::number("TWINRING_SEED"), process::number("TWINRING_CALLS"));
}

/// This side's share of the calls; how many it made.
fn both(connection: Connection, kind: Kind, seed: u64, calls: u64) -> u64 {
    let seen: Arc<Seen> = Arc::default();
    let options = SessionOptions::new().workers(2).nesting(64);
    let answer = {
        let seen = Arc::clone(&seen);
        move |call: &mut Call<'_>| answer(call, &seen)
    };
    let take = {
        let seen = Arc::clone(&seen);
        move |event: &mut Event<'_>| take(event, &seen)
    };
    let session = Session::new(connection, &options, handlers(answer, take)).expect("a session");
    // Two cores are not enough for more that spin.
    let threads = if kind.wait == WaitStrategy::Spin { 1 } else { THREADS };
    let each = calls / 2 / threads;
    thread::scope(|scope| {
        let session = &session;
        let calling: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || caller(session, thread, mixed(seed ^ thread), each).check(session)))
            .collect();
        serve_until(session, kind, || calling.iter().all(ScopedJoinHandle::is_finished));
    });
    session.notify(DONE, b"").expect("an event");
    serve_until(&session, kind, || seen.done.load(Ordering::Acquire));
    each * threads
}

/// A session that spins has no thread of its own for what nobody waits for.
fn serve_until(session: &Session, kind: Kind, mut over: impl FnMut() -> bool) {
    while !over() {
        if kind.wait == WaitStrategy::Spin {
            // It may have left after its last event.
            session.dispatch().map_or_else(|end| assert_eq!(end, End::Closed), drop);
        }
        thread::sleep(Duration::from_micros(50));
    }
}

/// What has come from the other side.
#[derive(Default)]
struct Seen {
    events: [Events; THREADS as usize],
    done: AtomicBool,
}

/// Events of one thread, handled by any thread at any time.
#[derive(Default)]
struct Events {
    count: AtomicU64,
    sum: AtomicU64,
}

impl Events {
    fn add(&self, number: u64) {
        self.sum.fetch_add(mixed(number), Ordering::AcqRel);
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    /// The sum may be ahead of the count.
    fn bytes(&self) -> [u8; 16] {
        let count = self.count.load(Ordering::Acquire);
        let both = u128::from(count) | u128::from(self.sum.load(Ordering::Acquire)) << 64;
        both.to_le_bytes()
    }
}

fn answer(call: &mut Call<'_>, seen: &Seen) -> Result<(), Failure> {
    let number = number(call.payload());
    match call.selector() {
        ANSWER => whole(call)?,
        NEST => {
            let asked = call.call(ANSWER, &mixed(number).to_le_bytes())?;
            call.reply_from(&mixed(self::number(&asked)).to_le_bytes());
        }
        LATER => {
            let responder = call.defer().ok_or_else(Failure::overloaded)?;
            thread::spawn(move || responder.reply(&mixed(number).to_le_bytes()));
        }
        LARGE => call.reply().resize(number as usize, number as u8),
        COUNT => call.reply_from(&seen.events[number as usize].bytes()),
        other => return Err(Failure::new(format_args!("selector {other}"))),
    }
    Ok(())
}

/// A request that is a numbered message is answered by the one that follows from its number.
fn whole(call: &mut Call<'_>) -> Result<(), Failure> {
    let number = number(call.payload());
    if call.payload().len() > 8 {
        numbered::check(number, call.payload());
    }
    call.reply_from(&mixed(number).to_le_bytes());
    Ok(())
}

fn take(event: &mut Event<'_>, seen: &Seen) {
    if event.selector() == DONE {
        seen.done.store(true, Ordering::Release);
    } else {
        seen.events[(event.selector() - EVENT) as usize].add(number(event.payload()));
    }
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"))
}

/// The events that one thread has sent.
struct Told {
    thread: u64,
    events: u64,
}

impl Told {
    /// None is left out and none comes twice.
    fn check(&self, session: &Session) {
        let (deadline, thread) = (Instant::now() + Duration::from_secs(20), self.thread.to_le_bytes());
        let seen = loop {
            let seen = session.call(COUNT, &thread).expect("an answer");
            // A worker may still be at the last ones.
            if number(&seen) >= self.events || Instant::now() > deadline {
                break seen;
            }
        };
        let sum = (0..self.events).fold(0, |sum: u64, number| sum.wrapping_add(mixed(number)));
        assert_eq!((number(&seen), number(&seen[8..])), (self.events, sum), "events of thread {}", self.thread);
    }
}

/// What one thread does to the other side.
fn caller(session: &Session, thread: u64, seed: u64, calls: u64) -> Told {
    let (mut random, mut pauses) = (Rng::with_seed(seed), Pauses::new(seed));
    let (mut room, mut reply) = (vec![0; LONGEST], Vec::new());
    let mut told = Told { thread, events: 0 };
    for _ in 0..calls {
        pauses.now_and_then();
        let number = random.u64(..);
        match random.u32(..100) {
            0..80 => {
                let length = numbered::write(number, &mut room);
                session.call_into(ANSWER, &room[..length], &mut reply).expect("a reply");
                assert_eq!(reply, mixed(number).to_le_bytes());
            }
            80..85 => {
                let nested = session.call(NEST, &number.to_le_bytes()).expect("a reply");
                assert_eq!(nested, mixed(mixed(mixed(number))).to_le_bytes());
            }
            85..98 => {
                let first = session.begin(ANSWER, &number.to_le_bytes()).expect("sent");
                session.notify(EVENT + thread as u32, &told.events.to_le_bytes()).expect("an event");
                told.events += 1;
                assert_eq!(first.wait().expect("a reply"), mixed(number).to_le_bytes());
            }
            98 => assert_eq!(session.call(LATER, &number.to_le_bytes()).expect("a reply"), mixed(number).to_le_bytes()),
            _ => {
                let length = number % 100_000;
                let large = session.call(LARGE, &length.to_le_bytes()).expect("a reply");
                assert!(large.len() as u64 == length && large.iter().all(|&byte| byte == length as u8));
            }
        }
    }
    told
}

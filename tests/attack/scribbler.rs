//! The attacker: connects, lets one thread call honestly while another scribbles, and comes again when it is parted with.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use twinring::{
    Call, CallError, Connection, Event, Halt, Options, RecvTimeoutError, SendTimeoutError, Session, SessionOptions,
    WaitStrategy, handlers,
};

use crate::bystander::{CALL, PLAIN};
use crate::grip::Grip;
use crate::process;
use crate::random::Random;
use crate::scribble::{Scribble, WAYS};
use crate::waits::LONG;

/// How long one thing that it says may take.
const MOMENT: Duration = Duration::from_millis(10);

/// How long one connection is kept at most: as many as possible are wanted.
const VISIT: Duration = Duration::from_millis(40);

/// Plays the part; says what it did.
pub fn attacks() {
    let (socket, kind) = (PathBuf::from(process::argument("SOCKET")), process::argument("KIND"));
    let (seed, time) = (process::number("SEED"), Duration::from_millis(process::number("MILLIS")));
    let mut random = Random::new(seed);
    let (mut connections, mut words, mut calls) = (0, 0, 0);
    for (_, way) in WAYS {
        let end = Instant::now() + time;
        while Instant::now() < end {
            let options = Options::new().ring_capacity(1 << 14).wait(WaitStrategy::Park);
            // A victim that has just parted with many may be busy, and is not to be blamed for it.
            let Ok(connection) = options.connect(socket.clone(), LONG) else { continue };
            connections += 1;
            let (written, said) = visit(Side::new(connection, kind == PLAIN), way, random.word());
            words += written;
            calls += said;
        }
    }
    process::say(&format!("connections {connections} words {words} calls {calls}"));
}

/// One connection: how many words were scribbled, and how many honest things said.
fn visit(mut side: Side, way: Scribble, seed: u64) -> (u64, u64) {
    let (grip, over) = (Grip::of_the_library(), AtomicBool::new(false));
    // The half is mapped until the scribbling is over: `side` outlives the scope.
    thread::scope(|scope| {
        let scribbling = scope.spawn(|| scribble(&grip, way, seed, &over));
        let said = side.talk(&mut Random::new(seed));
        over.store(true, Ordering::Relaxed);
        (scribbling.join().expect("no panic"), said)
    })
}

fn scribble(grip: &Grip, way: Scribble, seed: u64, over: &AtomicBool) -> u64 {
    let mut random = Random::new(seed);
    // Some lies wait until the connection is in use.
    thread::sleep(Duration::from_micros(random.below(3000) as u64));
    let mut words = 0;
    while !over.load(Ordering::Relaxed) {
        words += (0..random.below(64)).map(|_| way(grip, &mut random)).sum::<u64>();
        thread::yield_now();
    }
    words
}

/// What behaves, while its half is scribbled over.
enum Side {
    Plain(Box<Connection>),
    Session(Session),
}

impl Side {
    fn new(connection: Connection, plain: bool) -> Self {
        if plain {
            return Self::Plain(Box::new(connection));
        }
        let echo = handlers(
            |call: &mut Call<'_>| {
                let payload = call.payload();
                call.reply().extend_from_slice(payload);
                Ok(())
            },
            |_: &mut Event<'_>| {},
        );
        Self::Session(Session::new(connection, &SessionOptions::new().call_timeout(MOMENT), echo).expect("a session"))
    }

    /// Says things until the visit is over or the other side has had enough; how many.
    fn talk(&mut self, random: &mut Random) -> u64 {
        let (end, mut said) = (Instant::now() + VISIT, 0);
        while Instant::now() < end && self.say(&vec![7; random.below(3000)]) {
            said += 1;
        }
        said
    }

    /// Says one thing and takes the answer in; `false` if there will be none any more.
    fn say(&mut self, what: &[u8]) -> bool {
        match self {
            Self::Plain(connection) => {
                let (sender, receiver) = connection.ends();
                let sent = sender.send_timeout(what, MOMENT);
                let heard = receiver.recv_timeout(MOMENT).map(drop);
                !matches!(sent, Err(SendTimeoutError::Ended(_))) && !matches!(heard, Err(RecvTimeoutError::Ended(_)))
            }
            Self::Session(session) => !matches!(
                session.call(CALL, what),
                Err(CallError::NotSent(Halt::Ended(_)) | CallError::NoReply(Halt::Ended(_)))
            ),
        }
    }
}

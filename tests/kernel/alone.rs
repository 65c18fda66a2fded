//! Sessions that one thread owns each, and what answers them: one that sleeps until something comes, or a poll loop.

use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use twinring::{Call, Connection, End, Failure, LocalSession, Readiness, SessionOptions, Transport, WaitStrategy};

use crate::scenario::{
    LONG, NOTHING, Outcome, TRANSPORTS, chain, connect, expect, expect_rest, options, processor_time, step,
};

type Answer = fn(&mut Call<'_>) -> Result<(), Failure>;
type Alone = LocalSession<Answer>;

/// The thread that serves a session: in the end, how many events it has taken.
type Serving = JoinHandle<Result<u64, String>>;

/// Starts that thread: it waits in one way or the other.
type Way = fn(Alone) -> Result<Serving, String>;

const WAYS: [(&str, Way); 2] = [("asleep", sleeping), ("polling", polling)];

/// What was set up for one way of waiting.
pub struct Scene {
    way: &'static str,
    over: Transport,
    /// Two sessions of this process.
    answered: Result<Answered, String>,
    /// A session with the peer.
    mirrored: Result<Serving, String>,
}

/// Sessions for each transport and way, with the peer at `socket`, too.
pub fn scenes(socket: &Path) -> Vec<Scene> {
    let each = TRANSPORTS.into_iter().flat_map(|over| WAYS.map(|(name, way)| (over, name, way)));
    let scene = |(over, name, way)| Scene {
        way: name,
        over,
        answered: answered(over, way),
        mirrored: mirrored(socket, over, way),
    };
    each.map(scene).collect()
}

/// Plays all but the last step, which is returned: it needs a peer that has been killed.
pub fn play(scene: Scene) -> impl FnOnce() {
    let Scene { way, over, answered, mirrored } = scene;
    step(&format!("calls one {way}"), over, || calls(answered?));
    move || step(&format!("outlives {way}"), over, || outlive(mirrored?))
}

/// Answers with the request.
const ECHO: u32 = 1;

/// Calls back, and answers with what that says.
const BACK: u32 = 2;

/// A session, and what answers it.
struct Answered {
    here: Alone,
    there: Serving,
}

fn answer(call: &mut Call<'_>) -> Result<(), Failure> {
    let payload = call.payload();
    let reply = if call.selector() == BACK { call.call(ECHO, payload)? } else { payload.to_vec() };
    call.reply().extend(reply);
    Ok(())
}

fn session(connection: Connection) -> Alone {
    LocalSession::new(connection, &SessionOptions::new().call_timeout(LONG), answer)
}

/// Two sessions, the other of which waits in that way.
fn answered(over: Transport, way: Way) -> Result<Answered, String> {
    let (here, there) = options(over).wait(WaitStrategy::Park).pair().map_err(chain)?;
    Ok(Answered { here: session(here), there: way(session(there))? })
}

/// Serves, asleep in between.
fn sleeping(mut session: Alone) -> Result<Serving, String> {
    Ok(thread::spawn(move || {
        session.serve().map_err(chain)?;
        Ok(session.counters().events_taken)
    }))
}

/// Serves from a poll loop.
fn polling(session: Alone) -> Result<Serving, String> {
    let poll = Poll::new().map_err(chain)?;
    poll.registry()
        .register(&mut SourceFd(&session.as_fd().as_raw_fd()), Token(0), Interest::READABLE)
        .map_err(chain)?;
    Ok(thread::spawn(move || serve_polling(session, poll)))
}

/// Serves whenever something shows, without a deadline: the end must show, too.
fn serve_polling(mut session: Alone, mut poll: Poll) -> Result<u64, String> {
    let mut events = Events::with_capacity(1);
    loop {
        match session.dispatch() {
            Ok(_) => {}
            Err(End::Closed) => return Ok(session.counters().events_taken),
            Err(end) => return Err(chain(end)),
        }
        if session.arm().map_err(chain)? == Readiness::Armed {
            poll.poll(&mut events, None).map_err(chain)?;
        }
    }
}

/// Calls there and back, and events; then the other side leaves, too.
fn calls(answered: Answered) -> Outcome {
    let Answered { mut here, there } = answered;
    let outcome = call_and_rest(&mut here);
    let told = here.counters().events;
    drop(here);
    let taken = there.join().map_err(|_| "PANIC of what answers")?;
    outcome?;
    expect("the events", taken? == told)
}

fn call_and_rest(here: &mut Alone) -> Outcome {
    for length in [0, 24, 5_000, 200_000] {
        let request = vec![7; length];
        here.notify(0, &request).map_err(chain)?;
        expect("a reply", here.call(ECHO, &request).map_err(chain)? == request)?;
        expect("a reply after a call back", here.call(BACK, &request).map_err(chain)? == request)?;
    }
    let (began, busy) = (Instant::now(), processor_time());
    expect("nothing", !here.serve_timeout(NOTHING).map_err(chain)?)?;
    expect("the deadline", began.elapsed() >= NOTHING)?;
    expect_rest(busy)
}

/// A session with the peer, and what serves it: as that echoes, it greets as it was greeted, and what is called there comes back to
/// be answered here.
fn mirrored(socket: &Path, over: Transport, way: Way) -> Result<Serving, String> {
    let mut session = session(connect(socket, options(over).wait(WaitStrategy::Park))?);
    expect("a mirror", session.call(ECHO, b"who").map_err(chain)? == b"who")?;
    way(session)
}

/// Whether what serves such a session has learned that the peer has died.
fn outlive(serving: Serving) -> Outcome {
    match serving.join() {
        Ok(Err(end)) if end == chain(End::Disconnected) => Ok(()),
        Ok(Err(other)) => Err(other),
        Ok(Ok(_)) => Err(chain(End::Closed)),
        Err(_) => Err("PANIC of what serves".to_owned()),
    }
}

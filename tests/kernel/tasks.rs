//! What tasks do with ends and sessions, on runtimes of both kinds: all is set up, and used later.

use std::fs;
use std::future::Future;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};
use twinring::asynchronous::{Receiver, Request, Sender, Session, split};
use twinring::{Connection, End, Failure, Options, SessionOptions, Transport, WaitStrategy};

use crate::peer;
use crate::scenario::{
    LONG, NOTHING, Outcome, TRANSPORTS, chain, connect, expect, expect_rest, options, processor_time, step,
};

/// Answers with the request.
const ECHO: u32 = 1;

type Ends = (Sender, Receiver);

/// A runtime, and what was set up on it.
struct Scene {
    runtime: Runtime,
    on: &'static str,
    over: Transport,
    /// With the peer: to talk, and to outlive it.
    talks: Result<Ends, String>,
    left: Result<Ends, String>,
    mirrored: Result<Session, String>,
    /// With each other.
    sessions: Result<(Session, Session), String>,
}

/// The steps, with the peer at `socket`, and a call of `between` once all is set up.
pub fn play_later(socket: &Path, between: fn()) {
    let runtimes = TRANSPORTS.map(|over| (over, runtimes()));
    note_events_of_runtimes();
    let each = runtimes.into_iter().flat_map(|(over, both)| both.map(|on| (on, over)));
    let scenes: Vec<_> = each.map(|(on, over)| scene(socket, on, over)).collect();
    between();
    let left: Vec<_> = scenes.into_iter().map(play).collect();
    // The peer dies once: everybody who is connected learns of it.
    left.into_iter().for_each(|run| run());
}

/// The descriptors by which runtimes wake themselves, a bit each.
static OF_RUNTIMES: AtomicU64 = AtomicU64::new(0);

/// Whether that is an event of a runtime's, which panics where it cannot raise it.
pub fn is_of_runtimes(file: u64) -> bool {
    file < u64::from(u64::BITS) && OF_RUNTIMES.load(Ordering::SeqCst) >> file & 1 == 1
}

/// Notes the events that there are: no others were made yet.
fn note_events_of_runtimes() {
    for file in fs::read_dir("/proc/self/fd").expect("descriptors").flatten() {
        let number: u32 = file.file_name().to_str().and_then(|name| name.parse().ok()).expect("a number");
        if fs::read_link(file.path()).is_ok_and(|what| what.to_string_lossy().contains("eventfd")) {
            OF_RUNTIMES.fetch_or(1 << number, Ordering::SeqCst);
        }
    }
}

fn runtimes() -> [(&'static str, Runtime); 2] {
    let one = Builder::new_current_thread().enable_all().build();
    let two = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    [("on one thread", one.expect("a runtime")), ("on two threads", two.expect("a runtime"))]
}

fn scene(socket: &Path, (on, runtime): (&'static str, Runtime), over: Transport) -> Scene {
    // Not to spin, which tasks cannot.
    let options = options(over).wait(WaitStrategy::Park);
    let (talks, left, mirrored, sessions) = runtime.block_on(async {
        let ends = || split(connect(socket, options.clone())?).map_err(chain);
        (ends(), ends(), mirrored(socket, &options).await, sessions(&options).await)
    });
    Scene { runtime, on, over, talks, left, mirrored, sessions }
}

/// Plays all but the last steps, which are returned.
fn play(scene: Scene) -> impl FnOnce() {
    let Scene { runtime, on, over, talks, left, mirrored, sessions } = scene;
    step(&format!("talks {on}"), over, || run(&runtime, converse(talks?)));
    step(&format!("calls {on}"), over, || run(&runtime, calls(sessions?)));
    move || {
        step(&format!("outlives {on}"), over, || run(&runtime, outlive(left?)));
        step(&format!("outlives by a session {on}"), over, || run(&runtime, outlive_by_session(mirrored?)));
    }
}

/// Runs a step as a task.
fn run(runtime: &Runtime, work: impl Future<Output = Outcome> + Send + 'static) -> Outcome {
    let done = runtime.block_on(runtime.spawn(async { timeout(LONG, work).await }));
    done.map_err(|panic| format!("PANIC {panic}"))?.unwrap_or_else(|_| Err("WRONG: it hangs".to_owned()))
}

async fn echo(request: Request) -> Result<Vec<u8>, Failure> {
    Ok(request.into_payload())
}

fn session(connection: Connection) -> Result<Session, String> {
    Session::new(connection, &SessionOptions::new().call_timeout(LONG), echo).map_err(chain)
}

/// Two sessions, which are waiting for something to come.
async fn sessions(options: &Options) -> Result<(Session, Session), String> {
    let (here, there) = options.pair().map_err(chain)?;
    let (here, there) = (session(here)?, session(there)?);
    expect("a reply", here.call(ECHO, b"who").await.map_err(chain)? == b"who")?;
    Ok((here, there))
}

/// A session with the peer: as that echoes, it greets as it was greeted, and what is called there comes back to be answered here.
async fn mirrored(socket: &Path, options: &Options) -> Result<Session, String> {
    let session = session(connect(socket, options.clone())?)?;
    expect("a mirror", session.call(ECHO, b"who").await.map_err(chain)? == b"who")?;
    Ok(session)
}

/// Messages of several sizes there and back, one that comes late, none, and the end.
async fn converse((mut sender, mut receiver): Ends) -> Outcome {
    for number in 0..20_u8 {
        let message = vec![number; usize::from(number) * 150];
        sender.send(&message).await.map_err(chain)?;
        expect("the echo", receiver.recv().await.map_err(chain)?.to_vec() == message)?;
    }
    sender.send(peer::LATE).await.map_err(chain)?;
    expect("the late echo", receiver.recv().await.map_err(chain)?.to_vec() == peer::LATE)?;
    let (began, busy) = (Instant::now(), processor_time());
    if let Ok(received) = timeout(NOTHING, receiver.recv()).await {
        return Err(received.map_or_else(chain, |message| format!("WRONG: {} bytes", message.len())));
    }
    expect("the deadline", began.elapsed() >= NOTHING)?;
    expect_rest(busy)?;
    sender.finish().await.map_err(chain)
}

/// Calls both ways and events, large ones and small ones, and the end.
async fn calls((here, there): (Session, Session)) -> Outcome {
    for length in [0, 24, 5_000, 200_000] {
        let request = vec![7; length];
        here.notify(0, &request).await.map_err(chain)?;
        expect("a reply", here.call(ECHO, &request).await.map_err(chain)? == request)?;
        expect("a reply back", there.call(ECHO, &request).await.map_err(chain)? == request)?;
    }
    expect("the events", there.counters().events_taken == here.counters().events)?;
    let busy = processor_time();
    sleep(NOTHING).await;
    expect_rest(busy)?;
    here.close().await.map_err(chain)?;
    there.ended().await.map_err(chain)
}

/// Learns that the peer has died.
async fn outlive((mut sender, mut receiver): Ends) -> Outcome {
    // It may be dead already.
    let _ = sender.send(peer::DIE).await;
    match receiver.recv().await {
        Err(End::Disconnected) => Ok(()),
        Err(end) => Err(chain(end)),
        Ok(message) => Err(format!("WRONG: {} bytes of the dead", message.len())),
    }
}

/// The same of a session, which does nothing meanwhile.
async fn outlive_by_session(session: Session) -> Outcome {
    match session.ended().await {
        Err(End::Disconnected) => Ok(()),
        other => Err(chain(other.err().unwrap_or(End::Closed))),
    }
}

//! All that a process does with the library, in steps that each come to an outcome.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use twinring::{
    Call, Connection, End, Options, RecvTimeoutError, Selector, Service, ServiceOptions, Session, SessionOptions,
    Transport, WaitStrategy,
};

use crate::alone;
use crate::peer;
use crate::waits::STRATEGIES;

/// What the steps have come to so far, in the order of their ends.
pub static OUTCOMES: Mutex<Vec<(String, Result<(), String>)>> = Mutex::new(Vec::new());

/// How long anything is waited for, on however busy a machine.
pub const LONG: Duration = Duration::from_secs(10);

/// How long a wait for nothing is.
pub const NOTHING: Duration = Duration::from_millis(40);

/// Of waits for nothing, this much may be spent computing; spinning ones apart.
const BUSY: Duration = Duration::from_millis(25);

pub const TRANSPORTS: [Transport; 2] = [Transport::SharedMemory, Transport::Socket];

/// What a wait must not be, and how that is told.
const BUSY_WAIT: &str = "a busy loop";
pub const BUSY_LOOP: &str = "WRONG: a busy loop";

pub type Outcome = Result<(), String>;

/// All steps, with the peer at `socket` and room for other sockets beside it.
pub fn play(socket: &Path) {
    play_with(socket, LONG);
}

/// The same with that much patience of the service's client, which some refusals leave without an answer.
pub fn play_with(socket: &Path, patience: Duration) {
    converse_all(socket);
    for transport in TRANSPORTS {
        step("calls", transport, || calls(sessions(&options(transport))?));
        let own = socket.with_extension(transport.to_string().replace(' ', "-"));
        step("serves", transport, || serves(service(&options(transport), &own, patience)?));
    }
    // The peer dies once: everybody who is connected learns of it.
    let left = TRANSPORTS.map(|transport| (transport, connect(socket, options(transport))));
    left.into_iter().for_each(|(transport, connection)| step("outlives", transport, || outlive(connection?)));
}

/// The same steps in two halves: all is set up, then `between` is called, and then it is used.
pub fn play_later(socket: &Path, between: fn()) {
    let each_way = TRANSPORTS.into_iter().flat_map(|transport| STRATEGIES.map(|wait| (transport, wait)));
    let talks: Vec<_> = each_way.map(|(over, wait)| (over, wait, connect(socket, options(over).wait(wait)))).collect();
    let sessions = TRANSPORTS.map(|over| (over, sessions(&options(over))));
    let own = |over: Transport| socket.with_extension(over.to_string().replace(' ', "-"));
    let services = TRANSPORTS.map(|over| (over, service(&options(over), &own(over), LONG)));
    let alone = alone::scenes(socket);
    let left = TRANSPORTS.map(|over| (over, connect(socket, options(over))));
    between();
    talks.into_iter().for_each(|(over, wait, connection)| step("talks", over, || converse(connection?, wait)));
    sessions.into_iter().for_each(|(over, sessions)| step("calls", over, || calls(sessions?)));
    services.into_iter().for_each(|(over, service)| step("serves", over, || serves(service?)));
    let alone: Vec<_> = alone.into_iter().map(alone::play).collect();
    left.into_iter().for_each(|(over, connection)| step("outlives", over, || outlive(connection?)));
    alone.into_iter().for_each(|outlive| outlive());
}

/// The steps that do nothing but talk, in each way of waiting.
pub fn converse_all(socket: &Path) {
    for transport in TRANSPORTS {
        for wait in STRATEGIES {
            step("talks", transport, || converse(connect(socket, options(transport).wait(wait))?, wait));
        }
    }
}

/// What all connections here are made with.
pub fn options(transport: Transport) -> Options {
    Options::new().transport(transport).ring_capacity(1 << 16)
}

/// Runs a step, and notes what it came to.
pub fn step(name: &str, transport: Transport, run: impl FnOnce() -> Outcome) {
    let outcome = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(format!("PANIC {}", text(&*panic))));
    OUTCOMES.lock().expect("no panic").push((format!("{name} over {transport}"), outcome));
}

fn text(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<String>().map_or_else(|| panic.downcast_ref().copied().unwrap_or("?"), String::as_str)
}

/// An error and its causes.
pub fn chain(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

pub fn connect(socket: &Path, options: Options) -> Result<Connection, String> {
    options.connect(socket, LONG).map_err(chain)
}

pub fn expect(what: &str, right: bool) -> Outcome {
    if right { Ok(()) } else { Err(format!("WRONG: {what}")) }
}

/// Messages of several sizes there and back, one that is slept for, and none.
fn converse(connection: Connection, wait: WaitStrategy) -> Outcome {
    let (mut sender, mut receiver) = connection.split();
    for number in 0..20_u8 {
        let message = vec![number; usize::from(number) * 150];
        sender.send(&message).map_err(chain)?;
        expect("the echo", receiver.recv_timeout(LONG).map_err(chain)?.to_vec() == message)?;
    }
    sender.send(peer::LATE).map_err(chain)?;
    expect("the late echo", receiver.recv_timeout(LONG).map_err(chain)?.to_vec() == peer::LATE)?;
    let (began, busy) = (Instant::now(), processor_time());
    match receiver.recv_timeout(NOTHING) {
        Err(RecvTimeoutError::Timeout) => {}
        other => return Err(other.map_or_else(chain, |message| format!("WRONG: {} bytes", message.len()))),
    }
    expect("the deadline", began.elapsed() >= NOTHING)?;
    expect(BUSY_WAIT, wait == WaitStrategy::Spin || processor_time() - busy <= BUSY)
}

/// The processor time of this process so far.
pub fn processor_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the use of this process");
    [usage.user_time(), usage.system_time()]
        .iter()
        .map(|time| Duration::new(time.tv_sec() as u64, time.tv_usec() as u32 * 1000))
        .sum()
}

/// Two sessions of this process that echo.
fn sessions(options: &Options) -> Result<(Session, Session), String> {
    let (here, there) = options.clone().wait(WaitStrategy::SpinThenPark).pair().map_err(chain)?;
    let echo = |call: &mut Call<'_>| {
        let request = call.payload().to_vec();
        call.reply().extend(request);
        Ok(())
    };
    let session = |connection, workers| {
        let options = SessionOptions::new().workers(workers).call_timeout(LONG);
        Session::new(connection, &options, echo).map_err(chain)
    };
    Ok((session(here, 0)?, session(there, 1)?))
}

/// Calls both ways, large ones and small ones.
fn calls((one, other): (Session, Session)) -> Outcome {
    for length in [0, 24, 5_000, 200_000] {
        let request = vec![7; length];
        expect("a reply", one.call(1, &request).map_err(chain)? == request)?;
        expect("a reply back", other.call(1, &request).map_err(chain)? == request)?;
    }
    idle()
}

/// Does nothing, and looks whether others do as little.
fn idle() -> Outcome {
    let (began, busy) = (Instant::now(), processor_time());
    while began.elapsed() < NOTHING {
        // Not `sleep`, which panics if it is refused.
        std::thread::park_timeout(NOTHING);
    }
    expect_rest(busy)
}

/// Whether a wait computed next to nothing, which began when the processor time was `before`.
pub fn expect_rest(before: Duration) -> Outcome {
    expect(BUSY_WAIT, processor_time() - before <= BUSY)
}

const COUNT: Selector = Selector::new(1, 1);

/// A service and its client.
fn service(options: &Options, socket: &Path, patience: Duration) -> Result<(Service, Session), String> {
    let service = ServiceOptions::new().connection(options.clone()).bind(PathBuf::from(socket)).map_err(chain)?;
    service.handle(COUNT, |request| {
        let length = request.payload().len() as u32;
        request.reply().extend_from_slice(&length.to_le_bytes());
        Ok(())
    });
    service.start(1).map_err(chain)?;
    let options = options.clone().wait(WaitStrategy::Park).handshake_timeout(LONG);
    let connection = options.connect(socket, patience).map_err(chain)?;
    let client = Session::new(connection, &SessionOptions::new().call_timeout(LONG), ()).map_err(chain)?;
    Ok((service, client))
}

/// A call of it, and its end.
fn serves((service, client): (Service, Session)) -> Outcome {
    expect("the count", client.call(COUNT.packed(), b"four").map_err(chain)? == 4_u32.to_le_bytes())?;
    idle()?;
    drop(client);
    expect("a service that ends", service.shutdown(LONG) == 0)
}

/// Learns that the peer has died.
fn outlive(connection: Connection) -> Outcome {
    let (mut sender, mut receiver) = connection.split();
    // It may be dead already.
    let _ = sender.send(peer::DIE);
    match receiver.recv_timeout(LONG) {
        Err(RecvTimeoutError::Ended(End::Disconnected)) => Ok(()),
        other => Err(format!("WRONG: the death: {:?}", other.map(|message| message.len()))),
    }
}

//! Two programs that lie in one directory and therefore find each other, whichever starts first. Both call the other from
//! several threads at once, and answer what it asks. This one is the client; `generic_ipc_server.rs` is the other.
//!
//! `cargo run --example generic_ipc_client`, and in another terminal `cargo run --example generic_ipc_server`. An argument is
//! how many seconds the slow work takes.

use std::error::Error;
use std::fmt::Display;
use std::io::Write;
use std::process::{self, ExitCode};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, thread};

use twinring::{Call, CallError, Endpoint, Failure, Session, SessionOptions, connect};

/// What the client may ask of the server.
const CAPITALS: u32 = 1;
const SLOW_WORK: u32 = 2;

/// What the server may ask of the client.
const PROCESS: u32 = 1;
const PROGRESS: u32 = 2;

/// Threads that ask the server something, and how often each does.
const ASKING: u32 = 3;
const CALLS: u32 = 4;

/// How long the server may take to be there.
const PATIENCE: Duration = Duration::from_secs(5);

/// Replies that have come.
static REPLIES: AtomicU32 = AtomicU32::new(0);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("client {}: {error}", process::id());
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let seconds = env::args().nth(1).unwrap_or("1".to_owned());
    say(format!("waits {} s for a server", PATIENCE.as_secs()));
    let connection = connect(Endpoint::beside_exe()?, PATIENCE)?;
    say(format!("the server is process {}", connection.peer().pid.unwrap_or(0)));

    let session = Session::new(connection, &SessionOptions::new(), answer)?;
    thread::scope(|scope| {
        let (session, seconds) = (&session, &seconds);
        let slow = scope.spawn(move || ask_for_slow_work(session, seconds));
        let threads = (1..=ASKING).map(|number| scope.spawn(move || ask(session, number))).collect::<Vec<_>>();
        threads.into_iter().chain([slow]).try_for_each(|thread| thread.join().expect("a thread that does not panic"))
    })
    .map_err(|error| format!("a call failed: {error}"))?;
    say(format!("is done, with {} replies", REPLIES.load(Ordering::Relaxed)));
    Ok(())
}

/// Answers the server.
fn answer(call: &mut Call<'_>) -> Result<(), Failure> {
    match call.selector() {
        PROCESS => write!(call.reply(), "{}", process::id())?,
        PROGRESS => write!(call.reply(), "that {} replies have come", REPLIES.load(Ordering::Relaxed))?,
        _ => return Err(Failure::no_selector()),
    }
    Ok(())
}

/// Asks the server, and prints what it says.
fn ask(session: &Session, thread: u32) -> Result<(), CallError> {
    for call in 1..=CALLS {
        let reply = session.call(CAPITALS, format!("call {call} of thread {thread}").as_bytes())?;
        REPLIES.fetch_add(1, Ordering::Relaxed);
        say(format!("thread {thread} hears {}", String::from_utf8_lossy(&reply)));
    }
    Ok(())
}

/// Asks the server for work that takes long, which holds up nobody else.
fn ask_for_slow_work(session: &Session, seconds: &str) -> Result<(), CallError> {
    let asked = Instant::now();
    let reply = session.call(SLOW_WORK, seconds.as_bytes())?;
    let meanwhile = REPLIES.fetch_add(1, Ordering::Relaxed);
    let (reply, took) = (String::from_utf8_lossy(&reply), asked.elapsed());
    say(format!("slow work is {reply} after {took:.1?}; {meanwhile} other replies came meanwhile"));
    Ok(())
}

/// Prints a line that says which process prints it.
fn say(text: impl Display) {
    println!("client {}: {text}", process::id());
}

//! Two programs that lie in one directory and therefore find each other, whichever starts first. Both call the other from
//! several threads at once, and answer what it asks. This one is the server; `generic_ipc_client.rs` is the other.
//!
//! `cargo run --example generic_ipc_server`, and in another terminal `cargo run --example generic_ipc_client`

use std::error::Error;
use std::fmt::Display;
use std::io::Write;
use std::time::Duration;
use std::{process, thread};

use twinring::{Call, Endpoint, Failure, Listener, Session, SessionOptions};

/// What the client may ask of the server.
const CAPITALS: u32 = 1;
const SLOW_WORK: u32 = 2;

/// What the server may ask of the client.
const PROCESS: u32 = 1;
const PROGRESS: u32 = 2;

/// Threads that ask the client something, and how often each does.
const ASKING: u32 = 2;
const CALLS: u32 = 3;

fn main() {
    match run() {
        Ok(served) => say(format!("the client has left in order, {served} of its calls were answered")),
        Err(error) => fail(&*error),
    }
}

/// Serves one client until it leaves; how many of its calls were answered.
fn run() -> Result<u64, Box<dyn Error>> {
    say("waits for a client");
    let connection = Listener::bind(Endpoint::beside_exe()?)?.accept()?;
    say(format!("the client is process {}", connection.peer().pid.unwrap_or(0)));

    // Four threads answer, so that a slow answer holds up no other. This thread receives: no other need listen.
    let options = SessionOptions::new().workers(4).listener(false);
    let session = Session::new(connection, &options, answer)?;
    for number in 1..=ASKING {
        let session = session.clone();
        thread::spawn(move || ask(&session, number));
    }
    match session.serve() {
        Ok(()) => Ok(session.counters().served),
        // At once: dropping the session would wait for slow work that nobody will hear of.
        Err(end) => fail(format!("the client has gone: {end}")),
    }
}

/// Answers the client.
fn answer(call: &mut Call<'_>) -> Result<(), Failure> {
    match call.selector() {
        CAPITALS => {
            let words = std::str::from_utf8(call.payload())?.to_uppercase();
            // The client answers this while it waits for the reply to its own call.
            let client = String::from_utf8(call.call(PROCESS, &[])?)?;
            write!(call.reply(), "{words}, PROCESS {client}")?;
        }
        SLOW_WORK => {
            let seconds = std::str::from_utf8(call.payload())?.parse()?;
            thread::sleep(Duration::from_secs(seconds));
            write!(call.reply(), "done")?;
        }
        _ => return Err(Failure::no_selector()),
    }
    Ok(())
}

/// Asks the client, and prints what it says.
fn ask(session: &Session, thread: u32) {
    for _ in 0..CALLS {
        match session.call(PROGRESS, &[]) {
            Ok(reply) => say(format!("thread {thread} hears {}", String::from_utf8_lossy(&reply))),
            Err(error) => return say(format!("thread {thread} hears nothing: {error}")),
        }
    }
}

/// Prints a line that says which process prints it.
fn say(text: impl Display) {
    println!("server {}: {text}", process::id());
}

fn fail(error: impl Display) -> ! {
    eprintln!("server {}: {error}", process::id());
    process::exit(1)
}

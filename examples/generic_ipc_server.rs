//! Two programs that lie in one directory and therefore find each other, whichever starts first. Both call the other from
//! several threads at once, and answer what it asks. This one is the server; `generic_ipc_client.rs` is the other.
//!
//! `cargo run --example generic_ipc_server`, and in another terminal `cargo run --example generic_ipc_client`

use std::error::Error;
use std::io::Write;
use std::process::{self, ExitCode};
use std::thread;
use std::time::Duration;

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

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("server {}: {error}", process::id());
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let me = process::id();
    let mut listener = Listener::bind(Endpoint::beside_exe()?)?;
    println!("server {me}: waits for a client");
    let connection = listener.accept()?;
    println!("server {me}: the client is process {}", connection.peer().pid.unwrap_or(0));

    // Four threads answer, so that a slow answer holds up no other. This thread receives, and so no listener is needed.
    let options = SessionOptions::new().workers(4).listener(false);
    let session = Session::new(connection, &options, answer)?;
    for number in 1..=ASKING {
        let session = session.clone();
        thread::spawn(move || ask(&session, number));
    }
    session.serve().map_err(|end| format!("the client has gone: {end}"))?;
    println!("server {me}: the client has left in order, {} of its calls were answered", session.counters().served);
    Ok(())
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
            Ok(reply) => println!("server {}: thread {thread} hears {}", process::id(), String::from_utf8_lossy(&reply)),
            Err(error) => return eprintln!("server {}: thread {thread}: {error}", process::id()),
        }
    }
}

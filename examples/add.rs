//! The textbook's remote procedure: a server that can add, and a client, in another process, that cannot.
//!
//! `cargo run --example add --features rpc`

use std::error::Error;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fmt, process};

use serde::{Deserialize, Serialize};
use twinring::rpc::{CallError, Context, Schema, Server};
use twinring::{Listener, LocalSession, SessionOptions, connect};

/// The procedure's own error.
#[derive(Debug, PartialEq, Serialize, Deserialize, Schema)]
pub enum AddError {
    /// The sum is larger than an `i64`.
    Overflow,
}

impl fmt::Display for AddError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sum is too large")
    }
}

impl Error for AddError {}

twinring::interface! {
    /// What both sides agree on.
    pub trait Adder, client AdderClient {
        /// The sum.
        fn add(a: i64, b: i64) -> Result<i64, AddError>;
    }
}

/// Who does the actual work.
struct Sums;

impl Adder for Sums {
    fn add(&self, context: &mut Context<'_>, a: i64, b: i64) -> Result<i64, AddError> {
        println!("  server: process {:?} wants {a} + {b}", context.caller().peer.pid);
        a.checked_add(b).ok_or(AddError::Overflow)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    match env::args().nth(1) {
        None => serve(),
        Some(name) => ask(&name),
    }
}

/// The server registers its procedure, starts the client, and answers until that leaves.
fn serve() -> Result<(), Box<dyn Error>> {
    let name = format!("add-{}", process::id());
    let mut listener = Listener::bind(name.as_str())?;
    let mut client = Command::new(env::current_exe()?).arg(&name).spawn()?;
    let connection = listener.accept_timeout(Duration::from_secs(5))?;
    let server = Server::new().register::<dyn Adder>(Arc::new(Sums)).for_peer(connection.peer());
    LocalSession::new(connection, &SessionOptions::new(), server).serve()?;
    println!("the client has left, with {}", client.wait()?);
    Ok(())
}

/// The client binds, and calls as if the function stood here.
fn ask(name: &str) -> Result<(), Box<dyn Error>> {
    let connection = connect(name, Duration::from_secs(5))?;
    let mut adder = AdderClient::bind(LocalSession::new(connection, &SessionOptions::new(), ()))?;
    println!("client: 40 + 2 = {}", adder.add(40, 2)?);
    match adder.add(i64::MAX, 1) {
        Err(CallError::Procedure(error)) => println!("client: {} + 1: {error}", i64::MAX),
        other => return Err(format!("an overflow was expected, and came: {other:?}").into()),
    }
    Ok(())
}

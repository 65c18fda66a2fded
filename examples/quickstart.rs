//! Two processes that talk: this program starts itself a second time, and the two find each other by name.
//!
//! `cargo run --example quickstart`

use std::error::Error;
use std::process::Command;
use std::time::Duration;
use std::{env, process};

use twinring::{End, Listener, connect};

fn main() -> Result<(), Box<dyn Error>> {
    match env::args().nth(1) {
        None => serve(),
        Some(name) => ask(&name),
    }
}

/// The first process: listens, starts the second, and answers whatever it says in capitals.
fn serve() -> Result<(), Box<dyn Error>> {
    let name = format!("quickstart-{}", process::id());
    let mut listener = Listener::bind(name.as_str())?;
    let mut second = Command::new(env::current_exe()?).arg(&name).spawn()?;
    let connection = listener.accept_timeout(Duration::from_secs(5))?;
    println!("process {} is connected to process {:?}", process::id(), connection.peer().pid);
    let (mut sender, mut receiver) = connection.split();
    loop {
        let words = match receiver.recv() {
            Ok(message) => String::from_utf8(message.to_vec())?,
            Err(End::Closed) => break,
            Err(end) => return Err(end.into()),
        };
        sender.send(words.to_uppercase().as_bytes())?;
    }
    println!("the other side has closed its end, with {}", second.wait()?);
    Ok(())
}

/// The second process: asks, and prints the answers.
fn ask(name: &str) -> Result<(), Box<dyn Error>> {
    let (mut sender, mut receiver) = connect(name, Duration::from_secs(5))?.split();
    for words in ["two processes", "two rings", "no lock and no system call"] {
        sender.send(words.as_bytes())?;
        println!("  {words} -> {}", String::from_utf8(receiver.recv()?.to_vec())?);
    }
    Ok(())
}

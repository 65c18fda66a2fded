//! `twinring serve`: answers calls, of any number of clients at a time.

mod exec;

use std::thread;

use twinring::{
    Call, Connection, End, Failure as Refusal, LocalSession, Options, Session, SessionCounters, SessionOptions,
};

use crate::args::Serve;
use crate::cores::{self, Side};
use crate::failure::{Context, Failure};
use crate::measure::plan::Mode;
use crate::show::units;
use crate::talk::who;

/// Serves every client on a thread of its own, for ever.
///
/// # Errors
///
/// If the name cannot be listened at, or the core not be used. A client that dies or misbehaves is told of.
pub fn run(serve: &Serve) -> Result<(), Failure> {
    let core = cores::take_one(serve.core, Side::Answering, serve.wait == Mode::Spin)?;
    let options = Options::new().wait(serve.wait.strategy()).transport(serve.transport.transport());
    let mut listener = options.bind(serve.name.as_str())?;
    eprintln!("twinring: serving at {}{}; end it with Ctrl-C", listener.path().display(), cores::whereabouts(core));
    loop {
        let connection = listener.accept()?;
        let (command, workers) = (serve.exec.clone(), serve.workers.into());
        let attend = move || attend(connection, command, workers);
        thread::Builder::new().spawn(attend).while_doing(|| "could not start a thread".to_owned())?;
    }
}

/// Serves one client until it leaves.
fn attend(connection: Connection, command: Option<String>, workers: usize) {
    let peer = who(connection.peer());
    eprintln!("twinring: {peer} connected");
    match command {
        None => echo(connection, &peer),
        Some(command) => {
            if let Err(failure) = execute(connection, &peer, command, workers) {
                eprintln!("twinring: {peer}: {failure}");
            }
        }
    }
}

/// One thread is enough to reply at once, and the fastest.
fn echo(connection: Connection, peer: &str) {
    let mut session = LocalSession::new(connection, &SessionOptions::new(), reply_with_request);
    let ended = session.serve();
    tell(peer, ended, session.counters());
}

fn reply_with_request(call: &mut Call<'_>) -> Result<(), Refusal> {
    let request = call.payload();
    call.reply().extend_from_slice(request);
    Ok(())
}

/// Workers wait for the commands, this thread receives.
fn execute(connection: Connection, peer: &str, command: String, workers: usize) -> Result<(), Failure> {
    let options = SessionOptions::new().workers(workers).listener(false);
    let session = Session::new(connection, &options, exec::Exec::new(command))?;
    // Told before the session is dropped, which waits for the commands that still run.
    tell(peer, session.serve(), session.counters());
    Ok(())
}

/// Says how it ended.
fn tell(peer: &str, ended: Result<(), End>, counted: SessionCounters) {
    let calls = units::counted(counted.served, "call");
    match ended {
        Ok(()) => eprintln!("twinring: {peer} left, after {calls}"),
        Err(end) => eprintln!("twinring: {peer}: {end}, after {calls}"),
    }
}

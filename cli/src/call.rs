//! `twinring call`: one call.

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use twinring::{CallError, LocalSession, Options, Outcome, SessionOptions};

use crate::args::Call;
use crate::failure::{Context, Failure};

/// Exit statuses of a call that was sent. Whoever repeats a call wants to know.
const MAY_HAVE_RUN: u8 = 3;
const RAN: u8 = 4;

/// Calls, and prints the reply.
///
/// # Errors
///
/// If there is no reply: the exit status says what is known of the call.
pub fn run(call: &Call) -> Result<(), Failure> {
    let request = request(call.data.as_deref())?;
    let (begun, timeout) = (Instant::now(), Duration::from_millis(call.timeout));
    let connection = Options::new()
        .transport(call.transport.transport())
        .connect(call.name.as_str(), timeout)
        .while_doing(|| format!("could not connect to {}", call.name))?;
    let mut session = LocalSession::new(connection, &SessionOptions::new(), ());
    let left = timeout.saturating_sub(begun.elapsed());
    let reply = session.call_timeout(call.selector, &request, left).map_err(failed)?;
    print(&reply).while_doing(|| "could not write to standard output".to_owned())
}

/// What is to be sent.
fn request(data: Option<&OsStr>) -> Result<Vec<u8>, Failure> {
    match data.map(OsStr::as_bytes) {
        None => Ok(Vec::new()),
        Some(b"-") => {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes).while_doing(|| "could not read standard input".to_owned())?;
            Ok(bytes)
        }
        Some(data) => Ok(data.to_vec()),
    }
}

/// The bytes as they came; on a terminal what is typed next begins a line.
fn print(reply: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(reply)?;
    if out.is_terminal() && reply.last().is_some_and(|&last| last != b'\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// What is known of a call that has no reply, as an exit status.
pub(crate) fn failed(error: CallError) -> Failure {
    let outcome = error.outcome();
    let failure = Failure::from(error);
    match outcome {
        Outcome::NotRun => failure,
        Outcome::MayHaveRun => failure.with_status(MAY_HAVE_RUN),
        Outcome::Ran => failure.with_status(RAN),
    }
}

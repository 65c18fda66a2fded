//! `twinring list`: who listens in this user's directory.

use std::fs;
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;
use twinring::{LiveEndpoint, LocalSession, Options, Selector, SessionOptions};

use crate::failure::{Context, Failure};

/// How long a service may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(1);

/// A line of the list.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    pid: Option<u32>,
    uid: u32,
    program: Option<String>,
    service: bool,
    /// Of a service; `None` if it did not answer.
    connections: Option<u64>,
}

/// Prints the list.
///
/// # Errors
///
/// If the directory of endpoints cannot be read.
pub fn run(json: bool) -> Result<(), Failure> {
    let live = twinring::live_endpoints().while_doing(|| "could not list the endpoints".to_owned())?;
    let rows: Vec<_> = live.into_iter().map(row).collect();
    let written = if json { write_json(&rows) } else { write_table(&rows) };
    written.while_doing(|| "could not write to standard output".to_owned())
}

fn row(endpoint: LiveEndpoint) -> Row {
    let connections = if endpoint.is_service { connections(&endpoint) } else { None };
    let link = endpoint.pid.and_then(|pid| fs::read_link(format!("/proc/{pid}/exe")).ok());
    let program = link.map(|path| path.display().to_string());
    let uid = rustix::process::geteuid().as_raw();
    let LiveEndpoint { name, pid, is_service, .. } = endpoint;
    Row { name, pid, uid, program, service: is_service, connections }
}

/// How many clients a service has, this one left out.
fn connections(endpoint: &LiveEndpoint) -> Option<u64> {
    let about = ask(endpoint, Selector::ABOUT, b"").ok()?;
    let text = String::from_utf8(about).ok()?;
    let clients: u64 = text.lines().find_map(|line| line.strip_prefix("clients ")?.parse().ok())?;
    Some(clients.saturating_sub(1))
}

/// Calls a live service.
///
/// # Errors
///
/// If it does not answer.
pub fn ask(endpoint: &LiveEndpoint, selector: Selector, request: &[u8]) -> Result<Vec<u8>, Failure> {
    let connecting = Options::new().ring_capacity(4096).connect(endpoint.path.clone(), PATIENCE);
    let connection = connecting.while_doing(|| format!("could not connect to {}", endpoint.name))?;
    let mut session = LocalSession::new(connection, &SessionOptions::new(), ());
    session.call_timeout(selector.packed(), request, PATIENCE).map_err(crate::call::failed)
}

fn write_json(rows: &[Row]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for row in rows {
        writeln!(out, "{}", serde_json::to_string(row)?)?;
    }
    out.flush()
}

fn write_table(rows: &[Row]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{:<24} {:>8} {:>6} {:>11}  PROGRAM", "NAME", "PID", "UID", "CONNECTIONS")?;
    for Row { name, pid, uid, program, service, connections } in rows {
        let pid = pid.map_or_else(|| "?".to_owned(), |pid| pid.to_string());
        let connections = match (service, connections) {
            (false, _) => "-".to_owned(),
            (true, None) => "no answer".to_owned(),
            (true, Some(connections)) => connections.to_string(),
        };
        let program = program.as_deref().unwrap_or("?");
        writeln!(out, "{name:<24} {pid:>8} {uid:>6} {connections:>11}  {program}")?;
    }
    out.flush()
}

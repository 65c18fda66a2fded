//! The two examples that do the job of Generic IPC, as their users run them: found by their directory in either order, called
//! from many threads both ways, and told when the other one is not there or dies.

#[path = "support/program.rs"]
mod program;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// For work that a test breaks off.
const ENDLESS: &str = "3600";

/// A running example, and the lines that it prints, errors included. Killed when dropped.
struct Running {
    process: Child,
    lines: Receiver<String>,
}

impl Running {
    /// Starts an example that finds its other half through the names in `runtime`.
    fn start(name: &str, runtime: &TempDir, arguments: &[&str]) -> Self {
        let mut command = Command::new(program::program(name));
        command.args(arguments).env("XDG_RUNTIME_DIR", runtime.path()).stdin(Stdio::null());
        let mut process =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("an example that starts");
        let (tell, lines) = mpsc::channel();
        let (out, errors) = (process.stdout.take().expect("its output"), process.stderr.take().expect("its errors"));
        let tell_errors = tell.clone();
        thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        thread::spawn(move || {
            BufReader::new(errors).lines().map_while(Result::ok).try_for_each(|line| tell_errors.send(line))
        });
        Self { process, lines }
    }

    fn id(&self) -> u32 {
        self.process.id()
    }

    /// The next line; `None` once there will be no more.
    fn try_hear(&self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("nothing is printed for {PATIENCE:?}"),
        }
    }

    /// Waits for a line that holds `words`.
    fn await_line(&self, words: &str) -> String {
        let mut seen = Vec::new();
        while let Some(line) = self.try_hear() {
            if line.contains(words) {
                return line;
            }
            seen.push(line);
        }
        panic!("no line with {words:?} in {seen:#?}");
    }

    /// Waits for its end: how it ended, and what it still printed.
    fn end(&mut self) -> (ExitStatus, Vec<String>) {
        let lines = std::iter::from_fn(|| self.try_hear()).collect();
        (self.process.wait().expect("a process to wait for"), lines)
    }

    fn kill(&mut self) {
        self.process.kill().expect("a process to kill");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail if it has ended and been waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn runtime() -> TempDir {
    TempDir::new().expect("a directory for the names of endpoints")
}

/// Both, connected: the client asks for work of so many seconds, and what both print before they meet has been read.
fn pair(runtime: &TempDir, server_first: bool, seconds: &str) -> (Running, Running) {
    let server = || Running::start("generic_ipc_server", runtime, &[]);
    let client = || Running::start("generic_ipc_client", runtime, &[seconds]);
    let (server, client) = if server_first {
        let server = server();
        server.await_line("waits for a client");
        (server, client())
    } else {
        let client = client();
        client.await_line("waits 5 s for a server");
        (server(), client)
    };
    server.await_line(&format!("server {}: the client is process {}", server.id(), client.id()));
    client.await_line(&format!("client {}: the server is process {}", client.id(), server.id()));
    (server, client)
}

/// Every call of every thread is answered, in the order of the thread, by a server that knows the client's process.
fn assert_client_heard(lines: &[String], id: u32) {
    for thread in 1..=3 {
        let expected: Vec<_> = (1..=4)
            .map(|call| format!("client {id}: thread {thread} hears CALL {call} OF THREAD {thread}, PROCESS {id}"))
            .collect();
        let heard: Vec<_> = lines.iter().filter(|line| line.contains(&format!(": thread {thread} hears "))).collect();
        assert_eq!(heard, expected.iter().collect::<Vec<_>>(), "{lines:#?}");
    }
    let [.., slow, done] = lines else { panic!("{lines:#?}") };
    assert!(slow.starts_with(&format!("client {id}: slow work is done after 1.")), "{lines:#?}");
    assert!(slow.ends_with("; 12 other replies came meanwhile"), "the slow work held others up: {lines:#?}");
    assert_eq!(*done, format!("client {id}: is done, with 13 replies"));
    assert_eq!(lines.len(), 14, "{lines:#?}");
}

fn assert_server_heard(lines: &[String], id: u32) {
    for thread in 1..=2 {
        let words = format!("server {id}: thread {thread} hears that ");
        assert_eq!(lines.iter().filter(|line| line.starts_with(&words)).count(), 3, "{lines:#?}");
    }
    let expected = format!("server {id}: the client has left in order, 13 of its calls were answered");
    assert_eq!(lines.last(), Some(&expected));
    assert_eq!(lines.len(), 7, "{lines:#?}");
}

#[test]
fn client_and_server_find_each_other_in_either_order_and_call_each_other() {
    for server_first in [true, false] {
        let runtime = runtime();
        let (mut server, mut client) = pair(&runtime, server_first, "1");
        let (status, lines) = client.end();
        assert!(status.success(), "{status}: {lines:#?}");
        assert_client_heard(&lines, client.id());
        let (status, lines) = server.end();
        assert!(status.success(), "{status}: {lines:#?}");
        assert_server_heard(&lines, server.id());
    }
}

/// Waits until every thread of the client has its last reply but the one that waits for slow work.
fn await_last_replies(client: &Running) {
    for _ in 0..3 {
        client.await_line("CALL 4 OF THREAD");
    }
}

#[test]
fn a_client_tells_that_its_server_has_died() {
    let runtime = runtime();
    let (mut server, mut client) = pair(&runtime, true, ENDLESS);
    await_last_replies(&client);
    server.kill();
    let (status, lines) = client.end();
    assert_eq!(status.code(), Some(1));
    let expected =
        format!("client {}: a call failed: sent, and may have run, but no reply came: the peer has", client.id());
    assert!(lines.iter().any(|line| line.starts_with(&expected)), "{lines:#?}");
}

#[test]
fn a_server_tells_that_its_client_has_died() {
    let runtime = runtime();
    let (mut server, mut client) = pair(&runtime, true, ENDLESS);
    await_last_replies(&client);
    client.kill();
    let (status, lines) = server.end();
    assert_eq!(status.code(), Some(1));
    let expected = format!("server {}: the client has gone: the peer has died or hung up", server.id());
    assert!(lines.contains(&expected), "{lines:#?}");
}

#[test]
fn a_client_without_a_server_says_so_after_a_while() {
    let runtime = runtime();
    let mut client = Running::start("generic_ipc_client", &runtime, &[]);
    let (status, lines) = client.end();
    assert_eq!(status.code(), Some(1));
    assert!(lines[1].contains("nobody listened at ") && lines[1].contains("twinring/beside-"), "{lines:#?}");
    assert_eq!(lines.len(), 2, "{lines:#?}");
}

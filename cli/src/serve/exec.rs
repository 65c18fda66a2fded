//! A command as a handler.

use std::io::Write;
use std::process::{Child, Command, Output, Stdio};
use std::{io, thread};

use twinring::{Call, Failure, Handler};

/// Runs a command for each call.
pub struct Exec(String);

/// The variable in which a command finds what was called.
const SELECTOR: &str = "TWINRING_SELECTOR";

/// As much of a command's last words as its caller is told, in bytes.
const LAST_WORDS: usize = 4_096;

impl Exec {
    /// Runs `sh -c command`.
    pub fn new(command: String) -> Self {
        Self(command)
    }

    fn start(&self, selector: u32) -> io::Result<Child> {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(&self.0).env(SELECTOR, selector.to_string());
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
    }
}

impl Handler for Exec {
    fn call(&self, call: &mut Call<'_>) -> Result<(), Failure> {
        let child =
            self.start(call.selector()).map_err(|error| Failure::refused(format!("could not run sh: {error}")))?;
        let output = feed(child, call.payload())?;
        if !output.status.success() {
            return Err(Failure::new(reason(&output)));
        }
        *call.reply() = output.stdout;
        Ok(())
    }
}

/// Lets a command read `input` while it writes.
fn feed(mut child: Child, input: &[u8]) -> io::Result<Output> {
    let stdin = child.stdin.take();
    thread::scope(|scope| {
        // A command need not read what it is given, and is not asked to say so.
        scope.spawn(|| stdin.map(|mut stdin| stdin.write_all(input)));
        child.wait_with_output()
    })
}

/// `exit status: 2: what it said last`.
fn reason(output: &Output) -> String {
    let said = output.stderr.trim_ascii();
    let last = String::from_utf8_lossy(&said[said.len().saturating_sub(LAST_WORDS)..]);
    let colon = if last.is_empty() { "" } else { ": " };
    format!("{}{colon}{last}", output.status)
}

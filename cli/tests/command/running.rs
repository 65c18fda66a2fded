//! Starting the command, and ending it whatever happens.

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Long enough for a machine that is busy with other things; only a test that fails waits so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A directory for this test's endpoints alone.
pub struct Place(PathBuf);

impl Place {
    pub fn new() -> Self {
        static PLACES: AtomicU32 = AtomicU32::new(0);
        let number = PLACES.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("twinring-test-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// The path of a socket in it, as an argument.
    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// The command with these arguments, its three streams piped.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twinring"));
        command.args(arguments).env("XDG_RUNTIME_DIR", &self.0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts it.
    pub fn start(&self, arguments: &[&str]) -> Running {
        Running::new(&mut self.command(arguments))
    }

    /// Waits until somebody listens at `name`.
    #[track_caller]
    pub fn await_listener(&self, name: &str) {
        let socket = self.0.join("twinring").join(format!("{name}.sock"));
        let started = Instant::now();
        while !socket.exists() {
            assert!(started.elapsed() < PATIENCE, "nobody listens at {}", socket.display());
            thread::yield_now();
        }
    }

    /// Runs it to its end with nothing on its standard input.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let child = self.command(arguments).stdin(Stdio::null()).spawn().unwrap();
        guard(&child);
        child.wait_with_output().unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running command: killed when dropped.
pub struct Running(pub Child);

/// Kills a command that runs for longer than it may: a test that waits for it then fails, instead of for ever.
fn guard(child: &Child) {
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).unwrap();
    thread::spawn(move || {
        let timeout = PATIENCE.try_into().unwrap();
        if poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&timeout)) == Ok(0) {
            let _ = pidfd_send_signal(&process, Signal::KILL);
        }
    });
}

impl Running {
    pub fn new(command: &mut Command) -> Self {
        let child = command.spawn().unwrap();
        guard(&child);
        Self(child)
    }

    pub fn kill(&mut self) {
        self.0.kill().unwrap();
    }

    /// What it prints, read on a thread of its own.
    pub fn output(&mut self) -> JoinHandle<Vec<u8>> {
        let mut stdout = self.0.stdout.take().unwrap();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            stdout.read_to_end(&mut bytes).unwrap();
            bytes
        })
    }

    /// Waits for its end: its status, and what it said on standard error.
    #[track_caller]
    pub fn end(&mut self) -> (ExitStatus, String) {
        // `Child::wait` closes the child's standard input first, which is an end that some tests must not give it.
        let stdin = self.0.stdin.take();
        let status = self.0.wait().unwrap();
        drop(stdin);
        let mut said = String::new();
        if let Some(mut stderr) = self.0.stderr.take() {
            stderr.read_to_string(&mut said).unwrap();
        }
        (status, said)
    }

    /// Waits for its end, which must be a good one.
    #[track_caller]
    pub fn end_well(&mut self) {
        let (status, said) = self.end();
        assert!(status.success(), "{status}: {said}");
    }

    /// Waits for its end, which must be a failure told in one line that contains `words`.
    #[track_caller]
    pub fn end_badly(&mut self, words: &str) {
        let (status, said) = self.end();
        assert_eq!(status.code(), Some(1), "{said}");
        assert!(said.starts_with("twinring: ") && said.contains(words), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Bytes without a pattern, the same every time.
pub fn random_bytes(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.flatten().take(length).collect()
}

//! Second processes: the test binary, started again to play a part.
//!
//! A binary that uses this has a test called `second_process`, which plays the part that [`part`] names, or does nothing.
#![allow(dead_code, reason = "each test binary uses what it needs of it")]

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child as Process, ChildStderr, Command, ExitStatus, Stdio};

use rustix::process::{Signal, set_parent_process_death_signal};

const PART: &str = "TWINRING_TEST_PART";

/// What a second process says to the first begins with this; the rest of its standard error is passed on.
const MARK: char = '@';

/// A second process. Killed and reaped when dropped.
pub struct Child {
    process: Process,
    told: BufReader<ChildStderr>,
}

impl Child {
    /// Starts this binary again to play `part`, with `arguments` in its environment.
    pub fn start(part: &str, arguments: &[(&str, &OsStr)]) -> Self {
        Self::start_as(&env::current_exe().expect("the path of the test"), part, arguments)
    }

    /// The same of a copy of this binary.
    pub fn start_as(program: &Path, part: &str, arguments: &[(&str, &OsStr)]) -> Self {
        let mut command = Command::new(program);
        command.args(["second_process", "--exact", "--nocapture", "--test-threads=1"]);
        command.env(PART, part).envs(arguments.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("a second process");
        let told = BufReader::new(process.stderr.take().expect("its standard error"));
        Self { process, told }
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The next thing that it says; `None` once it has ended.
    pub fn try_hear(&mut self) -> Option<String> {
        let mut line = String::new();
        while self.told.read_line(&mut line).expect("what a second process says") > 0 {
            match line.trim_end().strip_prefix(MARK) {
                Some(said) => return Some(said.to_owned()),
                None => eprint!("{line}"),
            }
            line.clear();
        }
        None
    }

    /// The next thing that it says.
    pub fn hear(&mut self) -> String {
        self.try_hear().expect("the second process ended before it said anything")
    }

    /// Lets it go on from [`await_word`].
    pub fn go_on(&mut self) {
        let stdin = self.process.stdin.as_mut().expect("its standard input");
        stdin.write_all(b"\n").expect("a second process that listens");
    }

    /// Kills it with SIGKILL. It has not been reaped yet.
    pub fn kill(&mut self) {
        self.process.kill().expect("a process to kill");
    }

    /// Waits for its end, while what it has forked may still be spoken with.
    pub fn reap(&mut self) {
        // `wait` would close its standard input.
        while self.process.try_wait().expect("a process to wait for").is_none() {
            std::thread::yield_now();
        }
    }

    /// Waits for its end.
    pub fn wait(mut self) -> ExitStatus {
        while self.try_hear().is_some() {}
        self.process.wait().expect("a process to wait for")
    }

    /// Waits for its end, which must be a good one.
    pub fn finish(self) {
        let status = self.wait();
        assert!(status.success(), "the second process failed: {status}");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Both fail if it has ended and been waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The part that this process plays, if it is a second one. It dies with the thread that started it.
pub fn part() -> Option<String> {
    let part = env::var(PART).ok()?;
    set_parent_process_death_signal(Some(Signal::KILL)).expect("a signal on the parent's death");
    Some(part)
}

/// An argument of [`Child::start`].
pub fn argument(name: &str) -> OsString {
    env::var_os(name).unwrap_or_else(|| panic!("the argument {name} is missing"))
}

/// An argument of [`Child::start`] as a number.
pub fn number(name: &str) -> u64 {
    argument(name).to_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{name} is no number"))
}

/// Says something to the process that started this one.
pub fn say(text: &str) {
    eprintln!("{MARK}{text}");
}

/// Waits until the process that started this one calls [`Child::go_on`], or has ended.
pub fn await_word() {
    std::io::stdin().read_line(&mut String::new()).expect("a word from the first process");
}

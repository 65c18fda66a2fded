//! What a service says of itself to whoever asks.

use std::env;
use std::fmt;
use std::path::PathBuf;

use super::counters::ServiceCounters;
use super::selector::Selector;
use crate::os::credentials::Credentials;

/// What a service answers to [`Selector::ABOUT`]: lines of a key, a space and a value, to which later versions may add.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct About {
    /// Its process, as it sees itself.
    pub pid: u32,
    /// Its user.
    pub uid: u32,
    /// The program that runs.
    pub program: PathBuf,
    /// What it has counted; who asks is among its clients.
    pub counters: ServiceCounters,
    /// What can be called.
    pub calls: Vec<Selector>,
}

impl About {
    pub(super) fn new(counters: ServiceCounters, calls: Vec<Selector>) -> Self {
        let own = Credentials::own();
        let program = env::current_exe().unwrap_or_default();
        Self { pid: std::process::id(), uid: own.uid.unwrap_or_default(), program, counters, calls }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, uid, program, counters, calls } = self;
        writeln!(f, "pid {pid}\nuid {uid}")?;
        // A line each, whatever the name of the program.
        writeln!(f, "program {}", program.display().to_string().replace(char::is_control, "\u{fffd}"))?;
        for (key, value) in counters.entries() {
            writeln!(f, "{key} {value}")?;
        }
        calls.iter().try_for_each(|selector| writeln!(f, "call {selector}"))
    }
}

//! What the monitored processes of this user show, gathered.

pub mod latency;
pub mod line;
pub mod rates;

use std::fs;

use twinring::{Monitor, Monitored, MonitoredConnection};

use crate::failure::{Context, Failure};

/// A connection of a monitored process.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The process whose side it is.
    pub pid: u32,
    /// What both sides are called, if that can be known.
    pub programs: [Option<String>; 2],
    /// What that side says of it.
    pub connection: MonitoredConnection,
}

/// What tells connections apart: whose, and which of it.
pub type Key = (u32, (usize, u64));

/// The processes that are watched, their counters at hand.
#[derive(Debug, Default)]
pub struct Watcher {
    processes: Vec<Monitored>,
    /// Connections of which nothing can be shown, for want of room.
    pub unlisted: u64,
    /// Processes that do not let themselves be seen, and why.
    pub faults: Vec<String>,
    /// Their numbers: what is at hand of them may be a monitor's that has ended, while another one began.
    lost: Vec<u32>,
}

impl Watcher {
    /// Looks at all connections now, or at those of one endpoint.
    ///
    /// # Errors
    ///
    /// If the directory of monitors cannot be read.
    pub fn look(&mut self, name: Option<&str>) -> Result<Vec<Seen>, Failure> {
        self.find()?;
        self.faults.clear();
        self.lost.clear();
        for process in &mut self.processes {
            if let Err(error) = process.open() {
                self.lost.push(process.pid());
                self.faults.push(Failure::from(error).of(process.pid()));
            }
        }
        self.unlisted = self.processes.iter().map(Monitored::unlisted).sum();
        let seen = self.processes.iter().flat_map(|process| {
            let pid = process.pid();
            process.connections().into_iter().map(move |connection| Seen::new(pid, connection))
        });
        Ok(seen.filter(|seen| name.is_none_or(|name| seen.connection.endpoint == name)).collect())
    }

    /// Keeps the processes that are still there, and takes in new ones.
    fn find(&mut self) -> Result<(), Failure> {
        let live = twinring::monitored().while_doing(|| "could not list the monitors".to_owned())?;
        let mut known = std::mem::take(&mut self.processes);
        known.retain(|known| !self.lost.contains(&known.pid()));
        for process in live {
            let kept = known.iter().position(|known| known.pid() == process.pid());
            self.processes.push(kept.map_or(process, |at| known.swap_remove(at)));
        }
        Ok(())
    }

    /// How many processes are watched.
    #[must_use]
    pub fn processes(&self) -> usize {
        self.processes.len()
    }
}

impl Seen {
    fn new(pid: u32, connection: MonitoredConnection) -> Self {
        Self { pid, programs: [Some(pid), connection.peer.pid].map(|pid| program(pid?)), connection }
    }

    /// What tells it from other connections.
    #[must_use]
    pub fn key(&self) -> Key {
        (self.pid, self.connection.id)
    }

    /// A side as it is shown: `program/pid`, shortened to `width` characters.
    #[must_use]
    pub fn side(&self, peer: bool, width: usize) -> String {
        let pid = if peer { self.connection.peer.pid } else { Some(self.pid) };
        let pid = pid.map_or_else(|| "?".to_owned(), |pid| pid.to_string());
        let program = self.programs[usize::from(peer)].as_deref().unwrap_or("?");
        let room = width.saturating_sub(pid.len() + 1);
        format!("{}/{pid}", shortened(program, room))
    }
}

/// The beginning of a text that is too long, marked as such.
#[must_use]
pub fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// What there is to say of nothing.
pub const NOBODY: &str = "no process of this user has a connection that is monitored";

/// The failure to find a connection of an endpoint.
#[must_use]
pub fn nobody_at(name: &str) -> Failure {
    Failure::new(format!("no monitored process has a connection of {name}: `twinring stat` shows those of all"))
}

fn program(pid: u32) -> Option<String> {
    let path = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let name = path.file_name()?.to_string_lossy();
    Some(name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect())
}

/// Lets this very command be seen, if that is wanted.
///
/// # Errors
///
/// If the memory or the thread for it cannot be had.
pub fn monitor(wanted: bool) -> Result<Option<Monitor>, Failure> {
    wanted.then(Monitor::start).transpose().while_doing(|| "could not start the monitor".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_this_process(watcher: &mut Watcher) -> usize {
        let seen = watcher.look(None).unwrap();
        seen.iter().filter(|seen| seen.pid == std::process::id()).count()
    }

    #[test]
    fn a_process_that_starts_another_monitor_is_seen_again() {
        let mut watcher = Watcher::default();
        let monitor = Monitor::start().unwrap();
        let first = twinring::pair().unwrap();
        assert!(of_this_process(&mut watcher) >= 2);
        drop((first, monitor));
        let _monitor = Monitor::start().unwrap();
        let _second = twinring::pair().unwrap();
        // The one that it knew has hung up; the one after it is asked at the next look.
        of_this_process(&mut watcher);
        assert!(of_this_process(&mut watcher) >= 2, "{:?}", watcher.faults);
        assert!(!watcher.lost.contains(&std::process::id()), "{:?}", watcher.faults);
    }
}

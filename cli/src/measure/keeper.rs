//! Who removes what does not go away by itself: System V semaphores and message queues outlive every process.
//!
//! A process of its own makes them, tells their ids, and removes them as soon as its standard input ends, which it does
//! however the leader ends. It sleeps meanwhile.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use clap::ValueEnum;

use crate::failure::{Context, Failure};
use crate::os::system_v::{Queue, Semaphores};

/// The hidden subcommand that runs it.
pub const SUBCOMMAND: &str = "keeper";

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kept {
    /// A set of as many semaphores.
    Semaphores,
    /// As many message queues.
    Queues,
}

impl Kept {
    fn word(self) -> &'static str {
        match self {
            Self::Semaphores => "semaphores",
            Self::Queues => "queues",
        }
    }
}

/// The keeper, seen from the leader: once this is dropped, nothing is left.
#[derive(Debug)]
pub struct Keeper {
    process: Child,
    kept: Kept,
    ids: Vec<i32>,
}

impl Keeper {
    /// Has something made, and tells its ids.
    ///
    /// # Errors
    ///
    /// If the system has none left, or no System V IPC.
    pub fn start(kept: Kept, count: usize) -> Result<(Self, Vec<i32>), Failure> {
        let mut command = Command::new("/proc/self/exe");
        command.args([SUBCOMMAND, kept.word(), &count.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        // An interrupt from the terminal ends the leader; what is left is removed after that.
        command.process_group(0);
        let process = command.spawn().while_doing(|| "could not start the keeper".to_owned())?;
        let mut keeper = Self { process, kept, ids: Vec::new() };
        keeper.ids = keeper.told()?;
        let ids = keeper.ids.clone();
        Ok((keeper, ids))
    }

    fn told(&mut self) -> Result<Vec<i32>, Failure> {
        let mut line = String::new();
        if let Some(said) = self.process.stdout.take() {
            BufReader::new(said).read_line(&mut line)?;
        }
        let told: Result<Vec<i32>, String> =
            serde_json::from_str(&line).while_doing(|| "the keeper ended before its time".to_owned())?;
        told.map_err(|why| Failure::new(format!("could not get System V {}: {why}", self.kept.word())))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // A keeper that was killed has removed nothing.
        if !self.process.wait().is_ok_and(|status| status.success()) {
            let _ = remove(self.kept, &self.ids);
        }
    }
}

/// The keeper itself: makes, tells, waits for the end of its standard input, and removes.
///
/// # Errors
///
/// If it cannot be removed.
pub fn run(kept: Kept, count: usize) -> Result<(), Failure> {
    let (ids, made) = match make(kept, count) {
        Ok(ids) => (ids.clone(), Ok(ids)),
        Err(error) => (Vec::new(), Err(error.to_string())),
    };
    // A leader that has gone meanwhile wants to know nothing any more.
    let _ = tell(&made);
    let waited = io::stdin().read_to_end(&mut Vec::new());
    remove(kept, &ids)?;
    waited?;
    Ok(())
}

fn remove(kept: Kept, ids: &[i32]) -> io::Result<()> {
    ids.iter().try_for_each(|&id| match kept {
        Kept::Semaphores => Semaphores::of(id).remove(),
        Kept::Queues => Queue::of(id).remove(),
    })
}

fn make(kept: Kept, count: usize) -> io::Result<Vec<i32>> {
    match kept {
        Kept::Semaphores => Ok(vec![Semaphores::create(count)?.id()]),
        Kept::Queues => {
            let mut made = Vec::new();
            for _ in 0..count {
                match Queue::create() {
                    Ok(queue) => made.push(queue.id()),
                    Err(error) => return remove(kept, &made).and(Err(error)),
                }
            }
            Ok(made)
        }
    }
}

fn tell(made: &Result<Vec<i32>, String>) -> Result<(), Failure> {
    let mut line = serde_json::to_vec(made)?;
    line.push(b'\n');
    io::stdout().write_all(&line)?;
    Ok(())
}

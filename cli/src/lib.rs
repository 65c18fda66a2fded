//! The `twinring` command: measures two processes that talk through twinring, and moves bytes between two terminals.
#![deny(unsafe_code)]

pub mod args;
pub mod attach;
pub mod bench;
pub mod call;
pub mod cores;
pub mod demo;
pub mod echo;
pub mod failure;
pub mod list;
pub mod machine;
pub mod measure;
pub mod os;
pub mod ping;
pub mod seen;
pub mod serve;
pub mod show;
pub mod stat;
pub mod talk;
pub mod top;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};
use failure::Failure;
use measure::rivals::{Brought, Rival};

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    main_with(&[])
}

/// The same, in a program that brings other libraries to measure.
pub fn main_with(brought: &'static [Rival]) -> ExitCode {
    match run(Arguments::parse(), Brought(brought)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("twinring: {failure}");
            ExitCode::from(failure.status())
        }
    }
}

fn run(arguments: Arguments, brought: Brought) -> Result<(), Failure> {
    // Before the first connection, and until the last is over.
    let _monitor = seen::monitor(arguments.command.as_ref().is_some_and(Command::is_monitored))?;
    match arguments.command {
        None => demo::run(&arguments.effort),
        Some(Command::Bench(bench)) => bench::run(&bench, brought),
        Some(Command::Listen { name, wait, transport, .. }) => talk::listen(&name, wait, transport),
        Some(Command::Connect { name, timeout, wait, transport, .. }) => {
            talk::connect(&name, timeout.0, wait, transport)
        }
        Some(Command::Echo { name, wait, core, transport, .. }) => echo::run(&name, wait, core, transport),
        Some(Command::Ping(ping)) => ping::run(&ping),
        Some(Command::Serve(serve)) => serve::run(&serve),
        Some(Command::Call(call)) => call::run(&call),
        Some(Command::Counted(counted)) => measure::counting::lead(&counted, brought),
        Some(Command::List { json }) => list::run(json),
        Some(Command::Attach(attach)) => attach::run(&attach),
        Some(Command::Stat { name, json }) => stat::run(name.as_deref(), json),
        Some(Command::Top { name, interval }) => top::run(name.as_deref(), interval.0),
        Some(Command::Keeper { kept, count }) => measure::keeper::run(kept, count),
        Some(Command::Second { core }) => measure::second::run(core, brought),
    }
}

//! The `twinring` command: measures two processes that talk through twinring, and moves bytes between two terminals.
#![deny(unsafe_code)]

mod args;
mod bench;
mod call;
mod cores;
mod demo;
mod echo;
mod failure;
mod machine;
mod measure;
mod os;
mod ping;
mod serve;
mod show;
mod talk;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};
use failure::Failure;

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("twinring: {failure}");
            ExitCode::from(failure.status())
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        None => demo::run(&arguments.effort),
        Some(Command::Bench(bench)) => bench::run(&bench),
        Some(Command::Listen { name, wait }) => talk::listen(&name, wait),
        Some(Command::Connect { name, timeout, wait }) => talk::connect(&name, timeout.0, wait),
        Some(Command::Echo { name, wait, core }) => echo::run(&name, wait, core),
        Some(Command::Ping(ping)) => ping::run(&ping),
        Some(Command::Serve(serve)) => serve::run(&serve),
        Some(Command::Call(call)) => call::run(&call),
        Some(Command::Keeper { kept, count }) => measure::keeper::run(kept, count),
        Some(Command::Second { core }) => measure::second::run(core),
    }
}

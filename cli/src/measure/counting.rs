//! How many system calls a round trip makes: both processes run once more, traced, with few round trips and with many.
//!
//! What both runs do to begin and to end is the same, so the difference is what the round trips did. Tracing makes a system
//! call take many times longer, so nothing is timed here.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use clap::ValueEnum;
use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::clock::{Budget, Clock};
use super::leader::{Opened, Second};
use super::plan::{Mechanism, Mode, Subject, Task};
use super::rivals::Brought;
use crate::cores::Placement;
use crate::failure::{Context, Failure};

/// The hidden subcommand that runs a traced leader.
pub const SUBCOMMAND: &str = "counted";

/// Round trips of the two runs.
const FEW: u64 = 50;
const MANY: u64 = FEW + 500;

/// What a traced leader is told.
#[derive(Debug, clap::Args)]
pub struct Counted {
    mechanism: Mechanism,
    mode: Mode,
    size: usize,
    trips: u64,
    #[arg(long)]
    core: Option<usize>,
}

/// The system calls of both processes for a round trip.
///
/// # Errors
///
/// If the system lets nobody trace, or the mechanism fails.
pub fn count(subject: Subject, task: Task, placement: &Placement) -> Result<f64, Failure> {
    let made = |trips| run(subject, task, trips, placement);
    let (few, many) = (made(FEW)?, made(MANY)?);
    Ok(many.saturating_sub(few) as f64 / (MANY - FEW) as f64)
}

/// Runs a leader and its second process, and counts the system calls of both.
fn run(subject: Subject, task: Task, trips: u64, placement: &Placement) -> Result<u64, Failure> {
    let (mut leader, go) = start(subject, task, trips, placement)?;
    let traced = trace(Pid::from_raw(leader.id().cast_signed()), go);
    if traced.is_err() {
        // Nothing that is traced outlives its tracer; what is not yet, ends here.
        let _ = leader.kill();
        let _ = leader.wait();
    }
    traced
}

fn start(subject: Subject, task: Task, trips: u64, placement: &Placement) -> Result<(Child, ChildStdin), Failure> {
    let mut command = Command::new("/proc/self/exe");
    command.args([SUBCOMMAND, &name(subject.mechanism), &name(subject.mode)]);
    command.args([task.size.to_string(), trips.to_string()]);
    if let Some(core) = placement.second() {
        command.arg("--core").arg(core.to_string());
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let missing = || Failure::new("the traced process has no standard input or output");
    let (go, mut there) = child.stdin.take().zip(child.stdout.take()).ok_or_else(missing)?;
    // What it does to start is not to be counted once with more of it and once with less.
    there.read_exact(&mut [0]).while_doing(|| "the process to be traced did not start".to_owned())?;
    Ok((child, go))
}

/// What a value is called on the command line.
fn name(value: impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// Traces a process that waits for a byte, and all that it starts, to the end.
fn trace(leader: Pid, mut go: ChildStdin) -> Result<u64, Failure> {
    let refused = || "could not trace the other processes".to_owned();
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(leader, options).while_doing(refused)?;
    ptrace::interrupt(leader).while_doing(refused)?;
    go.write_all(b"g")?;
    drop(go);
    let mut stops = 0_u64;
    loop {
        match waitpid(None, Some(WaitPidFlag::__WALL)) {
            Ok(WaitStatus::PtraceSyscall(process)) => {
                stops += 1;
                go_on(process, None)?;
            }
            Ok(WaitStatus::PtraceEvent(process, ..)) => go_on(process, None)?,
            Ok(WaitStatus::Stopped(process, signal)) => go_on(process, Some(signal))?,
            Ok(WaitStatus::Exited(process, status)) if process == leader && status != 0 => {
                return Err(Failure::new(format!("the traced process ended with status {status}")));
            }
            Ok(WaitStatus::Signaled(process, signal, _)) if process == leader => {
                return Err(Failure::new(format!("the traced process was ended by {signal}")));
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(Errno::ECHILD) => break,
            Err(error) => return Err(error.into()),
        }
    }
    // Once as it begins, once as it ends.
    Ok(stops / 2)
}

/// Lets a stopped thread go on to its next system call.
fn go_on(thread: Pid, signal: Option<nix::sys::signal::Signal>) -> Result<(), Failure> {
    match ptrace::syscall(thread, signal) {
        // It has been killed meanwhile.
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Runs the traced leader.
///
/// # Errors
///
/// What could not be done.
pub fn lead(counted: &Counted, brought: Brought) -> Result<(), Failure> {
    std::io::stdout().write_all(b"t")?;
    std::io::stdout().flush()?;
    // Until it is traced.
    std::io::stdin().read_exact(&mut [0])?;
    let second = Second::start(counted.core)?;
    let refused = |unopened| match unopened {
        super::leader::Unopened::Refused(failure) | super::leader::Unopened::Lost(failure) => failure,
    };
    let Counted { mechanism, mode, size, .. } = *counted;
    match mechanism {
        Mechanism::Twinring => trips(second.connect(mode, size, false)?.0, counted),
        Mechanism::TwinringCall | Mechanism::TwinringCallShared => trips(second.call(mechanism, mode, false)?, counted),
        _ if mechanism.is_rival() => {
            trips(second.rival(brought, Subject { mechanism, mode }, size).map_err(refused)?, counted)
        }
        _ if mechanism.is_semaphores() => trips(second.exchange(mechanism, size).map_err(refused)?, counted),
        _ => trips(second.carry(mechanism, size).map_err(refused)?, counted),
    }
}

fn trips(mut opened: impl Opened, counted: &Counted) -> Result<(), Failure> {
    opened.trips(counted.size, Budget::of(counted.trips), Clock::calibrated())?;
    opened.close()
}

//! A process under `ptrace(2)`: it goes an instruction, or a system call, or as far as an instruction at a time.
//!
//! Only its first thread is traced: what the library runs beside it runs on, as it would, until all of them are killed.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::fs;
use std::mem::offset_of;
use std::thread;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::waits::SLEEPS;

/// Ends a stretch that is of interest, and begins one: a process that is traced stops here, any other dies.
pub fn mark() {
    // SAFETY: a breakpoint touches no memory and no register.
    unsafe { std::arch::asm!("int3", options(nomem, nostack)) };
}

/// Why a process has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It has come as far as was asked.
    There,
    /// It has come to a [`mark`].
    Marked,
}

/// The stops between two marks at which a process can be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// So many instructions after the mark.
    Steps(usize),
    /// So many instructions after this address was come to, so many times.
    Address { address: i64, times: usize, steps: usize },
    /// At the entry or the exit of a system call, counted from the mark, and so many instructions on.
    Call { stops: usize, steps: usize },
    /// Asleep.
    Asleep,
    /// At the second mark.
    End,
}

/// Goes on so many times, or to a mark.
fn again(times: usize, mut go_on: impl FnMut() -> Stop) -> Stop {
    (0..times).map(|_| go_on()).find(|&stop| stop == Stop::Marked).unwrap_or(Stop::There)
}

/// A process, traced. Killed when dropped, as it is with the thread that traces it.
pub struct Traced {
    pid: Pid,
    ended: bool,
}

impl Traced {
    /// Takes hold of a process, which goes on.
    pub fn seize(pid: i32) -> Self {
        let options = Options::PTRACE_O_EXITKILL | Options::PTRACE_O_TRACESYSGOOD;
        let advice = "ptrace is refused here (a sandbox, or /proc/sys/kernel/yama/ptrace_scope): nothing can be tested";
        ptrace::seize(Pid::from_raw(pid), options).expect(advice);
        Self { pid: Pid::from_raw(pid), ended: false }
    }

    /// Waits for its next stop; calls `asleep`, if there is one, once it sleeps in a system call instead.
    fn stopped(&self, asleep: Option<&dyn Fn()>) -> Stop {
        let status = match asleep {
            None => waitpid(self.pid, Some(WaitPidFlag::__WALL)).expect("a traced process"),
            Some(asleep) => self.stopped_or(asleep),
        };
        match status {
            WaitStatus::PtraceSyscall(_) => Stop::There,
            WaitStatus::Stopped(_, Signal::SIGTRAP) => self.trapped(),
            other => panic!("expected a process that goes step by step, came {other:?}"),
        }
    }

    fn stopped_or(&self, asleep: &dyn Fn()) -> WaitStatus {
        let flags = WaitPidFlag::__WALL | WaitPidFlag::WNOHANG;
        for turn in 1.. {
            match waitpid(self.pid, Some(flags)).expect("a traced process") {
                WaitStatus::StillAlive if turn % 16 == 0 && self.is_asleep() => asleep(),
                WaitStatus::StillAlive => thread::yield_now(),
                status => return status,
            }
        }
        unreachable!("it stops, or its alarm stops it")
    }

    /// A breakpoint instruction is reported as the kernel's own signal, a step or a watched address is not.
    fn trapped(&self) -> Stop {
        let info = ptrace::getsiginfo(self.pid).expect("why it has stopped");
        if info.si_code == libc::SI_KERNEL { Stop::Marked } else { Stop::There }
    }

    fn is_asleep(&self) -> bool {
        let call = fs::read_to_string(format!("/proc/{}/syscall", self.pid)).unwrap_or_default();
        call.split_whitespace().next().and_then(|number| number.parse().ok()).is_some_and(|call| SLEEPS.contains(&call))
    }

    /// Waits until it has come to its first mark: it was not stopped before.
    pub fn until_marked(&self) {
        assert_eq!(self.stopped(None), Stop::Marked);
    }

    fn to_mark(&self, asleep: Option<&dyn Fn()>) {
        self.go_on();
        assert_eq!(self.stopped(asleep), Stop::Marked);
    }

    fn go_on(&self) {
        ptrace::cont(self.pid, None).expect("a stopped process");
    }

    fn step(&self, asleep: Option<&dyn Fn()>) -> Stop {
        ptrace::step(self.pid, None).expect("a stopped process");
        self.stopped(asleep)
    }

    fn to_call(&self, asleep: Option<&dyn Fn()>) -> Stop {
        ptrace::syscall(self.pid, None).expect("a stopped process");
        self.stopped(asleep)
    }

    fn counter(&self) -> i64 {
        let rip = offset_of!(libc::user, regs) + offset_of!(libc::user_regs_struct, rip);
        ptrace::read_user(self.pid, rip as *mut c_void).expect("its program counter")
    }

    /// The address of each instruction from here to the next mark, `most` at most.
    pub fn instructions(&self, most: usize, asleep: Option<&dyn Fn()>) -> Vec<i64> {
        let mut addresses = vec![self.counter()];
        while addresses.len() < most && self.step(asleep) == Stop::There {
            addresses.push(self.counter());
        }
        addresses
    }

    /// How often it enters and leaves the kernel from here to the next mark.
    pub fn calls(&self, asleep: Option<&dyn Fn()>) -> usize {
        (0..).take_while(|_| self.to_call(asleep) == Stop::There).count()
    }

    /// Goes on from a mark to a point, or to the next mark if that comes before it.
    pub fn go_to(&self, point: Point, asleep: Option<&dyn Fn()>) {
        let (stop, steps) = match point {
            Point::Steps(steps) => (Stop::There, steps),
            Point::Address { address, times, steps } => (self.to_address(address, times, asleep), steps),
            Point::Call { stops, steps } => (again(stops, || self.to_call(asleep)), steps),
            Point::Asleep => return self.fall_asleep(),
            Point::End => return self.to_mark(asleep),
        };
        if stop == Stop::There {
            again(steps, || self.step(asleep));
        }
    }

    /// Goes on until it is about to execute the instruction there, so many times, by one of the processor's own breakpoints: they are a
    /// thread's, so those that are not traced do not meet it.
    fn to_address(&self, address: i64, times: usize, asleep: Option<&dyn Fn()>) -> Stop {
        self.set_debug(0, address);
        self.set_debug(7, 1);
        let stop = again(times, || {
            self.go_on();
            self.stopped(asleep)
        });
        self.set_debug(7, 0);
        stop
    }

    fn set_debug(&self, register: usize, value: i64) {
        let at = offset_of!(libc::user, u_debugreg) + register * size_of::<i64>();
        ptrace::write_user(self.pid, at as *mut c_void, value).expect("a processor with breakpoints");
    }

    fn fall_asleep(&self) {
        self.go_on();
        let started = Instant::now();
        while !self.is_asleep() {
            assert!(started.elapsed() < Duration::from_secs(15), "it does not fall asleep");
            thread::yield_now();
        }
    }

    /// Kills it; when that was. It has ended, and been taken note of, when this returns.
    pub fn kill(mut self) -> Instant {
        let killed = Instant::now();
        self.end();
        killed
    }

    fn end(&mut self) {
        self.ended = true;
        // It fails if the process has ended by itself, and been taken note of.
        let _ = kill(self.pid, Signal::SIGKILL);
        // A stop that had not been taken note of may come before its end.
        while let Ok(status) = waitpid(self.pid, Some(WaitPidFlag::__WALL)) {
            if matches!(status, WaitStatus::Signaled(..) | WaitStatus::Exited(..)) {
                return;
            }
        }
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        if !self.ended {
            self.end();
        }
    }
}

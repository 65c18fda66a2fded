//! The leading side: starts the second process, and gives it orders.

use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Command, Stdio, exit};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use hdrhistogram::Histogram;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::Pid;
use twinring::Connection;

use super::carrier::{Asked, Carrier};
use super::clock::{Budget, Clock};
use super::control::{Control, Order, Reply, seqpacket_pair};
use super::pace::Pace;
use super::paced::{self, Paced};
use super::passed::Passed;
use super::plan::{Mechanism, Mode, Subject};
use super::rivals::Brought;
use super::streams::{self, Flow};
use super::trips::Trips;
use super::{calls, floor, load, ours, semaphores, tour, trips};
use crate::failure::{Context, Failure};
use crate::machine;
use crate::os::{processor, signal};

/// The second process, seen from the leader.
#[derive(Debug)]
pub struct Second {
    control: Control,
    process: i32,
    expected: Arc<AtomicBool>,
}

/// Why a mechanism could not be opened.
#[derive(Debug)]
pub enum Unopened {
    /// It cannot be had, or cannot carry so much: others can be measured.
    Refused(Failure),
    /// The second process has gone: nothing can.
    Lost(Failure),
}

/// The hidden subcommand that runs the second process.
pub const SUBCOMMAND: &str = "second";

/// How long the reason is waited for, once something has gone wrong.
const REASON: Duration = Duration::from_secs(1);

impl Second {
    /// Starts this program a second time, on `core` if there is one.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start(core: Option<usize>) -> Result<Self, Failure> {
        // Before the first thread, which inherits it.
        signal::block()?;
        let (control, inherited) = Control::pair()?;
        let mut command = Command::new("/proc/self/exe");
        command.arg(SUBCOMMAND).stdin(Stdio::from(inherited)).stdout(Stdio::null());
        if let Some(core) = core {
            command.arg("--core").arg(core.to_string());
        }
        let mut child = command.spawn().while_doing(|| "could not start the second process".to_owned())?;
        let process = Pid::from_child(&child).as_raw_nonzero().get();
        let expected = Arc::new(AtomicBool::new(false));
        let end_expected = Arc::clone(&expected);
        // The leader may be spinning or asleep on a word that nobody will change any more: only its end helps then.
        thread::spawn(move || {
            let ended = child.wait();
            if !end_expected.swap(true, Ordering::AcqRel) {
                let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
                eprintln!("twinring: the second process ended before its time: {how}");
                exit(1);
            }
        });
        Ok(Self { control, process, expected })
    }

    /// Gives an order and waits until the other side is ready.
    fn order(&self, order: Order, descriptors: &[BorrowedFd<'_>]) -> Result<(), Failure> {
        self.control.send(&order, descriptors)?;
        self.expect_ready(order)
    }

    fn expect_ready(&self, order: Order) -> Result<(), Failure> {
        match self.control.receive::<Reply>()? {
            Some((Reply::Ready, _)) => Ok(()),
            other => Err(refusal(order, other.map(|(reply, _)| reply))),
        }
    }

    /// What the other side has recorded, now that it is done.
    fn expect_done(&self, order: Order) -> Result<Vec<(u64, u64)>, Failure> {
        match self.control.receive::<Reply>()? {
            Some((Reply::Done(recorded), _)) => Ok(recorded),
            other => Err(refusal(order, other.map(|(reply, _)| reply))),
        }
    }

    /// Runs this side's part of an order, which the other side must have carried out, too.
    fn together<T>(
        &self,
        order: Order,
        descriptors: &[BorrowedFd<'_>],
        work: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.recorded_together(order, descriptors, work).map(|(done, _)| done)
    }

    /// The same, with what the other side has recorded.
    fn recorded_together<T>(
        &self,
        order: Order,
        descriptors: &[BorrowedFd<'_>],
        work: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<(T, Vec<(u64, u64)>), Failure> {
        self.order(order, descriptors)?;
        // If this side failed because the other did, the other's reason is the better one.
        let done = work().map_err(|failure| self.reason(order).unwrap_or(failure))?;
        self.expect_done(order).map(|recorded| (done, recorded))
    }

    /// The processor time that the second process has used so far.
    ///
    /// # Errors
    ///
    /// If it has gone.
    pub fn used(&self) -> Result<Duration, Failure> {
        Ok(processor::used_by(self.process)?)
    }

    /// The memory that both processes hold, in bytes.
    pub fn memory(&self) -> Option<u64> {
        machine::memory_of(std::process::id())
            .zip(machine::memory_of(self.process.unsigned_abs()))
            .map(|(own, theirs)| own + theirs)
    }

    fn close(&self) -> Result<(), Failure> {
        self.control.send(&Order::Close, &[])?;
        self.expect_done(Order::Close).map(drop)
    }

    fn reason(&self, order: Order) -> Option<Failure> {
        let timeout = REASON.try_into().ok()?;
        let ready = poll(&mut [PollFd::new(&self.control, PollFlags::IN)], Some(&timeout)).ok()?;
        let reply = if ready > 0 { self.control.receive::<Reply>().ok()?.map(|(reply, _)| reply) } else { None };
        matches!(reply, Some(Reply::Failed(_))).then(|| refusal(order, reply))
    }

    /// The walking floor.
    ///
    /// # Errors
    ///
    /// If there is no memory for it.
    pub fn floor(&self, budget: Budget, clock: Clock) -> Result<Histogram<u64>, Failure> {
        let (own, theirs) = (floor::shared_memory(floor::BYTES)?, floor::shared_memory(floor::BYTES)?);
        let lines = floor::Lines::new(own.as_fd(), theirs.as_fd())?;
        self.together(Order::Floor, &[own.as_fd(), theirs.as_fd()], || Ok(floor::ask(&lines, budget, clock)))
    }

    /// Connects the two processes for messages of at most `largest` bytes, for as long as the result lives.
    ///
    /// # Errors
    ///
    /// If either side cannot set up the connection.
    pub fn connect(
        &self,
        mode: Mode,
        largest: usize,
        huge_pages: bool,
    ) -> Result<(Connected<'_, ours::Ends>, String), Failure> {
        let connection =
            self.open(Order::Open { mechanism: Mechanism::Twinring, mode, ring: ours::capacity(largest), huge_pages })?;
        let pages = connection.pages().to_string();
        Ok((Connected { second: self, carrier: ours::Ends::new(connection), streams: true }, pages))
    }

    /// Opens one of the system's mechanisms on both sides for messages of `size` bytes, for as long as the result lives.
    ///
    /// # Errors
    ///
    /// If it cannot be had, or cannot carry so much.
    pub fn carry(&self, mechanism: Mechanism, size: usize) -> Result<Connected<'_, Box<dyn Carrier>>, Unopened> {
        let (carrier, passed) = tour::open(mechanism, size, self.process).map_err(Unopened::Refused)?;
        self.join(mechanism, Mode::Park, size, passed)?;
        Ok(Connected { second: self, carrier, streams: mechanism.streams() })
    }

    /// Opens the classic design on both sides, for as long as the result lives.
    ///
    /// # Errors
    ///
    /// If it cannot be had, or cannot carry so much.
    pub fn exchange(&self, mechanism: Mechanism, size: usize) -> Result<Exchanging<'_>, Unopened> {
        let (caller, passed) = semaphores::open(mechanism, size).map_err(Unopened::Refused)?;
        self.join(mechanism, Mode::Park, size, passed)?;
        Ok(Exchanging { second: self, caller })
    }

    /// Opens another library on both sides for messages of `size` bytes, for as long as the result lives.
    ///
    /// # Errors
    ///
    /// If it cannot be had, or cannot carry so much.
    pub fn rival(
        &self,
        brought: Brought,
        subject: Subject,
        size: usize,
    ) -> Result<Connected<'_, Box<dyn Carrier>>, Unopened> {
        let Subject { mechanism, mode } = subject;
        let (half_open, passed) = brought.open(mechanism, mode, size).map_err(Unopened::Refused)?;
        self.join(mechanism, mode, size, passed)?;
        let carrier = half_open().map_err(Unopened::Lost)?;
        Ok(Connected { second: self, carrier, streams: mechanism.streams() })
    }

    fn join(&self, mechanism: Mechanism, mode: Mode, size: usize, passed: Passed) -> Result<(), Unopened> {
        let descriptors: Vec<BorrowedFd<'_>> = passed.descriptors.iter().map(AsFd::as_fd).collect();
        let order = Order::Join { mechanism, mode, size, ids: passed.ids };
        self.control.send(&order, &descriptors).map_err(Unopened::Lost)?;
        match self.control.receive::<Reply>().map_err(Unopened::Lost)? {
            Some((Reply::Ready, _)) => Ok(()),
            Some((Reply::Failed(why), _)) => Err(Unopened::Refused(Failure::new(why))),
            other => Err(Unopened::Lost(refusal(order, other.map(|(reply, _)| reply)))),
        }
    }

    /// Makes a session of the two processes in the form that `mechanism` is about, for as long as the result lives.
    ///
    /// # Errors
    ///
    /// If either side cannot set it up.
    pub fn call(&self, mechanism: Mechanism, mode: Mode, huge_pages: bool) -> Result<Calling<'_>, Failure> {
        let order = Order::Open { mechanism, mode, ring: ours::capacity(0), huge_pages };
        let caller = calls::Caller::new(self.open(order)?, mechanism)?;
        Ok(Calling { second: self, caller, order })
    }

    fn open(&self, order: Order) -> Result<Connection, Failure> {
        let Order::Open { mode, ring, huge_pages, .. } = order else { unreachable!("{order:?} opens nothing") };
        let (own, theirs) = seqpacket_pair()?;
        self.control.send(&order, &[theirs.as_fd()])?;
        drop(theirs);
        let connection =
            ours::connect(own, mode, ring, huge_pages).map_err(|failure| self.reason(order).unwrap_or(failure))?;
        self.expect_ready(order)?;
        Ok(connection)
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        // What the thread that waits for its end says of that is the better reason, and one line is enough.
        while self.expected.swap(true, Ordering::AcqRel) {
            thread::park();
        }
    }
}

#[cold]
fn refusal(order: Order, reply: Option<Reply>) -> Failure {
    match reply {
        Some(Reply::Failed(why)) => Failure::new(format!("the second process: {why}")),
        Some(reply) => Failure::new(format!("the second process answered {reply:?} to {order:?}")),
        None => Failure::new(format!("the second process has gone; it was asked for {order:?}")),
    }
}

/// What is open between the two processes, for messages of one size or of any.
pub trait Opened: Sized {
    /// Round trips of `size` bytes, one right after the other.
    ///
    /// # Errors
    ///
    /// If one fails, or an answer is wrong.
    fn trips(&mut self, size: usize, budget: Budget, clock: Clock) -> Result<Trips, Failure>;

    /// Round trips of `size` bytes, so many a second.
    ///
    /// # Errors
    ///
    /// If one fails, or an answer is wrong.
    fn paced(&mut self, size: usize, rate: u32, budget: Budget) -> Result<Paced, Failure>;

    /// Messages of `size` bytes one way, as many as there is time for; `None` where each must be answered first.
    ///
    /// # Errors
    ///
    /// If one fails, or is wrong.
    fn stream(&mut self, _size: usize, _budget: Budget) -> Result<Option<Flow>, Failure> {
        Ok(None)
    }

    /// Messages of `size` bytes one way, so many a second, and the nanoseconds that each took.
    ///
    /// # Errors
    ///
    /// If one fails, or is wrong; or if this answers every message.
    fn load(&mut self, _size: usize, _rate: u32, _budget: Budget) -> Result<(Flow, Histogram<u64>), Failure> {
        Err(Failure::new("what answers every message does not stream"))
    }

    /// Takes it down on both sides.
    ///
    /// # Errors
    ///
    /// If the second process has gone.
    fn close(self) -> Result<(), Failure>;
}

/// A carrier whose other side the second process serves.
pub struct Connected<'a, C> {
    second: &'a Second,
    carrier: C,
    /// Whether it can carry one message after the other.
    streams: bool,
}

impl<C: Carrier> Opened for Connected<'_, C> {
    fn trips(&mut self, size: usize, budget: Budget, clock: Clock) -> Result<Trips, Failure> {
        let Self { second, carrier, .. } = self;
        second.together(Order::Trips { size }, &[], || trips::ask(carrier, size, budget, clock))
    }

    fn paced(&mut self, size: usize, rate: u32, budget: Budget) -> Result<Paced, Failure> {
        let Self { second, carrier, .. } = self;
        second.together(Order::Trips { size }, &[], || paced::ask(carrier, size, Pace::new(rate, budget.timed)))
    }

    fn stream(&mut self, size: usize, budget: Budget) -> Result<Option<Flow>, Failure> {
        let Self { second, carrier, streams } = self;
        let pour = || streams::pour(carrier, size, budget);
        if *streams { second.together(Order::Stream { size }, &[], pour).map(Some) } else { Ok(None) }
    }

    fn load(&mut self, size: usize, rate: u32, budget: Budget) -> Result<(Flow, Histogram<u64>), Failure> {
        let Self { second, carrier, .. } = self;
        let pour = || load::pour(carrier, size, Pace::new(rate, budget.timed));
        let (flow, times) = second.recorded_together(Order::Load { size }, &[], pour)?;
        Ok((flow, load::recorded(&times)))
    }

    fn close(self) -> Result<(), Failure> {
        self.second.close()
    }
}

/// The classic design, whose other side the second process's threads serve.
pub struct Exchanging<'a> {
    second: &'a Second,
    caller: Box<dyn Asked>,
}

impl Opened for Exchanging<'_> {
    fn trips(&mut self, size: usize, budget: Budget, clock: Clock) -> Result<Trips, Failure> {
        trips::ask(&mut self.caller, size, budget, clock)
    }

    fn paced(&mut self, size: usize, rate: u32, budget: Budget) -> Result<Paced, Failure> {
        paced::ask(&mut self.caller, size, Pace::new(rate, budget.timed))
    }

    fn close(self) -> Result<(), Failure> {
        self.second.close()
    }
}

/// A session whose other side the second process serves.
pub struct Calling<'a> {
    second: &'a Second,
    caller: calls::Caller,
    order: Order,
}

impl Opened for Calling<'_> {
    fn trips(&mut self, size: usize, budget: Budget, clock: Clock) -> Result<Trips, Failure> {
        let asked = match &mut self.caller {
            calls::Caller::Local(session) => trips::ask(&mut **session, size, budget, clock),
            calls::Caller::Shared(session) => trips::ask(session, size, budget, clock),
        };
        asked.map_err(|failure| self.second.reason(self.order).unwrap_or(failure))
    }

    fn paced(&mut self, size: usize, rate: u32, budget: Budget) -> Result<Paced, Failure> {
        let pace = Pace::new(rate, budget.timed);
        let asked = match &mut self.caller {
            calls::Caller::Local(session) => paced::ask(&mut **session, size, pace),
            calls::Caller::Shared(session) => paced::ask(session, size, pace),
        };
        asked.map_err(|failure| self.second.reason(self.order).unwrap_or(failure))
    }

    fn close(self) -> Result<(), Failure> {
        // The other side may serve until this one has left, and hears of no order before.
        drop(self.caller);
        self.second.close()
    }
}

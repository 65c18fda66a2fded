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
use super::passed::Passed;
use super::plan::{Mechanism, Mode};
use super::streams::{self, Flow};
use super::{calls, floor, futex, ours, semaphores, tour, trips};
use crate::failure::{Context, Failure};
use crate::os::signal;

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

    fn expect_done(&self, order: Order) -> Result<(), Failure> {
        match self.control.receive::<Reply>()? {
            Some((Reply::Done, _)) => Ok(()),
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
        self.order(order, descriptors)?;
        // If this side failed because the other did, the other's reason is the better one.
        let done = work().map_err(|failure| self.reason(order).unwrap_or(failure))?;
        self.expect_done(order).map(|()| done)
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

    /// The bare futex.
    ///
    /// # Errors
    ///
    /// If there is no memory for it.
    pub fn futex(&self, budget: Budget, clock: Clock) -> Result<Histogram<u64>, Failure> {
        let shared = floor::shared_memory(futex::BYTES)?;
        let words = futex::Words::new(shared.as_fd())?;
        self.together(Order::Futex, &[shared.as_fd()], || Ok(futex::ask(&words, budget, clock)))
    }

    /// Connects the two processes, for as long as the result lives.
    ///
    /// # Errors
    ///
    /// If either side cannot set up the connection.
    pub fn connect(&self, mode: Mode, huge_pages: bool) -> Result<(Connected<'_, ours::Ends>, String), Failure> {
        let connection = self.open(Order::Open { mechanism: Mechanism::Twinring, mode, huge_pages })?;
        let pages = connection.pages().to_string();
        Ok((Connected { second: self, carrier: ours::Ends::new(connection) }, pages))
    }

    /// Opens one of the system's mechanisms on both sides for messages of `size` bytes, for as long as the result lives.
    ///
    /// # Errors
    ///
    /// If it cannot be had, or cannot carry so much.
    pub fn carry(&self, mechanism: Mechanism, size: usize) -> Result<Connected<'_, Box<dyn Carrier>>, Unopened> {
        let (carrier, passed) = tour::open(mechanism, size, self.process).map_err(Unopened::Refused)?;
        self.join(mechanism, size, passed)?;
        Ok(Connected { second: self, carrier })
    }

    /// Opens the classic design on both sides, for as long as the result lives.
    ///
    /// # Errors
    ///
    /// If it cannot be had, or cannot carry so much.
    pub fn exchange(&self, mechanism: Mechanism, size: usize) -> Result<Exchanging<'_>, Unopened> {
        let (caller, passed) = semaphores::open(mechanism, size).map_err(Unopened::Refused)?;
        self.join(mechanism, size, passed)?;
        Ok(Exchanging { second: self, caller })
    }

    fn join(&self, mechanism: Mechanism, size: usize, passed: Passed) -> Result<(), Unopened> {
        let descriptors: Vec<BorrowedFd<'_>> = passed.descriptors.iter().map(AsFd::as_fd).collect();
        let order = Order::Join { mechanism, size, ids: passed.ids };
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
        let order = Order::Open { mechanism, mode, huge_pages };
        let caller = calls::Caller::new(self.open(order)?, mechanism)?;
        Ok(Calling { second: self, caller, order })
    }

    fn open(&self, order: Order) -> Result<Connection, Failure> {
        let Order::Open { mode, huge_pages, .. } = order else { unreachable!("{order:?} opens nothing") };
        let (own, theirs) = seqpacket_pair()?;
        self.control.send(&order, &[theirs.as_fd()])?;
        drop(theirs);
        let connection =
            ours::connect(own, mode, huge_pages).map_err(|failure| self.reason(order).unwrap_or(failure))?;
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

/// A carrier whose other side the second process serves.
pub struct Connected<'a, C> {
    second: &'a Second,
    carrier: C,
}

impl<C: Carrier> Connected<'_, C> {
    /// Round trips of `size` bytes.
    ///
    /// # Errors
    ///
    /// If the connection fails or an answer is wrong.
    pub fn trips(&mut self, size: usize, budget: Budget, clock: Clock) -> Result<Histogram<u64>, Failure> {
        let Self { second, carrier } = self;
        second.together(Order::Trips { size }, &[], || trips::ask(carrier, size, budget, clock))
    }

    /// A stream of messages of `size` bytes.
    ///
    /// # Errors
    ///
    /// If the connection fails or a message is wrong.
    pub fn stream(&mut self, size: usize, budget: Budget) -> Result<Flow, Failure> {
        let Self { second, carrier } = self;
        second.together(Order::Stream { size }, &[], || streams::pour(carrier, size, budget))
    }

    /// Takes it down on both sides.
    ///
    /// # Errors
    ///
    /// If the second process has gone.
    pub fn close(self) -> Result<(), Failure> {
        self.second.control.send(&Order::Close, &[])?;
        self.second.expect_done(Order::Close)
    }
}

/// The classic design, whose other side the second process's threads serve.
pub struct Exchanging<'a> {
    second: &'a Second,
    caller: Box<dyn Asked>,
}

impl Exchanging<'_> {
    /// Calls with `size` bytes, which are the reply too.
    ///
    /// # Errors
    ///
    /// If the exchange fails or a reply is wrong.
    pub fn trips(&mut self, size: usize, budget: Budget, clock: Clock) -> Result<Histogram<u64>, Failure> {
        trips::ask(&mut self.caller, size, budget, clock)
    }

    /// Takes it down on both sides.
    ///
    /// # Errors
    ///
    /// If the second process has gone.
    pub fn close(self) -> Result<(), Failure> {
        self.second.control.send(&Order::Close, &[])?;
        self.second.expect_done(Order::Close)
    }
}

/// A session whose other side the second process serves.
pub struct Calling<'a> {
    second: &'a Second,
    caller: calls::Caller,
    order: Order,
}

impl Calling<'_> {
    /// Calls with `size` bytes, which are the reply too.
    ///
    /// # Errors
    ///
    /// If the session fails or a reply is wrong.
    pub fn trips(&mut self, size: usize, budget: Budget, clock: Clock) -> Result<Histogram<u64>, Failure> {
        let asked = match &mut self.caller {
            calls::Caller::Local(session) => trips::ask(&mut **session, size, budget, clock),
            calls::Caller::Shared(session) => trips::ask(session, size, budget, clock),
        };
        asked.map_err(|failure| self.second.reason(self.order).unwrap_or(failure))
    }

    /// Takes the session down on both sides.
    ///
    /// # Errors
    ///
    /// If the other side has not ended in order.
    pub fn close(self) -> Result<(), Failure> {
        // The other side may serve until this one has left, and hears of no order before.
        drop(self.caller);
        self.second.control.send(&Order::Close, &[])?;
        self.second.expect_done(Order::Close)
    }
}

//! `twinring listen` and `twinring connect`: standard input to there, what comes from there to standard output.
//!
//! A thread for each direction, and one that watches the peer: a thread that is blocked in reading a terminal must not keep
//! the process from ending when the connection has died. A direction ends with its standard input (FIN), the other goes on.

mod inward;
mod outward;

use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::retry_on_intr;
use twinring::{Connection, Credentials, End, Options};

use crate::args::Over;
use crate::failure::{Context, Failure};
use crate::measure::plan::Mode;

/// How much is read and written at once.
const CHUNK: usize = 128 * 1024;

/// How long this side's last word may take to be heard from its own thread, once the peer has hung up.
const GRACE: Duration = Duration::from_millis(200);

/// Waits for one peer at `name`, and talks to it.
///
/// # Errors
///
/// If either direction does not end in order.
pub fn listen(name: &str, wait: Mode, over: Over) -> Result<(), Failure> {
    let mut listener = options(wait, over).bind(name)?;
    let connection = listener.accept()?;
    // The name is free again: this command talks to one peer.
    drop(listener);
    converse(connection)
}

/// Connects to `name`, which may take until `timeout` to be there, and talks to it.
///
/// # Errors
///
/// If either direction does not end in order.
pub fn connect(name: &str, timeout: Duration, wait: Mode, over: Over) -> Result<(), Failure> {
    let connection =
        options(wait, over).connect(name, timeout).while_doing(|| format!("could not connect to {name}"))?;
    converse(connection)
}

fn options(wait: Mode, over: Over) -> Options {
    Options::new().wait(wait.strategy()).transport(over.transport())
}

/// What ends a direction before its time.
enum Stop {
    /// The connection did.
    Ended(End),
    /// Something on this side did.
    Failed(Failure),
}

/// What the threads tell.
enum Event {
    /// Standard input has ended and the peer was told so, or not.
    Outward(u64, Option<Stop>),
    /// The peer's standard input has ended and was written out, or not.
    Inward(u64, Option<Stop>),
    /// The peer has hung up.
    HungUp,
}

fn converse(connection: Connection) -> Result<(), Failure> {
    let peer = who(connection.peer());
    let (sender, receiver) = connection.split();
    let socket = receiver.as_fd().try_clone_to_owned()?;
    let (tell, events) = mpsc::channel();
    let (tell_inward, tell_hang_up) = (tell.clone(), tell.clone());
    spawn(tell, move || outward::run(sender));
    spawn(tell_inward, move || inward::run(receiver));
    spawn(tell_hang_up, move || hang_up(&socket));
    conclude(&events, &peer)
}

/// Returning from `main` ends the threads: nobody has to join one that is blocked.
fn spawn(tell: Sender<Event>, work: impl FnOnce() -> Event + Send + 'static) {
    thread::spawn(move || {
        // Nobody listens any more once the command has failed.
        let _ = tell.send(work());
    });
}

/// Waits until the peer has closed the socket: it asks for no data, and takes none.
fn hang_up(socket: &OwnedFd) -> Event {
    while retry_on_intr(|| poll(&mut [PollFd::new(socket, PollFlags::RDHUP)], None)) == Ok(0) {}
    Event::HungUp
}

/// Waits until both directions have ended in order, or one has not.
fn conclude(events: &Receiver<Event>, peer: &str) -> Result<(), Failure> {
    let mut talk = Talk::default();
    while !talk.is_over() {
        // Once the peer is gone and has said all, only this side's last word can be on its way still.
        let event = if talk.is_lonely() { events.recv_timeout(GRACE).ok() } else { events.recv().ok() };
        match event {
            Some(Event::Outward(bytes, stop)) => talk.outward_ended(bytes, stop, peer)?,
            Some(Event::Inward(bytes, stop)) => talk.inward_ended(bytes, stop, peer)?,
            Some(Event::HungUp) => talk.hung_up = true,
            None => return Err(Failure::new(format!("{peer} left before standard input had ended"))),
        }
    }
    talk.failure.map_or(Ok(()), Err)
}

/// How far a talk has come.
#[derive(Default)]
struct Talk {
    outward_over: bool,
    inward_over: bool,
    hung_up: bool,
    /// Why it fails once everything that the peer had sent is written out.
    failure: Option<Failure>,
}

impl Talk {
    fn is_over(&self) -> bool {
        self.outward_over && self.inward_over
    }

    fn is_lonely(&self) -> bool {
        self.hung_up && self.inward_over
    }

    fn outward_ended(&mut self, bytes: u64, stop: Option<Stop>, peer: &str) -> Result<(), Failure> {
        self.outward_over = true;
        match stop {
            None => {}
            Some(Stop::Failed(failure)) => return Err(failure),
            Some(Stop::Ended(end)) => {
                let sent =
                    format!("{peer}: {end}; of standard input {bytes} bytes were sent, perhaps not all received");
                self.failure = Some(Failure::new(sent));
            }
        }
        Ok(())
    }

    fn inward_ended(&mut self, bytes: u64, stop: Option<Stop>, peer: &str) -> Result<(), Failure> {
        self.inward_over = true;
        match stop {
            None => Ok(()),
            Some(Stop::Failed(failure)) => Err(failure),
            Some(Stop::Ended(end)) => {
                Err(Failure::new(format!("{peer}: {end}; {bytes} bytes were received, and the end was not")))
            }
        }
    }
}

/// The peer, as a line of text calls it.
pub fn who(peer: Credentials) -> String {
    peer.pid.map_or_else(|| "a peer of another namespace".to_owned(), |pid| format!("process {pid}"))
}

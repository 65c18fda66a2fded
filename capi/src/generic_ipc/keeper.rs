//! The thread that finds the peer, stays with it until it has gone, and then finds the next.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use twinring::{Connection, Endpoint, Listener, Session, SessionOptions, connect};

use super::Handle;
use super::answering::Answering;
use super::shared::{REACH, Shared};

/// How this side finds the other.
pub enum Way {
    /// The server listens.
    Listen(Box<Listener>),
    /// The client tries to connect.
    Connect(Endpoint),
}

/// How long a client may take to connect once it has begun to.
const HANDSHAKE: Duration = Duration::from_secs(1);

/// How long to wait before trying again.
const PAUSE: Duration = Duration::from_millis(50);

/// Requests that are handled at the same time.
const WORKERS: usize = 2;

/// Handlers that may wait for requests of their own at the same time, and requests in flight: more than programs have threads.
const NESTING: usize = 512;
const IN_FLIGHT: u32 = 4096;

/// The largest message: what the sizes of the interface can say.
const LARGEST: usize = u32::MAX as usize;

/// Runs until this side is to end.
pub fn keep(shared: &Arc<Shared>, mut way: Way, handler: Handle) {
    let mut partings = Vec::new();
    while !shared.is_ending() {
        if let Some(connection) = way.meet(shared) {
            partings.extend(stay(shared, connection, handler));
            partings.retain(|parting: &JoinHandle<()>| !parting.is_finished());
        }
    }
    drop(way);
    for parting in partings {
        // It panics in no way that could be mended here.
        let _ = parting.join();
    }
}

impl Way {
    /// Waits for the other side, for a while.
    fn meet(&mut self, shared: &Shared) -> Option<Connection> {
        match self {
            Self::Listen(listener) => {
                shared.wait(&[(listener.as_fd(), PollFlags::IN)], None);
                let comes = is_ready(listener.as_fd(), PollFlags::IN);
                comes
                    .then(|| listener.accept_timeout(HANDSHAKE))
                    .and_then(|accepted| rest_unless(shared, accepted.ok()))
            }
            Self::Connect(endpoint) => rest_unless(shared, connect(&*endpoint, REACH).ok()),
        }
    }
}

/// What was found; a pause if nothing was.
fn rest_unless(shared: &Shared, found: Option<Connection>) -> Option<Connection> {
    if found.is_none() {
        shared.wait(&[], Some(PAUSE));
    }
    found
}

/// Serves the other side until it has gone, or this side is to end. The session then ends on a thread of its own, which is
/// returned: a handler that is slow to return must not keep the next peer waiting.
fn stay(shared: &Arc<Shared>, mut connection: Connection, handler: Handle) -> Option<JoinHandle<()>> {
    let socket = Arc::new(connection.ends().1.as_fd().try_clone_to_owned().ok()?);
    let process = process_of(&connection);
    let session = Session::new(connection, &options(), Answering(handler)).ok()?;
    shared.meet(session, Arc::clone(&socket));
    // A forked child of the peer may hold the socket open, so its process is watched, too.
    let hang_up = (socket.as_fd(), PollFlags::empty());
    let sources: Vec<_> =
        [hang_up].into_iter().chain(process.iter().map(|process| (process.as_fd(), PollFlags::IN))).collect();
    while !shared.is_ending() && !sources.iter().any(|&(source, flags)| is_ready(source, flags)) {
        shared.wait(&sources, None);
    }
    let session = shared.part()?;
    thread::Builder::new().name("generic_ipc-part".into()).spawn(move || drop(session)).ok()
}

fn process_of(connection: &Connection) -> Option<OwnedFd> {
    let pid = Pid::from_raw(connection.peer().pid?.cast_signed())?;
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

fn options() -> SessionOptions {
    let options = SessionOptions::new().workers(WORKERS).nesting(NESTING);
    options.calls_in_flight(IN_FLIGHT).largest_message(LARGEST)
}

/// Whether a source has what is asked for, or has hung up.
fn is_ready(source: std::os::fd::BorrowedFd<'_>, flags: PollFlags) -> bool {
    let mut source = [PollFd::from_borrowed_fd(source, flags)];
    poll(&mut source, Some(&Default::default())).is_ok_and(|ready| ready > 0)
}

//! Being asked: the thread that hands the ledger out.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};

use super::packet::Handed;
use super::place;
use crate::ledger::Book;
use crate::os::clock::Deadline;
use crate::os::credentials::{self, Credentials};
use crate::os::event::Event;
use crate::os::lock::Lock;
use crate::os::socket;
use crate::trace::tell;

/// Lets other processes of this user see what the connections of this one count, for as long as a handle to it lives.
///
/// Connections that are made from then on are shown; those before are not. The first call starts a thread, which sleeps until
/// somebody asks; every later call returns another handle to the same.
///
/// ```
/// let _monitor = twinring::Monitor::start()?;
/// let (mut here, _there) = twinring::pair()?;
/// here.ends().0.send(b"seen")?;
///
/// let mut process = twinring::monitored()?.into_iter().find(|process| process.pid() == std::process::id()).unwrap();
/// process.open()?;
/// let sent: u64 = process.connections().iter().map(|connection| connection.sender.messages).sum();
/// assert_eq!(sent, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Monitor(#[expect(dead_code, reason = "kept alive")] Arc<Running>);

/// Connections that are shown at a time, if it was not chosen how many.
const ENTRIES: usize = 256;

/// Others that ask at the same time; more are turned away.
const MOST_ASKING: usize = 16;

/// The thread, and what it answers with.
struct Running {
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
    process: u32,
    path: PathBuf,
    /// Released last: while it is held, the path is ours.
    _lock: Lock,
}

struct Desk {
    socket: OwnedFd,
    stop: Event,
    book: Arc<Book>,
}

impl Monitor {
    /// Lets up to 256 connections be seen at a time.
    ///
    /// # Errors
    ///
    /// If memory, descriptors or the thread cannot be had, or the user's directory cannot be used.
    pub fn start() -> io::Result<Self> {
        Self::start_for(ENTRIES)
    }

    /// Lets up to `connections` be seen at a time, between 1 and 16,384, at 4 KiB each. More work as well, and are not seen. If
    /// the process has a monitor already, that stays as it is.
    ///
    /// # Errors
    ///
    /// As [`Monitor::start`].
    pub fn start_for(connections: usize) -> io::Result<Self> {
        static CURRENT: Mutex<Weak<Running>> = Mutex::new(Weak::new());
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        match current.upgrade() {
            Some(running) if running.process == std::process::id() => Ok(Self(running)),
            // None yet, or the parent's.
            inherited => {
                std::mem::forget(inherited);
                let running = Arc::new(Running::start(connections)?);
                *current = Arc::downgrade(&running);
                Ok(Self(running))
            }
        }
    }
}

impl Running {
    fn start(connections: usize) -> io::Result<Self> {
        let process = std::process::id();
        let path = place::socket_of(process)?;
        let lock = place::take(&path)?;
        let book = Book::open(connections)?;
        let socket = socket::listen_at(&path, 0o600)?;
        let desk = Arc::new(Desk { socket, stop: Event::new()?, book });
        let mut running = Self { desk, thread: None, process, path, _lock: lock };
        let desk = Arc::clone(&running.desk);
        running.thread = Some(thread::Builder::new().name("twinring-monitor".into()).spawn(move || desk.answer_all())?);
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let thread = self.thread.take();
        if self.process != std::process::id() {
            // The thread is the parent's.
            std::mem::forget(thread);
            return;
        }
        // One that cannot be told is not waited for. It does not panic; and a failure leaves a stale socket, which whoever looks
        // removes.
        let _ = thread.filter(|_| self.desk.stop.raise()).map(JoinHandle::join);
        let _ = rustix::fs::unlink(&self.path);
    }
}

impl Desk {
    /// Answers until it is stopped.
    fn answer_all(&self) {
        let mut asking: Vec<OwnedFd> = Vec::new();
        loop {
            let sockets = [self.stop.as_fd(), self.socket.as_fd()].into_iter().chain(asking.iter().map(AsFd::as_fd));
            let woken = socket::wait_readable(sockets, Deadline::NEVER);
            if woken.is_err() || socket::is_readable(self.stop.as_fd()) {
                return;
            }
            asking.retain(|client| self.answer(client));
            // A failure to accept, for want of descriptors, concerns who asks: it hears nothing, and gives up.
            while let Ok(Some(client)) = socket::accept(self.socket.as_fd()) {
                if asking.len() < MOST_ASKING && self.hand_out(&client) {
                    asking.push(client);
                }
            }
        }
    }

    /// Sends the ledger to who may have it; whether it was.
    fn hand_out(&self, client: &OwnedFd) -> bool {
        let peer = credentials::of_peer(client.as_fd());
        if !peer.as_ref().is_ok_and(may_ask) {
            tell!(warn, peer = ?peer, "not shown what is counted here");
            return false;
        }
        self.book.look();
        let (file, bytes) = self.book.file();
        socket::send_packet(client.as_fd(), &Handed { bytes }.encode(), Some(file)).is_ok()
    }

    /// Looks at what nobody counts, if this client asks for it; `false` if it has gone.
    fn answer(&self, client: &OwnedFd) -> bool {
        let mut byte = [0; 1];
        match socket::receive_packet(client.as_fd(), &mut byte) {
            Ok(None) => true,
            Ok(Some(packet)) if packet.length == 1 && !packet.truncated => {
                self.book.look();
                socket::send_packet(client.as_fd(), &byte, None).is_ok()
            }
            _ => false,
        }
    }
}

/// Processes of the same user, and root may not pass for it.
fn may_ask(peer: &Credentials) -> bool {
    peer.uid.is_some() && peer.uid == Credentials::own().uid
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("path", &self.path).finish_non_exhaustive()
    }
}

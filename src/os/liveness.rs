//! Noticing deaths: one thread watches the sockets and processes of all peers.
//!
//! A hang-up of the control socket says that the peer is gone, and so does its pidfd; both are watched, because a child
//! that the peer forked can hold its end of the socket open. The thread starts with the first watch and ends with the
//! last.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

use super::event::{self, Event};

/// A peer that is being watched, until this is dropped.
pub(crate) struct Watch {
    watcher: Arc<Watcher>,
    token: u64,
    socket: Arc<OwnedFd>,
    pidfd: Option<OwnedFd>,
}

type OnDeath = Box<dyn Fn() + Send>;

/// The thread, and what it shares with us.
struct Watcher {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    process: u32,
}

struct Shared {
    epoll: OwnedFd,
    stop: Event,
    registry: Mutex<Registry>,
}

#[derive(Default)]
struct Registry {
    last: u64,
    watched: HashMap<u64, OnDeath>,
    /// Why nobody can be watched any more.
    failed: Option<Errno>,
}

/// The token of the descriptor that ends the thread.
const STOP: u64 = 0;

/// Calls `on_death` once, from another thread, when `socket` is hung up or `pidfd` ends.
pub(crate) fn watch(
    socket: Arc<OwnedFd>,
    pidfd: Option<OwnedFd>,
    on_death: impl Fn() + Send + 'static,
) -> io::Result<Watch> {
    let watcher = Watcher::current()?;
    let token = watcher.shared.register(Box::new(on_death))?;
    let watch = Watch { watcher, token, socket, pidfd };
    let add = |fd: BorrowedFd<'_>, flags| {
        epoll::add(&watch.watcher.shared.epoll, fd, EventData::new_u64(token), flags | EventFlags::ONESHOT)
    };
    add(watch.socket.as_fd(), EventFlags::RDHUP)?;
    if let Some(pidfd) = &watch.pidfd {
        add(pidfd.as_fd(), EventFlags::IN)?;
    }
    Ok(watch)
}

impl Drop for Watch {
    fn drop(&mut self) {
        // The epoll instance is shared with a parent: a forked child must not touch it.
        if self.watcher.process != std::process::id() {
            return;
        }
        let shared = &self.watcher.shared;
        for fd in std::iter::once(self.socket.as_fd()).chain(self.pidfd.as_ref().map(AsFd::as_fd)) {
            // It fails for one that could not be added, which is then not watched anyway.
            let _ = epoll::delete(&shared.epoll, fd);
        }
        shared.registry().watched.remove(&self.token);
    }
}

impl Watcher {
    /// The watcher of this process: the one that runs, or a new one.
    fn current() -> io::Result<Arc<Self>> {
        static CURRENT: Mutex<Weak<Watcher>> = Mutex::new(Weak::new());
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        match current.upgrade() {
            Some(watcher) if watcher.process == std::process::id() => Ok(watcher),
            // None yet, or the parent's.
            inherited => {
                std::mem::forget(inherited);
                let watcher = Arc::new(Self::start()?);
                *current = Arc::downgrade(&watcher);
                Ok(watcher)
            }
        }
    }

    fn start() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let stop = Event::new()?;
        epoll::add(&epoll, stop.as_fd(), EventData::new_u64(STOP), EventFlags::IN)?;
        event::may_wait(epoll.as_fd())?;
        let shared = Arc::new(Shared { epoll, stop, registry: Mutex::default() });
        let watching = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("twinring-watch".into()).spawn(move || watching.run())?;
        Ok(Self { shared, thread: Some(thread), process: std::process::id() })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        if self.process != std::process::id() {
            // The thread is the parent's.
            std::mem::forget(thread);
            return;
        }
        if self.shared.stop.raise() {
            // It cannot panic but by a panicking `on_death`, of which there is none.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, on_death: OnDeath) -> io::Result<u64> {
        let mut registry = self.registry();
        if let Some(errno) = registry.failed {
            return Err(errno.into());
        }
        registry.last += 1;
        let token = registry.last;
        registry.watched.insert(token, on_death);
        Ok(token)
    }

    fn run(&self) {
        let mut events = Vec::with_capacity(16);
        loop {
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Ok(_) | Err(Errno::INTR) => {}
                // A sandbox was closed around this process.
                Err(errno) => return self.give_up(errno),
            }
            for event in events.drain(..) {
                match event.data.u64() {
                    STOP => return,
                    token => self.died(token),
                }
            }
        }
    }

    /// Deaths cannot be noticed any more. A connection whose end is never noticed could wait for ever, so all end now.
    fn give_up(&self, errno: Errno) {
        let mut registry = self.registry();
        registry.failed = Some(errno);
        let watched = std::mem::take(&mut registry.watched);
        drop(registry);
        watched.values().for_each(|on_death| on_death());
    }

    fn died(&self, token: u64) {
        if let Some(on_death) = self.registry().watched.remove(&token) {
            on_death();
        }
    }
}

/// A descriptor of the process `pid`; `None` where the kernel or a sandbox refuses it, or there is no such process.
pub(crate) fn pidfd_open(pid: u32) -> Option<OwnedFd> {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).ok()?)?;
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}

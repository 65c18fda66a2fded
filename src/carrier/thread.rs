//! The thread that moves what nobody of the user's moves: one a process, which begins with the first relay and ends with the
//! last.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

use super::Relay;
use crate::os::event::{self, Event};

/// The token of the event that ends the thread.
const STOP: u64 = 0;

/// Relays that are served before the kernel is asked again who else is ready.
const BATCH: usize = 64;

/// What the thread and its relays share.
pub(super) struct Thread {
    epoll: OwnedFd,
    stop: Event,
    process: u32,
    relays: Mutex<Relays>,
}

#[derive(Default)]
struct Relays {
    last: u64,
    served: HashMap<u64, Arc<Relay>>,
    /// The last has gone, and the thread goes.
    over: bool,
}

/// What a relay waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Interest {
    pub(super) receive: bool,
    pub(super) send: bool,
}

impl Interest {
    fn flags(self) -> EventFlags {
        let receive = if self.receive { EventFlags::IN } else { EventFlags::empty() };
        let send = if self.send { EventFlags::OUT } else { EventFlags::empty() };
        // A hang-up is always shown, so each event is shown once, or it would be shown for ever to one that cannot act on it.
        receive | send | EventFlags::ONESHOT
    }
}

/// A relay's place with the thread.
pub(super) struct Place {
    thread: Arc<Thread>,
    token: u64,
}

/// Makes a relay, by what `make` makes of its place, and serves it from now on.
pub(super) fn serve(socket: BorrowedFd<'_>, make: impl FnOnce(Place) -> Relay) -> io::Result<Arc<Relay>> {
    static CURRENT: Mutex<Weak<Thread>> = Mutex::new(Weak::new());
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    // In a forked child, the parent's thread is not there.
    if let Some(thread) = current.upgrade().filter(|thread| thread.process == std::process::id()) {
        let relays = thread.relays();
        if !relays.over {
            return thread.add(relays, socket, make);
        }
    }
    let thread = Thread::start()?;
    *current = Arc::downgrade(&thread);
    thread.add(thread.relays(), socket, make)
}

impl Thread {
    fn start() -> io::Result<Arc<Self>> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let stop = Event::new()?;
        epoll::add(&epoll, stop.as_fd(), EventData::new_u64(STOP), EventFlags::IN)?;
        event::may_wait(epoll.as_fd())?;
        let thread = Arc::new(Self { epoll, stop, process: std::process::id(), relays: Mutex::default() });
        let serving = Arc::clone(&thread);
        std::thread::Builder::new().name("twinring-wire".into()).spawn(move || serving.run())?;
        Ok(thread)
    }

    fn relays(&self) -> MutexGuard<'_, Relays> {
        self.relays.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(
        self: &Arc<Self>,
        mut relays: MutexGuard<'_, Relays>,
        socket: BorrowedFd<'_>,
        make: impl FnOnce(Place) -> Relay,
    ) -> io::Result<Arc<Relay>> {
        let token = relays.last + 1;
        let added = epoll::add(&self.epoll, socket, EventData::new_u64(token), EventFlags::ONESHOT);
        if let Err(errno) = added {
            self.end_if_idle(&mut relays);
            return Err(errno.into());
        }
        relays.last = token;
        let relay = Arc::new(make(Place { thread: Arc::clone(self), token }));
        relays.served.insert(token, Arc::clone(&relay));
        Ok(relay)
    }

    fn end_if_idle(&self, relays: &mut Relays) {
        if relays.served.is_empty() {
            relays.over = true;
            self.stop.raise();
        }
    }

    /// Nothing can be carried any more but by those who come by, and they may not come: all connections end now.
    fn give_up(&self) {
        let mut relays = self.relays();
        relays.over = true;
        let served: Vec<_> = relays.served.values().map(Arc::clone).collect();
        drop(relays);
        served.iter().for_each(|relay| relay.bereave());
    }

    fn run(&self) {
        let mut events = Vec::with_capacity(BATCH);
        loop {
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Ok(_) | Err(Errno::INTR) => {}
                // A sandbox was closed around this process.
                Err(_) => return self.give_up(),
            }
            for event in events.drain(..) {
                match event.data.u64() {
                    STOP => return,
                    token => {
                        let relay = self.relays().served.get(&token).map(Arc::clone);
                        relay.into_iter().for_each(|relay| relay.serve());
                    }
                }
            }
        }
    }
}

impl Place {
    /// Asks to be served once, when the socket can do what is asked or has hung up; `false` if a sandbox that was closed later
    /// refuses it.
    pub(super) fn ask(&self, socket: BorrowedFd<'_>, interest: Interest) -> bool {
        let asked = epoll::modify(&self.thread.epoll, socket, EventData::new_u64(self.token), interest.flags());
        // One that has been taken away needs no service.
        matches!(asked, Ok(()) | Err(Errno::NOENT))
    }

    /// Ends the service.
    pub(super) fn leave(&self, socket: BorrowedFd<'_>) {
        let _ = epoll::delete(&self.thread.epoll, socket);
        let mut relays = self.thread.relays();
        let relay = relays.served.remove(&self.token);
        self.thread.end_if_idle(&mut relays);
        drop(relays);
        // Perhaps the last handle: not under the lock.
        drop(relay);
    }
}

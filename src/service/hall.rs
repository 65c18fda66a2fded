//! What all dispatchers, handles and clients of a service share.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

use super::about::About;
use super::admission::{Admission, Verdict};
use super::client::Entry;
use super::counters::{Parting, ServiceCounters};
use super::error::ServiceError;
use super::hooks::Hooks;
use super::options::{Limits, ServiceOptions};
use super::schedule::{Awake, Schedule};
use super::table::Table;
use super::timers::{Due, Timers};
use crate::connection::{Decision, Endpoint, Listener, ListenerCounters, Options, Terms};
use crate::monitor::Monitor;
use crate::os::clock::{SLICE, nap, timespec};
use crate::os::credentials::Credentials;
use crate::os::event;
use crate::session::SessionOptions;
use crate::trace::tell;
use crate::wait::WaitStrategy;

/// All of a service but its face and its threads.
pub(super) struct Hall<T> {
    pub(super) limits: Limits,
    pub(super) session: SessionOptions,
    pub(super) hooks: Arc<Hooks<T>>,
    pub(super) table: Table<T>,
    pub(super) schedule: Schedule<Arc<Entry<T>>>,
    pub(super) timers: Arc<Timers>,
    pub(super) admission: Arc<Admission>,
    pub(super) epoll: OwnedFd,
    pub(super) process: u32,
    /// `None` once nobody is accepted any more.
    pub(super) listener: Mutex<Option<Listener>>,
    roster: Mutex<Roster<T>>,
    counters: Mutex<ServiceCounters>,
    phase: Mutex<Phase>,
    _monitor: Option<Monitor>,
}

struct Roster<T> {
    clients: HashMap<u64, Arc<Entry<T>>>,
    last: u64,
    /// What a listener that is gone had counted.
    listener: ListenerCounters,
}

/// How far the service's life has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Open,
    /// What has come is still answered.
    Draining,
    Over,
}

/// Clients have numbers from 1 on, and never so many.
const BELL: u64 = u64::MAX;
const LISTENER: u64 = u64::MAX - 1;
const TIMERS: u64 = u64::MAX - 2;

/// Events that one look takes in.
const EVENTS: usize = 64;

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No user's code runs under these locks, but that of a listener's authorisation, whose panics are caught.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Send + Sync + 'static> Hall<T> {
    pub(super) fn new(options: ServiceOptions<T>, endpoint: &Endpoint) -> Result<Self, ServiceError> {
        let ServiceOptions { connection, session, hooks, limits, monitored } = options;
        // First, so that every client is seen.
        let monitor =
            monitored.then(|| Monitor::start_for(limits.clients)).transpose().map_err(ServiceError::Monitor)?;
        let hooks = Arc::new(hooks);
        let admission = Arc::new(Admission::new(limits.clients, limits.of_user, limits.rate));
        let listener = guarded(connection, &hooks, &admission).bind(endpoint)?;
        let driver = |error: std::io::Error| ServiceError::Driver(error);
        listener.note_service().map_err(driver)?;
        tell!(info, path = %listener.path().display(), "service started");
        let timers = Arc::new(Timers::new().map_err(driver)?);
        let schedule = Schedule::new(&timers).map_err(driver)?;
        let epoll = epoll::create(CreateFlags::CLOEXEC).map_err(|errno| driver(errno.into()))?;
        for (descriptor, token) in [(schedule.as_fd(), BELL), (listener.as_fd(), LISTENER), (timers.as_fd(), TIMERS)] {
            let added = epoll::add(&epoll, descriptor, EventData::new_u64(token), EventFlags::IN);
            added.map_err(|errno| driver(errno.into()))?;
        }
        event::may_wait(epoll.as_fd()).map_err(driver)?;
        let roster = Roster { clients: HashMap::new(), last: 0, listener: ListenerCounters::default() };
        Ok(Self {
            limits,
            session,
            hooks,
            table: Table::new(),
            schedule,
            timers,
            admission,
            epoll,
            process: std::process::id(),
            listener: Mutex::new(Some(listener)),
            roster: Mutex::new(roster),
            counters: Mutex::default(),
            phase: Mutex::new(Phase::Open),
            _monitor: monitor,
        })
    }

    /// Whether this is the process that made it: a forked child shares descriptors with it that it must not touch.
    pub(super) fn is_owned(&self) -> bool {
        self.process == std::process::id()
    }

    pub(super) fn phase(&self) -> Phase {
        *lock(&self.phase)
    }

    /// Goes on to a later phase; never back.
    pub(super) fn go_on_to(&self, phase: Phase) {
        let mut now = lock(&self.phase);
        *now = phase.max(*now);
    }

    /// Has a dispatcher look after a client.
    pub(super) fn wake(&self, entry: &Arc<Entry<T>>) {
        if entry.wake() {
            self.schedule.push(Arc::clone(entry));
        }
    }

    /// Takes in what the descriptors show, waiting for it for at most that long, or as long as it takes: asleep, if nobody
    /// is queued.
    pub(super) fn look(self: &Arc<Self>, awake: &Awake<'_, Arc<Entry<T>>>, timeout: Option<Duration>) {
        let mut events = [Event { flags: EventFlags::empty(), data: EventData::new_u64(BELL) }; EVENTS];
        // If it is interrupted, there will be another look; if it is refused, not at once.
        let mut wait = |timeout: Option<&Timespec>| match epoll::wait(&self.epoll, &mut events[..], timeout) {
            Ok(count) => count,
            Err(Errno::INTR) => 0,
            Err(_) => {
                nap(SLICE);
                0
            }
        };
        let slept = awake.sleep(|| wait(timeout.and_then(timespec).as_ref()));
        let count = slept.unwrap_or_else(|| wait(Some(&Timespec::default())));
        for event in &events[..count] {
            match event.data.u64() {
                BELL => self.schedule.lower(),
                LISTENER => self.welcome(),
                TIMERS => self.timers.take_due().into_iter().for_each(|due| self.remember(due)),
                id => self.wake_number(id),
            }
        }
    }

    fn remember(self: &Arc<Self>, due: Due) {
        match due {
            Due::Listener => self.welcome(),
            Due::Client(id) => self.wake_number(id),
        }
    }

    fn wake_number(&self, id: u64) {
        let found = lock(&self.roster).clients.get(&id).cloned();
        if let Some(entry) = found {
            self.wake(&entry);
        }
    }

    pub(super) fn next_id(&self) -> u64 {
        let mut roster = lock(&self.roster);
        roster.last += 1;
        roster.last
    }

    pub(super) fn enrol(&self, entry: &Arc<Entry<T>>) {
        lock(&self.roster).clients.insert(entry.id, Arc::clone(entry));
    }

    pub(super) fn strike_out(&self, id: u64) {
        // What is dropped here may be the last handle, and so run a callback: not under the lock.
        let entry = lock(&self.roster).clients.remove(&id);
        drop(entry);
    }

    /// Everybody who is here, those who have not said hello included.
    pub(super) fn everybody(&self) -> Vec<Arc<Entry<T>>> {
        lock(&self.roster).clients.values().cloned().collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.roster).clients.is_empty()
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut ServiceCounters)) {
        change(&mut lock(&self.counters));
    }

    /// Accepts nobody any more. Those who wait learn that nobody listens.
    pub(super) fn close_listener(&self) {
        let listener = lock(&self.listener).take();
        if let Some(listener) = listener {
            lock(&self.roster).listener = listener.counters();
        }
    }

    pub(super) fn counters(&self) -> ServiceCounters {
        let mut counters = *lock(&self.counters);
        let known: Vec<_> = self.everybody().into_iter().filter(|entry| entry.is_known()).collect();
        counters.clients = known.len() as u64;
        known.iter().filter_map(|entry| entry.session()).for_each(|session| counters.add(session.counters()));
        let listener = lock(&self.listener).as_ref().map(Listener::counters);
        let listener = listener.unwrap_or_else(|| lock(&self.roster).listener);
        counters.refused = listener.refused;
        counters.failed += listener.failed + listener.declined;
        counters
    }

    pub(super) fn about(&self) -> About {
        About::new(self.counters(), self.table.calls())
    }

    /// Parts with a client, by the thread that has it gone.
    pub(super) fn part(&self, entry: &Arc<Entry<T>>, parting: &Parting) {
        let Some(line) = entry.hang_up() else { return };
        let known = entry.is_known();
        let session = line.session.counters();
        self.count(|counters| {
            counters.add(session);
            if known { counters.count(parting) } else { counters.silent += 1 }
        });
        if known {
            self.hooks.disconnected(&super::client::Client(Arc::clone(entry)), parting);
        }
        // It fails if the socket could not be watched.
        let _ = epoll::delete(&self.epoll, &line.socket);
        line.session.end_for_tasks(parting.end());
        // Only now: so the service never has more clients than it takes, in the eyes of its callbacks.
        drop(line);
        self.strike_out(entry.id);
    }
}

/// Options by which an applicant finds a place, if it is authorised.
fn guarded<T: Send + Sync + 'static>(options: Options, hooks: &Arc<Hooks<T>>, admission: &Arc<Admission>) -> Options {
    let (hooks, admission, prior) = (Arc::clone(hooks), Arc::clone(admission), options.clone());
    options.wait(WaitStrategy::SpinThenPark).authorise(move |applicant| {
        let (terms, calls) = match granted(&hooks, &prior, applicant) {
            Ok(granted) => granted,
            Err(reason) => return Decision::Refuse(reason),
        };
        match admission.enter(applicant.uid, calls) {
            Ok(place) => Decision::AcceptWith(terms.attach(Arc::new(place))),
            Err(reason) => Decision::Refuse(reason),
        }
    })
}

/// What an applicant is granted, or why nothing.
fn granted<T>(hooks: &Hooks<T>, prior: &Options, applicant: &Credentials) -> Result<(Terms, Option<u32>), String> {
    match hooks.authorise(applicant) {
        Some(Verdict::Accept) => Ok((Terms::new(), None)),
        Some(Verdict::AcceptWith(limits)) => {
            let terms = limits.ring.map_or_else(Terms::new, |bytes| Terms::new().ring_capacity(bytes));
            Ok((limits.largest_ring.map_or(terms.clone(), |bytes| terms.largest_peer_ring(bytes)), limits.calls))
        }
        Some(Verdict::Refuse(reason)) => Err(reason),
        None => match prior.decide(applicant) {
            Decision::Accept => Ok((Terms::new(), None)),
            Decision::AcceptWith(terms) => Ok((terms, None)),
            Decision::Refuse(reason) => Err(reason),
        },
    }
}

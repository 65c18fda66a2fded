//! From a client that connects to one that has said hello.

use std::os::fd::AsFd;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use rustix::event::epoll::{self, EventData, EventFlags};

use super::admission::Place;
use super::client::{Entry, Line, Newcomer};
use super::desk::Desk;
use super::hall::Hall;
use super::timers::Due;
use crate::connection::{Connection, Listener, SetupError};
use crate::session::Session;

/// Clients that are accepted at a time: then it is the turn of those who are here.
const AT_A_TIME: usize = 8;

/// How long nobody is accepted after it failed, for want of descriptors for instance: the client would still be there, and
/// whoever polls would spin.
const PAUSE: Duration = Duration::from_millis(100);

impl<T: Send + Sync + 'static> Hall<T> {
    /// Goes on with the handshakes of those who are coming.
    pub(super) fn welcome(self: &Arc<Self>) {
        // If another thread is at it, what is left shows again.
        let Ok(mut guard) = self.listener.try_lock() else { return };
        for _ in 0..AT_A_TIME {
            let Some(connection) = self.accept(&mut guard) else { break };
            if self.seat(connection).is_err() {
                self.count(|counters| counters.failed += 1);
            }
        }
        let next = guard.as_ref().and_then(|listener| listener.next_expiry().remaining());
        if let Some(time) = next {
            self.timers.add(time, Due::Listener);
        }
    }

    fn accept(&self, guard: &mut MutexGuard<'_, Option<Listener>>) -> Option<Connection> {
        let listener = guard.as_mut()?;
        let mut budget = self.admission.budget();
        let before = budget;
        let accepted = listener.accept_now(&mut budget);
        self.admission.spend(before - budget);
        if budget == 0 {
            self.timers.add(self.admission.pause(), Due::Listener);
        }
        accepted.unwrap_or_else(|_| {
            self.count(|counters| counters.accept_errors += 1);
            listener.set_deaf(true);
            self.timers.add(PAUSE, Due::Listener);
            None
        })
    }

    /// Gives a new connection its entry. It has its time to say hello.
    fn seat(self: &Arc<Self>, connection: Connection) -> Result<(), SetupError> {
        let socket = Arc::clone(connection.descriptor());
        let calls = connection.attached().and_then(|attached| attached.get::<Place>()).and_then(|place| place.calls);
        let options = calls.map_or_else(|| self.session.clone(), |calls| self.session.clone().calls_in_flight(calls));
        let (hall, hooks) = (Arc::downgrade(self), Arc::clone(&self.hooks));
        let (queue, messages) = (self.limits.queue, self.limits.messages);
        let entry = Arc::new(Entry::new(self.next_id(), connection.peer(), hall, hooks, queue, messages));
        let desk = Desk { hall: Arc::downgrade(self), entry: Arc::downgrade(&entry) };
        let session = Session::driven(connection, &options, desk, self.alarm(&entry))?;
        entry.connect(Line { session, socket: Arc::clone(&socket) });
        self.enrol(&entry);
        // By edges: a poke is shown once, and a hang-up once, which is when it is woken.
        let flags = EventFlags::IN | EventFlags::RDHUP | EventFlags::ET;
        if let Err(errno) = epoll::add(&self.epoll, socket.as_fd(), EventData::new_u64(entry.id), flags) {
            entry.hang_up();
            self.strike_out(entry.id);
            return Err(SetupError::Socket(errno.into()));
        }
        self.timers.add(self.limits.hello, Due::Client(entry.id));
        self.wake(&entry);
        Ok(())
    }

    /// Wakes a client from wherever its session is used.
    fn alarm(self: &Arc<Self>, entry: &Arc<Entry<T>>) -> impl Fn() + Send + Sync + 'static {
        let (hall, entry) = (Arc::downgrade(self), Arc::downgrade(entry));
        move || {
            if let (Some(hall), Some(entry)) = (hall.upgrade(), entry.upgrade()) {
                hall.wake(&entry);
            }
        }
    }

    /// A client has said hello; whether it may stay.
    pub(super) fn introduce(&self, entry: &Entry<T>, session: &Session) -> bool {
        let (id, credentials, queue) = (entry.id, entry.credentials, entry.queue);
        let data = self.hooks.connected(&Newcomer { id, credentials, session, queue });
        let stays = data.is_some();
        if let Some(data) = data {
            // Before anybody can know it, so that no counter is ever ahead of this one.
            self.count(|counters| counters.connected += 1);
            entry.introduce(data);
        }
        stays
    }
}

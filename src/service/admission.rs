//! Who may come in, and how many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::bucket::Bucket;

/// What a service answers to an applicant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Come in.
    Accept,
    /// Come in, within limits of one's own.
    AcceptWith(ClientLimits),
    /// Do not, for a reason that the applicant is told.
    Refuse(String),
}

/// Limits of one client, in place of the service's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientLimits {
    pub(super) ring: Option<usize>,
    pub(super) largest_ring: Option<usize>,
    pub(super) calls: Option<u32>,
}

impl ClientLimits {
    /// The service's.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The ring to the client, in bytes; see [`Options::ring_capacity`](crate::Options::ring_capacity).
    #[must_use]
    pub fn ring_capacity(mut self, bytes: usize) -> Self {
        self.ring = Some(bytes);
        self
    }

    /// The largest ring that the client may bring, in bytes; with a larger one it is turned away. See
    /// [`Options::largest_peer_ring`](crate::Options::largest_peer_ring).
    #[must_use]
    pub fn largest_peer_ring(mut self, bytes: usize) -> Self {
        self.largest_ring = Some(bytes);
        self
    }

    /// How many calls the client may have in flight; see
    /// [`SessionOptions::calls_in_flight`](crate::SessionOptions::calls_in_flight).
    #[must_use]
    pub fn calls_in_flight(mut self, calls: u32) -> Self {
        self.calls = Some(calls);
        self
    }
}

/// How many are in, and how fast they come.
#[derive(Debug)]
pub(super) struct Admission {
    most: usize,
    most_of_user: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    inside: usize,
    /// Of each user; unknown ones are one.
    users: HashMap<Option<u32>, usize>,
    rate: Option<Bucket>,
}

/// A place inside, given back when dropped. What travels with an accepted connection.
#[derive(Debug)]
pub(super) struct Place {
    admission: Arc<Admission>,
    user: Option<u32>,
    pub(super) calls: Option<u32>,
}

impl Admission {
    pub(super) fn new(most: usize, most_of_user: usize, rate: Option<u32>) -> Self {
        let state = State { inside: 0, users: HashMap::new(), rate: rate.map(Bucket::new) };
        Self { most, most_of_user, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a client of that user.
    ///
    /// # Errors
    ///
    /// Why there is none, in words for the applicant.
    pub(super) fn enter(self: &Arc<Self>, user: Option<u32>, calls: Option<u32>) -> Result<Place, String> {
        let mut state = self.state();
        if state.inside >= self.most {
            return Err(format!("the service has {} clients, which is the most it takes", state.inside));
        }
        let of_user = state.users.get(&user).copied().unwrap_or(0);
        if of_user >= self.most_of_user {
            return Err(format!("the service has {of_user} clients of this user, which is the most it takes"));
        }
        state.inside += 1;
        state.users.insert(user, of_user + 1);
        Ok(Place { admission: Arc::clone(self), user, calls })
    }

    /// How many applicants may come now, by the rate.
    pub(super) fn budget(&self) -> usize {
        self.state().rate.as_mut().map_or(usize::MAX, Bucket::left)
    }

    /// So many came.
    pub(super) fn spend(&self, applicants: usize) {
        if let Some(rate) = &mut self.state().rate {
            rate.spend(applicants);
        }
    }

    /// How long until the next may come.
    pub(super) fn pause(&self) -> Duration {
        self.state().rate.as_ref().map_or(Duration::ZERO, Bucket::pause)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.admission.state();
        state.inside -= 1;
        if let Some(of_user) = state.users.get_mut(&self.user) {
            *of_user -= 1;
            if *of_user == 0 {
                state.users.remove(&self.user);
            }
        }
    }
}

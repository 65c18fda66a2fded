//! What a service's user has to say about its clients.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::admission::Verdict;
use super::client::{Client, Newcomer};
use super::counters::Parting;
use crate::os::credentials::Credentials;

type Authorise = dyn Fn(&Credentials) -> Verdict + Send + Sync;
type Connected<T> = dyn Fn(&Newcomer<'_>) -> T + Send + Sync;
type Disconnected<T> = dyn Fn(&Client<T>, &Parting) + Send + Sync;
type Destroyed<T> = dyn Fn(T) + Send + Sync;

/// The callbacks. One that panics is no reason to end the service.
pub(super) struct Hooks<T> {
    pub(super) authorise: Option<Box<Authorise>>,
    pub(super) connected: Box<Connected<T>>,
    pub(super) disconnected: Box<Disconnected<T>>,
    pub(super) destroyed: Box<Destroyed<T>>,
}

impl<T: 'static> Hooks<T> {
    pub(super) fn new(connected: impl Fn(&Newcomer<'_>) -> T + Send + Sync + 'static) -> Self {
        let (disconnected, destroyed) = (Box::new(|_: &_, _: &_| ()), Box::new(drop));
        Self { authorise: None, connected: Box::new(connected), disconnected, destroyed }
    }
}

impl<T> Hooks<T> {
    /// What the user's callback says, if there is one.
    pub(super) fn authorise(&self, applicant: &Credentials) -> Option<Verdict> {
        let authorise = self.authorise.as_ref()?;
        let verdict = catch_unwind(AssertUnwindSafe(|| authorise(applicant)));
        Some(verdict.unwrap_or_else(|_| Verdict::Refuse("the service failed to decide".to_owned())))
    }

    /// `None` if it panicked.
    pub(super) fn connected(&self, newcomer: &Newcomer<'_>) -> Option<T> {
        catch_unwind(AssertUnwindSafe(|| (self.connected)(newcomer))).ok()
    }

    pub(super) fn disconnected(&self, client: &Client<T>, parting: &Parting) {
        // A panic has nobody to be told but the panic hook.
        let _ = catch_unwind(AssertUnwindSafe(|| (self.disconnected)(client, parting)));
    }

    pub(super) fn destroyed(&self, data: T) {
        let _ = catch_unwind(AssertUnwindSafe(|| (self.destroyed)(data)));
    }
}

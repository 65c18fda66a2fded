//! Which handler: by selector, changed at any time.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};

use super::client::Client;
use super::request::Request;
use super::selector::Selector;
use crate::session::Failure;

type OnCall<T> = dyn Fn(&mut Request<'_, '_, T>) -> Result<(), Failure> + Send + Sync;
type OnEvent<T> = dyn Fn(&Client<T>, Selector, &[u8]) + Send + Sync;

/// Handlers of calls and of events.
pub(super) struct Table<T> {
    handlers: RwLock<Handlers<T>>,
}

struct Handlers<T> {
    calls: BTreeMap<Selector, Arc<OnCall<T>>>,
    events: BTreeMap<Selector, Arc<OnEvent<T>>>,
    other_call: Option<Arc<OnCall<T>>>,
    other_event: Option<Arc<OnEvent<T>>>,
}

impl<T> Table<T> {
    pub(super) fn new() -> Self {
        let (calls, events) = (BTreeMap::new(), BTreeMap::new());
        Self { handlers: RwLock::new(Handlers { calls, events, other_call: None, other_event: None }) }
    }

    // No user's code runs under the lock, so nothing panics there.
    fn read<R>(&self, look: impl FnOnce(&Handlers<T>) -> R) -> R {
        look(&self.handlers.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<R>(&self, change: impl FnOnce(&mut Handlers<T>) -> R) -> R {
        change(&mut self.handlers.write().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set_call(&self, selector: Selector, handler: Arc<OnCall<T>>) {
        let former = self.change(|handlers| handlers.calls.insert(selector, handler));
        // Dropped outside of the lock: what it owns may be a user's.
        drop(former);
    }

    pub(super) fn set_event(&self, selector: Selector, handler: Arc<OnEvent<T>>) {
        let former = self.change(|handlers| handlers.events.insert(selector, handler));
        drop(former);
    }

    pub(super) fn set_other_call(&self, handler: Arc<OnCall<T>>) {
        let former = self.change(|handlers| handlers.other_call.replace(handler));
        drop(former);
    }

    pub(super) fn set_other_event(&self, handler: Arc<OnEvent<T>>) {
        let former = self.change(|handlers| handlers.other_event.replace(handler));
        drop(former);
    }

    /// Whether there was a handler of either kind.
    pub(super) fn remove(&self, selector: Selector) -> bool {
        let former = self.change(|handlers| (handlers.calls.remove(&selector), handlers.events.remove(&selector)));
        former.0.is_some() || former.1.is_some()
    }

    /// What can be called.
    pub(super) fn calls(&self) -> Vec<Selector> {
        self.read(|handlers| handlers.calls.keys().copied().filter(|selector| !selector.is_reserved()).collect())
    }

    /// Runs the handler for a call. It may change the table.
    pub(super) fn call(&self, request: &mut Request<'_, '_, T>) -> Result<(), Failure> {
        let selector = request.selector();
        let found = self.read(|handlers| handlers.calls.get(&selector).or(handlers.other_call.as_ref()).cloned());
        found.map_or_else(|| Err(Failure::no_selector()), |handler| handler(request))
    }

    /// Runs the handler for an event, if there is one.
    pub(super) fn event(&self, client: &Client<T>, selector: Selector, payload: &[u8]) {
        let found = self.read(|handlers| handlers.events.get(&selector).or(handlers.other_event.as_ref()).cloned());
        if let Some(handler) = found {
            // A panic has nobody to be told but the panic hook.
            let _ = catch_unwind(AssertUnwindSafe(|| handler(client, selector, payload)));
        }
    }
}

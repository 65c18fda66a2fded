//! What a session for tasks hands its messages to.

use std::sync::{Arc, OnceLock};

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::mpsc::{self, error::TrySendError};

use super::answer::{answer, caught};
use super::handler::{self, Request};
use super::session::WeakSession;
use crate::session::{Call, Event, Failure, Handler};

/// The handler of the session below: has a task answer each call, and one take the events in their order.
pub(super) struct Desk<H> {
    handler: Arc<H>,
    runtime: Handle,
    events: mpsc::Sender<handler::Event>,
    /// Set before there is any message.
    face: Arc<OnceLock<WeakSession>>,
}

impl<H: handler::Handler> Desk<H> {
    pub(super) fn new(
        handler: H,
        runtime: Handle,
        events: mpsc::Sender<handler::Event>,
        face: &Arc<OnceLock<WeakSession>>,
    ) -> Self {
        Self { handler: Arc::new(handler), runtime, events, face: Arc::clone(face) }
    }

    /// The task that takes the events. It ends with the session, and tells `driver` whenever there is room for one more.
    pub(super) fn take_events(&self, mut events: mpsc::Receiver<handler::Event>, driver: Arc<Notify>) {
        let handler = Arc::clone(&self.handler);
        self.runtime.spawn(async move {
            while let Some(event) = events.recv().await {
                // A panic has nobody to be told but the panic hook.
                let _ = caught(async { handler.event(event).await }).await;
                driver.notify_one();
            }
        });
    }

    fn face(&self) -> WeakSession {
        self.face.get().cloned().unwrap_or_default()
    }
}

impl<H: handler::Handler> Handler for Desk<H> {
    fn call(&self, call: &mut Call<'_>) -> Result<(), Failure> {
        let Some(responder) = call.defer() else { return Err(Failure::overloaded()) };
        let (selector, payload) = (call.selector(), call.payload().to_vec());
        let (handler, session) = (Arc::clone(&self.handler), self.face());
        let answering = async move { handler.call(Request { selector, payload, session }).await };
        self.runtime.spawn(answer(answering, responder));
        Ok(())
    }

    fn event(&self, event: &mut Event<'_>) {
        let (selector, payload) = (event.selector(), event.payload().to_vec());
        let sent = self.events.try_send(handler::Event { selector, payload, session: self.face() });
        debug_assert!(!matches!(sent, Err(TrySendError::Full(_))), "the driver takes no more than there is room for");
    }
}

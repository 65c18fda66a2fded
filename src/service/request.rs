//! A call to a service, as its handler sees it.

use std::fmt;

use super::client::Client;
use super::selector::Selector;
use crate::session::{Call, Responder};

/// A request of a client that is being answered.
pub struct Request<'a, 'c, T> {
    pub(super) call: &'a mut Call<'c>,
    pub(super) client: &'a Client<T>,
}

impl<'c, T> Request<'_, 'c, T> {
    /// Who asks.
    #[must_use]
    pub fn client(&self) -> &Client<T> {
        self.client
    }

    /// The client's user data.
    #[must_use]
    pub fn data(&self) -> &T {
        self.client.data()
    }

    /// What is called.
    #[must_use]
    pub fn selector(&self) -> Selector {
        self.call.selector().into()
    }

    /// The request: a copy, which the client cannot change any more.
    #[must_use]
    pub fn payload(&self) -> &'c [u8] {
        self.call.payload()
    }

    /// Where the reply goes: empty at first, sent when the handler returns `Ok`.
    pub fn reply(&mut self) -> &mut Vec<u8> {
        self.call.reply()
    }

    /// Sends the reply at once, from where it lies. What the handler returns is ignored then.
    pub fn reply_from(&mut self, reply: &[u8]) {
        self.call.reply_from(reply);
    }

    /// Keeps the request to be answered later, by any thread: a handler that has to wait for something should, because
    /// it holds up a dispatcher. `None` if it was answered already, or the client has as many requests waiting as it may.
    pub fn defer(&mut self) -> Option<Responder> {
        self.call.defer()
    }
}

impl<T> fmt::Debug for Request<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("selector", &self.selector()).field("client", &self.client.id()).finish()
    }
}

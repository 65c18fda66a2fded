//! What a client's session hands its messages to.

use std::sync::Weak;

use super::client::{Client, Entry};
use super::hall::Hall;
use super::request::Request;
use super::selector::Selector;
use crate::session::{Call, Event, Failure, Handler};

/// The handler of one client's session. Weak both, because the hall owns the entry, which owns the session.
pub(super) struct Desk<T> {
    pub(super) hall: Weak<Hall<T>>,
    pub(super) entry: Weak<Entry<T>>,
}

impl<T: Send + Sync + 'static> Handler for Desk<T> {
    fn call(&self, call: &mut Call<'_>) -> Result<(), Failure> {
        let (Some(hall), Some(entry)) = (self.hall.upgrade(), self.entry.upgrade()) else {
            return Err(Failure::refused("the service is gone"));
        };
        match Selector::from(call.selector()) {
            Selector::ABOUT => {
                call.reply().extend_from_slice(hall.about().to_string().as_bytes());
                return Ok(());
            }
            selector if selector.is_reserved() => return Err(Failure::no_selector()),
            _ => {}
        }
        hall.table.call(&mut Request { call, client: &Client(entry) })
    }

    fn event(&self, event: &mut Event<'_>) {
        if let (Some(hall), Some(entry)) = (self.hall.upgrade(), self.entry.upgrade()) {
            hall.table.event(&Client(entry), event.selector().into(), event.payload());
        }
    }
}

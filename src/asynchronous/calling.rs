//! Calls from a service to its clients.
//!
//! The service's driver receives for all clients, and wakes whoever waits for a reply. It tells nobody of room: who finds none looks
//! again a little later.

use std::time::Duration;

use super::awaited::Awaited;
use super::limit::within;
use crate::channel::End;
use crate::connection::{FIRST_PAUSE, LONGEST_PAUSE};
use crate::os::clock::Deadline;
use crate::service::{Client, Selector};
use crate::session::{CallError, Halt, NotBegun, Refused, Session, Ticket};

/// Calls a client and waits for its reply for at most `timeout`.
pub(super) async fn call<T>(
    client: &Client<T>,
    selector: Selector,
    request: &[u8],
    timeout: Duration,
) -> Result<Vec<u8>, CallError> {
    let deadline = Deadline::after(timeout);
    let session = client.session().ok_or(CallError::NotSent(Halt::Ended(End::Disconnected)))?;
    let call = begin(&session, selector.packed(), request, deadline).await?;
    within(deadline, Awaited::new(session, call)).await.unwrap_or(Err(CallError::NoReply(Halt::Timeout)))
}

/// Sends a request as soon as there is a place for it, and room.
async fn begin(session: &Session, selector: u32, request: &[u8], deadline: Deadline) -> Result<Ticket, CallError> {
    let mut pause = FIRST_PAUSE;
    loop {
        match session.try_begin(selector, request) {
            Ok(call) => return Ok(call),
            Err(NotBegun::Refused(Refused::TooLarge { length, largest })) => {
                return Err(CallError::TooLarge { length, largest });
            }
            Err(NotBegun::Refused(Refused::Ended(end))) => return Err(CallError::NotSent(Halt::Ended(end))),
            Err(_) if deadline.passed() => return Err(CallError::NotSent(Halt::Timeout)),
            Err(_) => tokio::time::sleep(deadline.remaining().map_or(pause, |left| left.min(pause))).await,
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

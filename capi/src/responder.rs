//! Answering later.
#![allow(unsafe_code, reason = "exported names; nothing is done that needs trust")]

use twinring::Failure as Refusal;

use crate::boundary::{guarded, guarded_or};
use crate::from_c::{Data, Text, given};
use crate::status::Status;

/// The means to answer one call, now or later.
pub struct Responder(pub twinring::Responder);

/// Sends the reply, and takes `responder` over, which is gone afterwards in any case. `data` stays the caller's. If the session has
/// ended, there is nobody to be told. Threads: any, as the last use.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_responder_reply(responder: Option<Box<Responder>>, data: Data, length: usize) -> Status {
    guarded(|| {
        let responder = given(responder, "responder")?;
        responder.0.reply(data.bytes(length)?);
        Ok(())
    })
}

/// Tells the caller that the handler failed, for `reason`, which is copied and may be null. Takes `responder` over. Threads: any, as
/// the last use.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_responder_fail(responder: Option<Box<Responder>>, reason: Text) -> Status {
    guarded(|| {
        let reason = reason.lossy().unwrap_or_default();
        given(responder, "responder")?.0.fail(&Refusal::new(reason));
        Ok(())
    })
}

/// Does not answer: the caller gets TWINRING_NOT_ANSWERED. Null is nothing. Threads: any, as the last use.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_responder_drop(responder: Option<Box<Responder>>) {
    guarded_or((), || drop(responder));
}

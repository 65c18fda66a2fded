//! What carries calls: the sessions, whoever handles one, and streams.

use std::time::Duration;

use super::context::Context;
use super::stream::StreamSession;
use crate::session::{Call, CallError, Event, Handler, LocalSession, NotifyError, Session};

/// What carries the calls of a stub, as bytes with a number.
pub trait Carrier {
    /// Calls the other side, and puts the reply in place of what is in `reply`; for at most `timeout`, or as long as the
    /// carrier chooses.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    fn call(
        &mut self,
        number: u32,
        request: &[u8],
        reply: &mut Vec<u8>,
        timeout: Option<Duration>,
    ) -> Result<(), CallError>;

    /// Sends what wants no answer.
    ///
    /// # Errors
    ///
    /// See [`NotifyError`].
    fn notify(&mut self, number: u32, event: &[u8]) -> Result<(), NotifyError>;
}

impl<C: Carrier + ?Sized> Carrier for &mut C {
    #[inline]
    fn call(
        &mut self,
        number: u32,
        request: &[u8],
        reply: &mut Vec<u8>,
        timeout: Option<Duration>,
    ) -> Result<(), CallError> {
        (**self).call(number, request, reply, timeout)
    }

    fn notify(&mut self, number: u32, event: &[u8]) -> Result<(), NotifyError> {
        (**self).notify(number, event)
    }
}

impl<C: Carrier + ?Sized> Carrier for Box<C> {
    fn call(
        &mut self,
        number: u32,
        request: &[u8],
        reply: &mut Vec<u8>,
        timeout: Option<Duration>,
    ) -> Result<(), CallError> {
        (**self).call(number, request, reply, timeout)
    }

    fn notify(&mut self, number: u32, event: &[u8]) -> Result<(), NotifyError> {
        (**self).notify(number, event)
    }
}

/// The calls of a type that has `call_into`, and `call_timeout` that makes a new buffer.
macro_rules! carry {
    ($(impl $([$($generic:tt)*])? for $type:ty;)*) => {
        $(impl $(<$($generic)*>)? Carrier for $type {
            #[inline]
            fn call(
                &mut self,
                number: u32,
                request: &[u8],
                reply: &mut Vec<u8>,
                timeout: Option<Duration>,
            ) -> Result<(), CallError> {
                match timeout {
                    None => self.call_into(number, request, reply),
                    Some(timeout) => self.call_timeout(number, request, timeout).map(|bytes| *reply = bytes),
                }
            }

            fn notify(&mut self, number: u32, event: &[u8]) -> Result<(), NotifyError> {
                (*self).notify(number, event)
            }
        })*
    };
}

carry! {
    impl for Session;
    impl for &Session;
    impl[H: Handler] for LocalSession<H>;
    impl for Call<'_>;
}

impl Carrier for Event<'_> {
    fn call(
        &mut self,
        number: u32,
        request: &[u8],
        reply: &mut Vec<u8>,
        timeout: Option<Duration>,
    ) -> Result<(), CallError> {
        let bytes = match timeout {
            None => self.call(number, request),
            Some(timeout) => self.call_timeout(number, request, timeout),
        };
        bytes.map(|bytes| *reply = bytes)
    }

    fn notify(&mut self, number: u32, event: &[u8]) -> Result<(), NotifyError> {
        self.notify(number, event)
    }
}

impl Carrier for StreamSession {
    fn call(
        &mut self,
        number: u32,
        request: &[u8],
        reply: &mut Vec<u8>,
        timeout: Option<Duration>,
    ) -> Result<(), CallError> {
        self.call_into(number, request, reply, timeout)
    }

    fn notify(&mut self, number: u32, event: &[u8]) -> Result<(), NotifyError> {
        (*self).notify(number, event)
    }
}

impl Carrier for Context<'_> {
    fn call(
        &mut self,
        number: u32,
        request: &[u8],
        reply: &mut Vec<u8>,
        timeout: Option<Duration>,
    ) -> Result<(), CallError> {
        self.back.call(number, request, reply, timeout)
    }

    fn notify(&mut self, number: u32, event: &[u8]) -> Result<(), NotifyError> {
        self.back.notify(number, event)
    }
}

//! A client's side of an interface: marshals arguments, calls by number, and takes the reply apart.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::binding::Binding;
use super::carrier::Carrier;
use super::codec::{DecodeError, decode, encode, outcome, plain_text, split_reply};
use super::error::{BindError, CallError};
use super::interface::Interface;

/// What the clients that [`interface!`](crate::interface) makes are made of: what carries the calls, the numbers, and two buffers
/// that are kept, so that a call of plain values allocates nothing.
pub struct Stub<I: ?Sized, C> {
    carrier: C,
    binding: Binding<I>,
    timeout: Option<Duration>,
    request: Vec<u8>,
    reply: Vec<u8>,
}

/// Larger buffers are not kept.
const LARGEST_KEPT: usize = 1 << 20;

impl<I: Interface + ?Sized, C: Carrier> Stub<I, C> {
    /// Binds the interface.
    ///
    /// # Errors
    ///
    /// See [`BindError`].
    pub fn bind(mut carrier: C) -> Result<Self, BindError> {
        let binding = Binding::ask(&mut carrier)?;
        Ok(Self::bound(carrier, binding))
    }

    /// With what was bound before, to the same other side.
    pub fn bound(carrier: C, binding: Binding<I>) -> Self {
        Self { carrier, binding, timeout: None, request: Vec::new(), reply: Vec::new() }
    }

    /// The numbers, for other stubs to the same other side.
    pub fn binding(&self) -> &Binding<I> {
        &self.binding
    }

    /// What carries the calls.
    pub fn carrier(&mut self) -> &mut C {
        &mut self.carrier
    }

    /// Gives back what carries the calls.
    pub fn into_carrier(self) -> C {
        self.carrier
    }

    /// How long each call takes at most from now on; as long as the carrier chooses, if not said.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Calls a procedure without an error of its own, by its place. For the code that [`interface!`](crate::interface) makes.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    #[inline]
    pub fn call<R: DeserializeOwned>(&mut self, place: usize, arguments: &impl Serialize) -> Result<R, CallError> {
        let result = self.exchange(place, arguments).and_then(|()| match split_reply(&self.reply) {
            Ok((outcome::RETURNED, value)) => decode(value).map_err(CallError::BadReply),
            other => Err(unreturned(other)),
        });
        self.tidy();
        result
    }

    /// Calls a procedure with an error of its own, by its place. For the code that [`interface!`](crate::interface) makes.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    #[inline]
    pub fn call_fallible<R: DeserializeOwned, E: DeserializeOwned>(
        &mut self,
        place: usize,
        arguments: &impl Serialize,
    ) -> Result<R, CallError<E>> {
        let result = self.exchange(place, arguments).and_then(|()| match split_reply(&self.reply) {
            Ok((outcome::RETURNED, value)) => decode(value).map_err(CallError::BadReply),
            Ok((outcome::FAILED, error)) => Err(decode(error).map_or_else(CallError::BadReply, CallError::Procedure)),
            other => Err(unreturned(other)),
        });
        self.tidy();
        result
    }

    /// Sends a call that wants no answer, by its place. For the code that [`interface!`](crate::interface) makes.
    ///
    /// # Errors
    ///
    /// If it was not sent.
    pub fn send(&mut self, place: usize, arguments: &impl Serialize) -> Result<(), CallError> {
        self.marshal(arguments)?;
        let sent = self.carrier.notify(self.binding.number(place), &self.request);
        self.tidy();
        Ok(sent?)
    }

    #[inline]
    fn exchange<E>(&mut self, place: usize, arguments: &impl Serialize) -> Result<(), CallError<E>> {
        self.marshal(arguments)?;
        let number = self.binding.number(place);
        Ok(self.carrier.call(number, &self.request, &mut self.reply, self.timeout)?)
    }

    #[inline]
    fn marshal<E>(&mut self, arguments: &impl Serialize) -> Result<(), CallError<E>> {
        self.request.clear();
        encode(arguments, &mut self.request).map_err(CallError::Unencodable)
    }

    /// One large call is no reason to hold its memory for ever.
    #[inline]
    fn tidy(&mut self) {
        if self.request.capacity() > LARGEST_KEPT {
            self.request = Vec::new();
        }
        if self.reply.capacity() > LARGEST_KEPT {
            self.reply = Vec::new();
        }
    }
}

/// Why a reply holds neither a value nor the procedure's own error.
#[cold]
fn unreturned<E>(reply: Result<(u8, &[u8]), DecodeError>) -> CallError<E> {
    match reply {
        Ok((outcome::BAD_ARGUMENTS, why)) => CallError::BadArguments(plain_text(why)),
        Ok((outcome::PANICKED, message)) => CallError::Panicked(plain_text(message)),
        Ok((outcome::BAD_RESULT, why)) => CallError::BadResult(plain_text(why)),
        Ok((outcome, _)) => CallError::BadReply(DecodeError::unexpected(outcome)),
        Err(error) => CallError::BadReply(error),
    }
}

impl<I: ?Sized, C: Clone> Clone for Stub<I, C> {
    fn clone(&self) -> Self {
        let (carrier, binding) = (self.carrier.clone(), self.binding.clone());
        Self { carrier, binding, timeout: self.timeout, request: Vec::new(), reply: Vec::new() }
    }
}

impl<I: ?Sized, C> fmt::Debug for Stub<I, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stub").field("binding", &self.binding).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

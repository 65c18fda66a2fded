//! Receiving.
#![allow(unsafe_code, reason = "exported names; nothing is done that needs trust")]

use std::ffi::c_void;
use std::mem;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use twinring::{Message, Readiness, Receiver as Inner, RecvIntoError};

use crate::boundary::{guarded, guarded_or};
use crate::counters::{ReceiverCounters, write_counters};
use crate::failure::Failure;
use crate::from_c::{Room, given, time};
use crate::lender::Lender;
use crate::status::Status;

/// The end that receives.
pub struct Receiver(Lender<Inner, Message<'static>>);

impl Receiver {
    pub fn new(receiver: Inner) -> Self {
        Self(Lender::new(receiver))
    }
}

#[cold]
fn borrowed() -> Failure {
    Failure::bad_state(c"a message is borrowed: release it")
}

/// The receiver, if no message is borrowed.
#[inline(always)]
fn idle(receiver: Option<&mut Receiver>) -> Result<&mut Inner, Failure> {
    match given(receiver, "receiver")?.0.owned() {
        Some(receiver) => Ok(receiver),
        None => Err(borrowed()),
    }
}

/// Receives a message into `buffer`, waiting for it as long as it takes; `*length` says how long it is. If it is longer than
/// `capacity`, the answer is TWINRING_TOO_SMALL, `*length` says how much is needed, and the next receive finds the message again.
/// The buffer stays the caller's. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_recv(
    receiver: Option<&mut Receiver>,
    mut buffer: Room,
    capacity: usize,
    length: Option<&mut MaybeUninit<usize>>,
) -> Status {
    guarded(|| {
        let receiver = idle(receiver)?;
        let length = given(length, "length")?.write(0);
        match receiver.recv_into(buffer.bytes(capacity)?) {
            Ok(received) => *length = received,
            Err(error) => {
                if let RecvIntoError::TooSmall { length: needed, .. } = error {
                    *length = needed;
                }
                return Err(error.into());
            }
        }
        Ok(())
    })
}

/// The same if a message has come, else TWINRING_EMPTY. Never blocks. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_try_recv(
    receiver: Option<&mut Receiver>,
    mut buffer: Room,
    capacity: usize,
    length: Option<&mut MaybeUninit<usize>>,
) -> Status {
    guarded(|| {
        let receiver = idle(receiver)?;
        let length = given(length, "length")?.write(0);
        copy_out(receiver.try_recv()?, buffer.bytes(capacity)?, length)
    })
}

/// The same, waiting for at most `timeout_ns` nanoseconds, for ever if negative. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_recv_timeout(
    receiver: Option<&mut Receiver>,
    mut buffer: Room,
    capacity: usize,
    timeout_ns: i64,
    length: Option<&mut MaybeUninit<usize>>,
) -> Status {
    guarded(|| {
        let receiver = idle(receiver)?;
        let length = given(length, "length")?.write(0);
        copy_out(await_message(receiver, time(timeout_ns))?, buffer.bytes(capacity)?, length)
    })
}

fn await_message(receiver: &mut Inner, time: Option<Duration>) -> Result<Message<'_>, Failure> {
    match time {
        None => Ok(receiver.recv()?),
        Some(Duration::ZERO) => Ok(receiver.try_recv()?),
        Some(time) => Ok(receiver.recv_timeout(time)?),
    }
}

/// Copies a message out and releases it; keeps one that does not fit.
#[inline(always)]
fn copy_out(message: Message<'_>, buffer: &mut [u8], length: &mut usize) -> Result<(), Failure> {
    *length = message.len();
    if let Some(to) = buffer.get_mut(..*length) {
        message.copy_to(to);
        return Ok(());
    }
    // Not released, so that the next receive finds it.
    mem::forget(message);
    Err(RecvIntoError::TooSmall { length: *length, buffer: buffer.len() }.into())
}

/// Receives a message in place, without a copy: `*data` points to its `*length` bytes in shared memory, aligned to 8 bytes.
/// Waits for at most `timeout_ns` nanoseconds, for ever if negative; 0 only looks, and says TWINRING_EMPTY if none has come. The
/// bytes are the peer's: an honest one does not change them before twinring_release(), a lying one can, so read each once or
/// copy before checking. They may be read until twinring_release(), by any thread; until then nothing else is received. Threads:
/// one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_borrow(
    receiver: Option<&mut Receiver>,
    timeout_ns: i64,
    data: Option<&mut MaybeUninit<*const c_void>>,
    length: Option<&mut MaybeUninit<usize>>,
) -> Status {
    guarded(|| {
        let data = given(data, "data")?.write(std::ptr::null());
        let length = given(length, "length")?.write(0);
        let take = |receiver| await_message(receiver, time(timeout_ns));
        let message = given(receiver, "receiver")?.0.lend(take).ok_or_else(borrowed)??;
        *length = message.len();
        *data = message.as_ptr().cast();
        Ok(())
    })
}

/// Releases a borrowed message: its room goes back to the sender. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_release(receiver: Option<&mut Receiver>) -> Status {
    guarded(|| {
        let message = given(receiver, "receiver")?.0.take();
        message.map(drop).ok_or_else(|| Failure::bad_state(c"no message is borrowed"))
    })
}

/// Prepares to wait for the descriptor of twinring_receiver_fd() in poll(2) or the like. `*ready` says whether there is a message
/// or the end already: then receive, and do not wait. Otherwise the descriptor becomes readable once when there is. Take all there
/// is with twinring_try_recv(), then call this again before waiting again. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_receiver_arm(
    receiver: Option<&mut Receiver>,
    ready: Option<&mut MaybeUninit<bool>>,
) -> Status {
    guarded(|| {
        let readiness = idle(receiver)?.arm()?;
        given(ready, "ready")?.write(readiness == Readiness::Ready);
        Ok(())
    })
}

/// The descriptor to poll for reading after twinring_receiver_arm(), and for nothing else. It is the receiver's, and is closed with
/// it. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_receiver_fd(receiver: Option<&mut Receiver>, fd: Option<&mut MaybeUninit<i32>>) -> Status {
    guarded(|| {
        let found = idle(receiver)?.as_fd().as_raw_fd();
        given(fd, "fd")?.write(found);
        Ok(())
    })
}

/// What the receiver has counted; `size` is that of twinring_receiver_counters. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_receiver_count(
    receiver: Option<&mut Receiver>,
    counters: Option<&mut MaybeUninit<ReceiverCounters>>,
    size: usize,
) -> Status {
    guarded(|| {
        let found = idle(receiver)?.counters();
        write_counters(counters, size, found.into())
    })
}

/// Receives no more; null is nothing. The peer's sends fail with TWINRING_CLOSED. A borrowed message is released. Threads: one,
/// as the last use.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_receiver_close(receiver: Option<Box<Receiver>>) {
    guarded_or((), || drop(receiver));
}

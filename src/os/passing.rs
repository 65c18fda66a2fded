//! Descriptors that a peer passes, and how long it can hold us up by them.
//!
//! To close a descriptor can take as long as who made it likes: a TCP socket lingers for hours if it was told so, a file of a
//! FUSE server answers when the server does. It makes no difference whether we took it or only received the packet that it
//! came with, nor whether we received that at all: who closes the socket closes what lies in it. So no descriptor may come
//! where none is due (`SO_PASSRIGHTS`, Linux 6.16), and what came all the same is closed by a thread that nobody waits for.
#![allow(unsafe_code)]

use std::mem::{self, ManuallyDrop, size_of_val};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::fcntl_get_seals;

/// The number of the option is the same on all machines but two, of which Rust knows one.
const SO_PASSRIGHTS: libc::c_int = if cfg!(target_arch = "sparc64") { 0x5c } else { 83 };

/// Lets descriptors come through `socket`, or not: then the peer's attempt to send one fails. Those who connect to a socket
/// that listens begin with what was said of that. Before Linux 6.16 they always come.
pub(crate) fn allow(socket: BorrowedFd<'_>, wanted: bool) {
    let value = libc::c_int::from(wanted);
    let (address, length) = (ptr::from_ref(&value).cast(), size_of_val(&value) as libc::socklen_t);
    // SAFETY: the address is that of a number of the stated length, which the kernel only reads.
    let _ = unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, SO_PASSRIGHTS, address, length) };
}

/// Whether a packet lies in `socket`, with descriptors or not. Looks without taking anything.
pub(crate) fn waits(socket: BorrowedFd<'_>) -> bool {
    let mut byte = 0_u8;
    let mut iov = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    // SAFETY: all-zero bytes are a valid `msghdr`.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    header.msg_iov = &raw mut iov;
    header.msg_iovlen = 1;
    // SAFETY: the header points to one buffer, writable for the length it states, and to no control area.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, libc::MSG_PEEK | libc::MSG_DONTWAIT) };
    // An empty packet looks like a hang-up but for what came along.
    length > 0 || header.msg_flags & libc::MSG_CTRUNC != 0
}

/// A descriptor that a peer has passed. Dropping it takes no time.
#[derive(Debug)]
pub(crate) struct Passed(ManuallyDrop<OwnedFd>);

impl Passed {
    pub(crate) fn new(descriptor: OwnedFd) -> Self {
        Self(ManuallyDrop::new(descriptor))
    }

    /// The descriptor, until this is dropped.
    pub(crate) fn get(&self) -> &OwnedFd {
        &self.0
    }
}

impl Drop for Passed {
    fn drop(&mut self) {
        // SAFETY: taken once, here, and not used afterwards.
        let descriptor = unsafe { ManuallyDrop::take(&mut self.0) };
        // A memory file has nothing to wait for.
        if fcntl_get_seals(&descriptor).is_err() {
            close_aside(descriptor);
        }
    }
}

/// A socket through which descriptors may have come. Dropping it takes no time.
#[derive(Debug)]
pub(crate) struct Doorway(ManuallyDrop<OwnedFd>);

impl Doorway {
    pub(crate) fn new(socket: OwnedFd) -> Self {
        Self(ManuallyDrop::new(socket))
    }

    /// The socket, once nothing lies in it and nothing may come through it.
    pub(crate) fn into_socket(self) -> OwnedFd {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: taken once, here: `this` is not dropped.
        unsafe { ManuallyDrop::take(&mut this.0) }
    }
}

impl AsFd for Doorway {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Drop for Doorway {
    fn drop(&mut self) {
        // SAFETY: taken once, here, and not used afterwards.
        let socket = unsafe { ManuallyDrop::take(&mut self.0) };
        allow(socket.as_fd(), false);
        if waits(socket.as_fd()) {
            // The peer need not wait for the thread to learn of it.
            super::socket::shut_down(socket.as_fd());
            close_aside(socket);
        }
    }
}

/// What is to be closed, and the thread that does.
struct Closing {
    waiting: Vec<OwnedFd>,
    /// The process in which the thread runs, if it does.
    runs_in: Option<u32>,
}

static CLOSING: Mutex<Closing> = Mutex::new(Closing { waiting: Vec::new(), runs_in: None });

fn closing() -> MutexGuard<'static, Closing> {
    CLOSING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has the thread close it. What waits behind one that takes for ever stays open: bounded by the limit of descriptors only.
fn close_aside(descriptor: OwnedFd) {
    let mut closing = closing();
    closing.waiting.push(descriptor);
    let process = std::process::id();
    if closing.runs_in != Some(process) {
        let thread = std::thread::Builder::new().name("twinring-close".into()).spawn(close_all);
        closing.runs_in = thread.is_ok().then_some(process);
    }
}

/// One after the other, until there is nothing left.
fn close_all() {
    loop {
        let mut closing = closing();
        let Some(descriptor) = closing.waiting.pop() else {
            closing.runs_in = None;
            return;
        };
        drop(closing);
        drop(descriptor);
    }
}

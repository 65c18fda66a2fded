//! Where replies go.
#![allow(unsafe_code, reason = "exported names; nothing is done that needs trust")]

use std::ffi::c_void;

use crate::boundary::guarded_or;

/// Memory for a reply, of whatever size it is; used again and again it costs no allocation.
pub struct Reply(pub Vec<u8>);

/// Room for replies. Free it with twinring_reply_free(). Null if there is no memory for it. Threads: any; then one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_reply_new() -> Option<Box<Reply>> {
    guarded_or(None, || Some(Box::new(Reply(Vec::new()))))
}

/// The bytes of the last reply, which are the handle's until it is used for another or freed; null if `reply` is. Threads: one at a
/// time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_reply_data(reply: Option<&Reply>) -> *const c_void {
    reply.map_or(std::ptr::null(), |reply| reply.0.as_ptr().cast())
}

/// The length of the last reply in bytes; 0 if it failed. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_reply_length(reply: Option<&Reply>) -> usize {
    reply.map_or(0, |reply| reply.0.len())
}

/// Frees it; null is nothing. Threads: one, as the last use.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_reply_free(reply: Option<Box<Reply>>) {
    guarded_or((), || drop(reply));
}

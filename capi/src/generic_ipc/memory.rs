//! Memory that changes hands: from `malloc`, and to `free`. The file above says what is assumed.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::slice;

use super::IpcResponse;
use crate::failure::Failure;
use crate::status::Status;

/// A copy of a reply, for the caller to free; null if it is empty. A zero byte follows, for those who take it for a text.
pub fn hand_out(reply: &[u8]) -> Result<(*mut c_void, u32), Failure> {
    if reply.is_empty() {
        return Ok((std::ptr::null_mut(), 0));
    }
    let too_large =
        |_| Failure::new(Status::TooLarge, format!("a reply of {} bytes, expected 2^32 at most", reply.len()));
    let size = u32::try_from(reply.len()).map_err(too_large)?;
    // SAFETY: any size may be asked for.
    let copy = unsafe { libc::malloc(reply.len() + 1) };
    if copy.is_null() {
        return Err(Failure::new(Status::System, format!("no memory for a reply of {size} bytes")));
    }
    // SAFETY: it is memory of one byte more than the reply, that nobody else knows, all written before it is read.
    let place = unsafe { slice::from_raw_parts_mut(copy.cast::<u8>(), reply.len() + 1) };
    place[..reply.len()].copy_from_slice(reply);
    place[reply.len()] = 0;
    Ok((copy, size))
}

/// What a handler allocated for its reply. Freed when dropped.
pub struct Given {
    data: *mut c_void,
    size: usize,
}

impl Given {
    /// Takes over what a handler put into its response; null stands for nothing, whatever the size says.
    pub fn new(response: &IpcResponse) -> Self {
        let size = if response.resp_data.is_null() { 0 } else { response.resp_data_size as usize };
        Self { data: response.resp_data, size }
    }

    pub fn bytes(&self) -> &[u8] {
        if self.size == 0 {
            return &[];
        }
        // SAFETY: not null, and the handler gave so many bytes away for good.
        unsafe { slice::from_raw_parts(self.data.cast(), self.size) }
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        // SAFETY: null, or from `malloc`, as the header demands of handlers; nobody uses it any more.
        unsafe { libc::free(self.data) };
    }
}

//! The user's handler as one of a session.

use std::cell::Cell;

use twinring::{Call, Failure};

use super::memory::Given;
use super::{Handle, IpcRequest, IpcResponse};

pub struct Answering(pub Handle);

thread_local! {
    /// How many of the user's handlers run on this thread, one within the other.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Whether this thread runs a handler.
pub fn is_inside() -> bool {
    DEPTH.get() > 0
}

impl twinring::Handler for Answering {
    fn call(&self, call: &mut Call<'_>) -> Result<(), Failure> {
        // A copy of its own, in which the handler may write, and a zero byte for those who take it for a text.
        let mut data = Vec::with_capacity(call.payload().len() + 1);
        data.extend_from_slice(call.payload());
        data.push(0);
        let response = self.answer(call.selector().cast_signed(), &mut data);
        call.reply_from(response.bytes());
        Ok(())
    }
}

impl Answering {
    fn answer(&self, kind: i32, data: &mut [u8]) -> Given {
        // What the other side sends is at most as large as we accept, which is less than 2^32.
        let size = u32::try_from(data.len() - 1).unwrap_or(u32::MAX);
        let mut request = IpcRequest { req_type: kind, req_data: data.as_mut_ptr().cast(), req_data_size: size };
        let mut response = IpcResponse { resp_data: std::ptr::null_mut(), resp_data_size: 0 };
        DEPTH.set(DEPTH.get() + 1);
        (self.0)(&mut request, &mut response);
        DEPTH.set(DEPTH.get() - 1);
        Given::new(&response)
    }
}

//! The functions of `include/generic_ipc.h`, on a session between two programs of one directory.
//!
//! Unsafe code here and in `memory` may assume what that header demands and the caller in C keeps: a request and a response that
//! are not null are valid during the call, data that is not null has as many bytes as its size says, and what a handler puts into
//! its response came from `malloc`.
#![allow(unsafe_code)]

mod answering;
mod keeper;
mod memory;
mod shared;
mod side;

use std::ffi::{c_int, c_void};
use std::slice;

use crate::boundary::{guarded, guarded_or};
use crate::failure::Failure;
use crate::from_c::given;
use crate::status::Status;

/// `ipc_req_t`
#[repr(C)]
pub struct IpcRequest {
    req_type: c_int,
    req_data: *mut c_void,
    req_data_size: u32,
}

/// `ipc_resp_t`
#[repr(C)]
pub struct IpcResponse {
    resp_data: *mut c_void,
    resp_data_size: u32,
}

/// What answers the other side.
pub type Handle = extern "C" fn(&mut IpcRequest, &mut IpcResponse);

const FAILED: c_int = -1;

fn result_of(status: Status) -> c_int {
    if status == Status::Ok { 0 } else { FAILED }
}

/// See `include/generic_ipc.h`.
#[unsafe(no_mangle)]
pub extern "C" fn generic_ipc_init(owner_id: c_int, handler: Option<Handle>) -> c_int {
    result_of(guarded(|| side::start(owner_id, given(handler, "handler")?)))
}

/// See `include/generic_ipc.h`.
#[unsafe(no_mangle)]
pub extern "C" fn generic_ipc_request(req: Option<&IpcRequest>, resp: Option<&mut IpcResponse>) -> c_int {
    result_of(guarded(|| {
        let (request, response) = (given(req, "req")?, given(resp, "resp")?);
        (response.resp_data, response.resp_data_size) = (std::ptr::null_mut(), 0);
        let reply = side::shared()?.request(request.req_type, request.data()?)?;
        (response.resp_data, response.resp_data_size) = memory::hand_out(&reply)?;
        Ok(())
    }))
}

/// See `include/generic_ipc.h`.
#[unsafe(no_mangle)]
pub extern "C" fn generic_ipc_clean(owner_id: c_int) {
    guarded_or((), || side::stop(owner_id));
}

impl IpcRequest {
    fn data(&self) -> Result<&[u8], Failure> {
        if self.req_data.is_null() {
            return Err(Failure::null("req_data"));
        }
        // SAFETY: it is not null, and the caller promised so many bytes, which stay its own and unchanged during the call.
        Ok(unsafe { slice::from_raw_parts(self.req_data.cast(), self.req_data_size as usize) })
    }
}

//! See `twinring_fuzz::rpc_dispatch`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| twinring_fuzz::rpc_dispatch(data));

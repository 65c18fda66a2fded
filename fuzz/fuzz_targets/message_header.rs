//! See `twinring_fuzz::message_header`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| twinring_fuzz::message_header(data));

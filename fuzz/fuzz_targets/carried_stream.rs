//! See `twinring_fuzz::carried_stream`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| twinring_fuzz::carried_stream(data));

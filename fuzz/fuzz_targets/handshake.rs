//! See `twinring_fuzz::handshake`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| twinring_fuzz::handshake(data));

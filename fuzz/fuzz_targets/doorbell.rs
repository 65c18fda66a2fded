//! See `twinring_fuzz::doorbell`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| twinring_fuzz::doorbell(data));

//! See `twinring_fuzz::region_header`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| twinring_fuzz::region_header(data));

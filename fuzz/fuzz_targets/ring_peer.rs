//! See `twinring_fuzz::ring_peer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| twinring_fuzz::ring_peer(data));

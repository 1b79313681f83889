//! See `fuzz::dispatcher`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::dispatcher::check(data));

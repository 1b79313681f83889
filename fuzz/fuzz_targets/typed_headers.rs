//! See `fuzz::typed_headers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::typed_headers::check(data));

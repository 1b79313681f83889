//! See `fuzz::uri_pairs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::uri_pairs::check(data));

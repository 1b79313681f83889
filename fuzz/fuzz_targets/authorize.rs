//! Only alice registers, with her own answer: see `fuzz::authorize`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::authorize::check(data));

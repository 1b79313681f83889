//! What must hold for any bytes.
//!
//! Each module has one function, `check(data: &[u8])`, which panics when what the module says does not hold. A target
//! in `fuzz_targets/` feeds it from libFuzzer; the tests here feed it every file of `corpus/<target>/`, so what was
//! found once is looked at in every `cargo xtask test`.
//!
//! To add a target: its module here, its line in `replay!`, a thin file in `fuzz_targets/`, a `[[bin]]` in Cargo.toml,
//! and at least one file in its corpus.

pub mod authorize;
pub mod dispatcher;
pub mod framing;
pub mod index;
pub mod proxy_protocol;
pub mod record;
pub mod stun;
pub mod typed_headers;
pub mod upgrade;
pub mod uri_pairs;
pub mod websocket;

#[cfg(test)]
mod replay;

//! The dispatcher as a worker sees it: bytes in, bytes out, on virtual time.

mod absorbing;
mod answers;
mod chains;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod held;
#[cfg(test)]
mod network;
mod routing;
#[cfg(test)]
mod torture;
mod waiting;

//! Room for connections: each takes a file descriptor, and systems allow a process few at first.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What the program needs beside its connections: listeners, event queues, log.
const OTHERS: u64 = 256;

/// Asks for as many descriptors as `wanted` connections need, and gives how many connections the system allows.
pub(crate) fn make_room(wanted: usize) -> usize {
    let needed = u64::try_from(wanted).unwrap_or(u64::MAX).saturating_add(OTHERS);
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return wanted };
    let raised = needed.min(hard).max(soft);
    let allowed = if setrlimit(Resource::RLIMIT_NOFILE, raised, hard).is_ok() { raised } else { soft };
    usize::try_from(allowed.saturating_sub(OTHERS)).unwrap_or(usize::MAX).clamp(1, wanted)
}

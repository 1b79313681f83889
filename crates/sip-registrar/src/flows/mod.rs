//! Which bindings live by their connection, and which connections are there.

mod aors;
mod index;

use std::time::Duration;

pub(crate) use index::{Flows, Lost};

use crate::record::{Binding, Tie};

/// What the end of a connection means for the bindings that came over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowRules {
    /// Whether a binding ends with its connection (RFC 5626 §7). One with a Path never does: it is reached by its
    /// proxies.
    pub follow: bool,
    /// How long a client has for coming back before its binding is removed (5 s). Nobody is sent there meanwhile.
    pub grace: Duration,
    /// Whether a binding stays whose Contact names the very IP address it came from, without `ob` or `reg-id`: trunks
    /// and servers that listen there, and connect anew as they like.
    pub keep_reachable: bool,
}

impl Default for FlowRules {
    fn default() -> Self {
        Self { follow: true, grace: Duration::from_secs(5), keep_reachable: false }
    }
}

impl FlowRules {
    /// What the end of its connection will mean for a new binding.
    #[must_use]
    pub fn tie(&self, binding: &Binding<'_>) -> Tie {
        let follows = self.follow
            && binding.flow.is_some()
            && binding.path.is_empty()
            && !(self.keep_reachable && binding.is_reachable_without_flow());
        if follows { Tie::Follows } else { Tie::None }
    }

    /// The grace in milliseconds.
    pub(crate) fn grace_millis(&self) -> u64 {
        u64::try_from(self.grace.as_millis()).unwrap_or(u64::MAX)
    }
}

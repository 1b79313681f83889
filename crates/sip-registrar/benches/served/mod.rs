//! A registrar without its sockets.

use std::hint::black_box;

use sip_dispatch::{Config, Dispatcher, Link, ReceiveChain, Share};
use sip_transport::{Inbound, Ingress, LegId, Now, Outbox, Peer, Transport};

/// When everything happens.
pub(crate) const START: u64 = 1_700_000_000_000;

/// Who sends everything.
pub(crate) fn peer() -> Peer {
    Peer {
        leg: LegId(0),
        transport: Transport::Udp,
        remote: ([127, 0, 0, 1], 40_000).into(),
        local: ([127, 0, 0, 1], 5060).into(),
        flow: None,
    }
}

/// A chain that is served, and its answers that were not sent yet.
pub(crate) struct Served {
    pub(crate) dispatcher: Dispatcher,
    pub(crate) outbox: Outbox,
}

impl Served {
    /// By these links.
    pub(crate) fn by(links: impl IntoIterator<Item = Link>) -> Self {
        let dispatcher = Dispatcher::new(ReceiveChain::new(links), Config::default(), Share::WHOLE);
        Self { dispatcher, outbox: Outbox::new() }
    }

    /// Hands in a datagram.
    pub(crate) fn hand_in(&mut self, bytes: &str) {
        let rx = Inbound { bytes: bytes.as_bytes(), peer: peer(), now: Now::from_millis(START) };
        self.dispatcher.on_message(rx, &mut self.outbox);
    }

    /// Sends what was answered, to nobody.
    pub(crate) fn send(&mut self) {
        black_box(&self.outbox);
        self.outbox.clear();
    }
}

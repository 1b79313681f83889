//! Thousands of connections that mean no good, of every kind at once: those that mean well are served throughout, all others
//! are closed, and the memory comes back.
#![cfg(all(feature = "tls", feature = "ws"))]

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod counting;
#[cfg(test)]
mod honest;
#[cfg(test)]
mod server;

use std::sync::atomic::{AtomicBool, Ordering};

use sip_transport::CloseCause;

use attacks::Attack;
use server::Running;

/// How many bytes more the process may hold afterwards: what the tables of the server have grown to, and what threads keep.
const MARGIN: usize = 4 << 20;

/// Everything at once, and after it nothing is left but the listeners.
#[cfg(test)]
fn everything_at_once(server: &Running, idle: usize) -> Vec<(&'static str, usize)> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let honest: Vec<_> = honest::KINDS
            .iter()
            .map(|(name, open)| {
                let over = &over;
                (*name, scope.spawn(move || honest::asks_until(&mut open(server), over)))
            })
            .collect();
        let attacks: Vec<_> =
            Attack::all(idle).into_iter().map(|attack| scope.spawn(move || attack.run(server))).collect();
        for attack in attacks {
            attack.join().unwrap();
        }
        over.store(true, Ordering::Release);
        honest.into_iter().map(|(name, thread)| (name, thread.join().unwrap())).collect()
    })
}

#[test]
fn honest_clients_are_served_the_others_are_closed_and_the_memory_comes_back() {
    let server = Running::start();
    // Of both ends of a connection, each takes a descriptor.
    let idle = 5000.min(server::descriptors().saturating_sub(3000) / 2);
    assert!(idle >= 500, "too few file descriptors are allowed: raise ulimit -n");
    // What is made once is there after a small round.
    everything_at_once(&server, 50);
    server.wait_until_empty();
    let before = counting::live();
    let closed_before = server.counters();
    let served = everything_at_once(&server, idle);
    server.wait_until_empty();
    let left = counting::live().saturating_sub(before);
    println!("{idle} idle; served meanwhile: {served:?}; {left} bytes left of {before}");
    for (name, asked) in served {
        assert!(asked >= 20, "{name}: only {asked} requests were answered");
    }
    assert!(left < MARGIN, "{left} bytes are held more than before");
    let counters = server.counters();
    let closed = |cause| counters.closed(cause) - closed_before.closed(cause);
    assert_eq!(counters.panics, 0);
    for (cause, least) in [
        (CloseCause::FirstByte, idle as u64),
        (CloseCause::Message, attacks::DRIPS as u64),
        (CloseCause::Framing, attacks::ENDLESS as u64),
        (CloseCause::Handshake, attacks::HALF_OPEN as u64),
        (CloseCause::Upgrade, attacks::UPGRADES as u64),
        (CloseCause::WebSocket, attacks::FRAMES as u64),
        (CloseCause::Broken, 1),
    ] {
        assert!(closed(cause) >= least, "{cause:?}: {} of {least}; {counters:?}", closed(cause));
    }
    let unread = closed(CloseCause::WriteStalled) + closed(CloseCause::WriteOverflow);
    assert!(unread >= attacks::NON_READERS as u64, "{unread} that did not read; {counters:?}");
}

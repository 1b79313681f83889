//! Legs that come and go while a server runs.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Instant;

use sip_transport::{BindError, Leg, LegId, StreamConfig};

use crate::harness::{PATIENCE, Running, alone, ask_tcp, ask_udp, config, message, read_to_end, start};

fn legs(specs: &[&str]) -> Vec<Leg> {
    specs.iter().map(|spec| spec.parse().unwrap()).collect()
}

/// Has the server serve these legs, and gives their numbers and addresses.
fn change(server: &Running, to: &[Leg]) -> Vec<(LegId, SocketAddr)> {
    server.control.change_legs(to).unwrap().apply();
    server.control.legs().iter().map(|(id, leg)| (*id, leg.spec.addr())).collect()
}

fn udp(to: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind((to.ip(), 0)).unwrap();
    socket.connect(to).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn tcp(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Asks until `is_so`: workers do what they are told one after the other.
fn wait_until(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it was to be so by now");
        std::thread::yield_now();
    }
}

#[test]
fn legs_that_are_added_are_served_by_all_workers() {
    let server = start(config(&["udp:127.0.0.1:0"]));
    let now = change(&server, &legs(&["udp:127.0.0.1:0", "udp:127.0.0.2:0", "tcp:127.0.0.1:0"]));
    assert_eq!(now[0], (LegId(0), server.addrs[0]));
    let workers: Vec<_> = (0..64)
        .map(|_| {
            assert_eq!(ask_udp(&udp(now[1].1), &message("hello")), message("hello"));
            let (worker, peer) = server.next_message();
            assert_eq!((peer.leg, peer.local), (LegId(1), now[1].1));
            worker.0
        })
        .collect();
    assert!(workers.contains(&0) && workers.contains(&1), "{workers:?}");
    assert_eq!(ask_tcp(&mut tcp(now[2].1), &message("hello")), message("hello"));
    assert_eq!(server.next_message().1.leg, LegId(2));
    assert_eq!(ask_udp(&server.udp(0), &message("hello")), message("hello"));
}

#[test]
fn a_leg_that_is_removed_is_closed_and_its_connections_stay() {
    let server = start(config(&["udp:127.0.0.1:0", "tcp:127.0.0.1:0", "udp:127.0.0.1:0"]));
    let mut stays = server.tcp(1);
    assert_eq!(ask_tcp(&mut stays, &message("hello")), message("hello"));
    let (gone_udp, gone_tcp) = (server.addrs[0], server.addrs[1]);
    // One that was given a port is known by it, too.
    let all = server.control.legs();
    let left = Leg { spec: all[2].1.spec, ..legs(&["udp:127.0.0.1:0"])[0].clone() };
    let now = change(&server, std::slice::from_ref(&left));
    wait_until(|| UdpSocket::bind(gone_udp).is_ok());
    wait_until(|| TcpStream::connect(gone_tcp).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused));
    assert_eq!(ask_tcp(&mut stays, &message("still")), message("still"));
    assert_eq!(ask_udp(&udp(now[0].1), &message("hello")), message("hello"));
    // A leg that comes later is another, also at the same address.
    let back = change(&server, &[left, Leg { spec: all[0].1.spec, ..legs(&["udp:127.0.0.1:0"])[0].clone() }]);
    assert!(back[1].0 > LegId(2) && back[1].1 == gone_udp, "{back:?}");
    assert_eq!(ask_udp(&udp(gone_udp), &message("hello")), message("hello"));
}

#[test]
fn what_waits_for_an_answer_when_its_leg_is_removed_gets_it() {
    let server = start(alone(&["udp:127.0.0.1:0", "tcp:127.0.0.1:0"]));
    let waits = server.udp(0);
    waits.send(&message("together-2")).unwrap();
    server.next_message();
    change(&server, &legs(&["tcp:127.0.0.1:0"]));
    assert_eq!(ask_tcp(&mut server.tcp(1), &message("together-2")), message("together-2"));
    let mut answer = vec![0; 1000];
    let length = waits.recv(&mut answer).unwrap();
    assert_eq!(answer[..length], message("together-2"));
    wait_until(|| UdpSocket::bind(server.addrs[0]).is_ok());
}

#[test]
fn a_leg_that_cannot_be_bound_changes_nothing() {
    let server = start(config(&["udp:127.0.0.1:0"]));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let wanted = legs(&[&format!("udp:{free}"), &format!("tcp:{}", taken.local_addr().unwrap())]);
    assert!(matches!(server.control.change_legs(&wanted), Err(BindError::AddressInUse(_))));
    assert!(matches!(server.control.change_legs(&[]), Err(BindError::NoLegs)));
    drop(server.control.change_legs(&legs(&[&format!("udp:{free}")])).unwrap());
    assert!(UdpSocket::bind(free).is_ok());
    let all: Vec<_> = server.control.legs().iter().map(|(id, leg)| (*id, leg.spec.addr())).collect();
    assert_eq!(all, [(LegId(0), server.addrs[0])]);
    assert_eq!(ask_udp(&server.udp(0), &message("hello")), message("hello"));
}

#[test]
fn a_leg_that_stays_asks_what_it_is_told_of_new_connections() {
    let server = start(alone(&["tcp:127.0.0.1:0"]));
    let mut before = server.tcp(0);
    assert_eq!(ask_tcp(&mut before, &message("hello")), message("hello"));
    let mut wanted = legs(&["tcp:127.0.0.1:0"]);
    wanted[0].trusted_proxies = vec!["192.0.2.0/24".parse().unwrap()];
    let now = change(&server, &wanted);
    assert_eq!(now, [(LegId(0), server.addrs[0])]);
    wait_until(|| {
        drop(server.tcp(0));
        server.counters().connections_refused_untrusted > 0
    });
    assert_eq!(read_to_end(&mut server.tcp(0)), b"");
    assert_eq!(ask_tcp(&mut before, &message("still")), message("still"));
}

#[test]
fn as_many_connections_are_taken_as_was_said_last() {
    let mut config = alone(&["tcp:127.0.0.1:0"]);
    config.streams = StreamConfig { connections_per_source: 1, ..config.streams };
    let server = start(config);
    let mut first = server.tcp(0);
    assert_eq!(ask_tcp(&mut first, &message("hello")), message("hello"));
    assert_eq!(read_to_end(&mut server.tcp(0)), b"");
    server.control.limit_connections(10, 2);
    let mut second = server.tcp(0);
    assert_eq!(ask_tcp(&mut second, &message("hello")), message("hello"));
    server.control.limit_connections(10, 1);
    // Whoever is there stays.
    first.write_all(&message("hello")).unwrap();
    assert_eq!(ask_tcp(&mut second, &message("hello")), message("hello"));
    let _ = read_to_end(&mut server.tcp(0));
    assert_eq!(server.counters().connections_refused_by_source, 2);
}

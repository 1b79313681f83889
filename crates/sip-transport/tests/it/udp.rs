use std::collections::HashMap;

use sip_transport::{Batching, LegId, Transport, UdpConfig};

use crate::harness::{Event, alone, ask_udp, config, message, start};

const LEGS: [&str; 2] = ["udp:127.0.0.1:0", "udp:[::1]:0"];

#[test]
fn a_datagram_is_answered_over_both_versions_of_ip_and_by_both_engines() {
    for batching in [Batching::Best, Batching::Single] {
        let mut config = config(&LEGS);
        config.udp.batching = batching;
        let server = start(config);
        for leg in 0..2 {
            let client = server.udp(leg);
            assert_eq!(ask_udp(&client, &message("hello")), message("hello"));
            let (_, peer) = server.next_message();
            assert_eq!(peer.remote, client.local_addr().unwrap());
            assert_eq!(peer.local, server.addrs[leg]);
            assert_eq!((peer.leg, peer.transport, peer.flow), (LegId(leg as u16), Transport::Udp, None));
        }
    }
}

#[test]
fn a_source_always_meets_the_same_worker_and_all_workers_have_sources() {
    let server = start(config(&LEGS));
    let clients: Vec<_> = (0..40).map(|n| server.udp(n % 2)).collect();
    for _ in 0..3 {
        for client in &clients {
            assert_eq!(ask_udp(client, &message("hello")), message("hello"));
        }
    }
    let mut worker_of = HashMap::new();
    for event in server.events.try_iter() {
        let Event::Message(worker, peer) = event else { panic!("{event:?}") };
        assert_eq!(*worker_of.entry(peer.remote).or_insert(worker), worker);
    }
    assert_eq!(worker_of.len(), 40);
    // With 40 sources over 2 workers, one of them is idle once in 5 * 10^11 runs.
    assert_eq!(worker_of.values().collect::<std::collections::HashSet<_>>().len(), 2);
    // What is sent is counted after it has been sent.
    server.shutdown.drain();
    let (.., counters) = server.end();
    assert_eq!((counters.datagrams_received, counters.datagrams_sent, counters.messages), (120, 120, 120));
}

#[test]
fn answers_longer_than_any_mtu_arrive() {
    let server = start(config(&LEGS));
    for leg in 0..2 {
        for size in [8_000, 20_000, 65_000] {
            let answer = ask_udp(&server.udp(leg), &message(&format!("big-{size}")));
            assert_eq!(answer, vec![b'x'; size]);
        }
    }
}

#[test]
fn a_batch_whose_answers_exceed_the_outbox_loses_none() {
    for batching in [Batching::Best, Batching::Single] {
        let mut config = alone(&LEGS);
        config.udp.batching = batching;
        // All is there before the server runs, so that it comes in full batches.
        let server = sip_transport::Server::bind(config).unwrap();
        let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket2::SockRef::from(&client).set_recv_buffer_size(4 << 20).unwrap();
        client.set_read_timeout(Some(crate::harness::PATIENCE)).unwrap();
        for n in 0..100 {
            client.send_to(&message(&format!("big-{}", 20_000 + n)), server.local_addrs()[0]).unwrap();
        }
        let _server = crate::harness::run(server, sip_transport::Shutdown::new());
        let mut buffer = vec![0; 65_535];
        for n in 0..100 {
            assert_eq!(client.recv(&mut buffer).unwrap(), 20_000 + n);
        }
    }
}

#[test]
fn answers_of_several_batches_leave_in_their_order_and_none_is_lost() {
    for batching in [Batching::Best, Batching::Single] {
        let mut config = alone(&LEGS);
        config.udp.batching = batching;
        // All is there before the server runs: more than leave at once.
        let server = sip_transport::Server::bind(config).unwrap();
        let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket2::SockRef::from(&client).set_recv_buffer_size(4 << 20).unwrap();
        client.set_read_timeout(Some(crate::harness::PATIENCE)).unwrap();
        client.connect(server.local_addrs()[0]).unwrap();
        let messages: Vec<_> = (0..200).map(|n| message(&n.to_string())).collect();
        messages.iter().for_each(|message| assert_eq!(client.send(message).unwrap(), message.len()));
        let _server = crate::harness::run(server, sip_transport::Shutdown::new());
        let mut buffer = [0; 200];
        for message in messages {
            let length = client.recv(&mut buffer).unwrap();
            assert_eq!(buffer[..length], *message);
        }
    }
}

#[test]
fn what_comes_together_is_announced_first() {
    for batching in [Batching::Best, Batching::Single] {
        let mut config = alone(&LEGS);
        config.udp.batching = batching;
        // All is there before the server runs, so that it comes together.
        let server = sip_transport::Server::bind(config).unwrap();
        let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        client.set_read_timeout(Some(crate::harness::PATIENCE)).unwrap();
        client.connect(server.local_addrs()[0]).unwrap();
        for _ in 0..3 {
            client.send(&message("announced")).unwrap();
        }
        let _server = crate::harness::run(server, sip_transport::Shutdown::new());
        let mut buffer = [0; 9];
        for announced in [b"3", b"2", b"1"] {
            let length = client.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], announced);
        }
        // Who comes alone finds nobody busy.
        assert_eq!(ask_udp(&client, &message("announced")), b"0");
    }
}

#[test]
fn keepalives_are_neither_answered_nor_passed_up() {
    let server = start(alone(&LEGS));
    for leg in 0..2 {
        let client = server.udp(leg);
        for keepalive in ["\r\n", "\r\n\r\n", "", "\n"] {
            client.send(keepalive.as_bytes()).unwrap();
        }
        // The first to be answered is the first message.
        assert_eq!(ask_udp(&client, &message("hello")), message("hello"));
    }
    let counters = server.counters();
    assert_eq!((counters.keepalives, counters.messages, counters.datagrams_received), (8, 2, 10));
    assert_eq!(server.events.try_iter().count(), 2);
}

#[test]
fn a_stun_binding_request_is_answered_with_the_source_address() {
    let server = start(alone(&LEGS));
    let request = *b"\0\x01\0\0\x21\x12\xa4\x42transaction!";
    for (leg, length) in [(0, 32), (1, 44)] {
        let client = server.udp(leg);
        client.send(b"\0\0\0\0").unwrap();
        let answer = ask_udp(&client, &request);
        assert_eq!(answer.len(), length);
        assert_eq!(&answer[..2], b"\x01\x01");
        assert_eq!(&answer[4..20], &request[4..]);
        let port = u16::from_be_bytes([answer[26], answer[27]]) ^ 0x2112;
        assert_eq!(port, client.local_addr().unwrap().port());
    }
    let counters = server.counters();
    assert_eq!((counters.stun_answered, counters.stun_ignored, counters.messages), (2, 2, 0));
}

#[test]
fn a_datagram_longer_than_allowed_is_dropped_and_counted() {
    for batching in [Batching::Best, Batching::Single] {
        let mut config = alone(&LEGS);
        config.udp = UdpConfig { batching, max_datagram: 200, ..UdpConfig::default() };
        let server = start(config);
        let client = server.udp(0);
        client.send(&message(&"a".repeat(200))).unwrap();
        assert_eq!(ask_udp(&client, &message("hello")), message("hello"));
        assert_eq!((server.counters().datagrams_truncated, server.counters().messages), (1, 1));
    }
}

#[test]
fn a_panic_costs_one_message() {
    let server = start(alone(&LEGS));
    let client = server.udp(0);
    client.send(&message("panic")).unwrap();
    assert_eq!(ask_udp(&client, &message("hello")), message("hello"));
    assert_eq!((server.counters().panics, server.counters().messages), (1, 2));
}

#[test]
fn answers_to_connections_that_do_not_exist_are_dropped_and_counted() {
    let server = start(alone(&LEGS));
    assert_eq!(ask_udp(&server.udp(0), &message("stray")), message("stray"));
    server.shutdown.drain();
    let (.., counters) = server.end();
    assert_eq!(counters.messages_without_flow, 3);
}

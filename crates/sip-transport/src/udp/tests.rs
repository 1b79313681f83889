use std::net::UdpSocket;

use super::*;

fn config(batching: Batching) -> UdpConfig {
    UdpConfig { batching, max_datagram: 100, ..UdpConfig::default() }
}

async fn leg(addr: &str) -> UdpLeg {
    let socket = tokio::net::UdpSocket::bind(addr).await.unwrap();
    UdpLeg { id: LegId(0), local: socket.local_addr().unwrap(), socket }
}

fn both_engines(test: impl AsyncFn(UdpConfig, &str)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for batching in [Batching::Best, Batching::Single] {
        for addr in ["127.0.0.1:0", "[::1]:0"] {
            runtime.block_on(test(config(batching), addr));
        }
    }
}

#[test]
fn a_batch_holds_what_came_in_order_and_the_rest_comes_with_the_next() {
    both_engines(async |config, addr| {
        let leg = leg(addr).await;
        let client = UdpSocket::bind(addr).unwrap();
        let source = client.local_addr().unwrap();
        for n in 0..BATCH + 3 {
            client.send_to(&[n as u8; 3], leg.local).unwrap();
        }
        let mut receiver = Receiver::new(&config);
        let mut seen = 0;
        for (expected, received) in [(BATCH, Received::More), (3, Received::Drained), (0, Received::Drained)] {
            assert_eq!(receiver.receive(&leg).unwrap(), received);
            assert_eq!(receiver.datagrams().len(), expected);
            for datagram in receiver.datagrams() {
                assert_eq!(datagram, Datagram::Whole(&[seen; 3], source));
                seen += 1;
            }
        }
    });
}

#[test]
fn a_datagram_that_is_too_long_is_told_from_one_that_just_fits() {
    both_engines(async |config, addr| {
        let leg = leg(addr).await;
        let client = UdpSocket::bind(addr).unwrap();
        let source = client.local_addr().unwrap();
        for length in [100, 101, 5000, 0] {
            client.send_to(&vec![7; length], leg.local).unwrap();
        }
        let mut receiver = Receiver::new(&config);
        receiver.receive(&leg).unwrap();
        let seen: Vec<_> = receiver.datagrams().collect();
        let whole = |length| Datagram::Whole(&[7; 100][..length], source);
        assert_eq!(seen, [whole(100), Datagram::Truncated, Datagram::Truncated, whole(0)]);
    });
}

#[test]
fn one_receiver_serves_both_families_in_turn() {
    for batching in [Batching::Best, Batching::Single] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut receiver = Receiver::new(&config(batching));
            for addr in ["[::1]:0", "127.0.0.1:0", "[::1]:0", "127.0.0.1:0"] {
                let leg = leg(addr).await;
                let client = UdpSocket::bind(addr).unwrap();
                client.send_to(b"hello", leg.local).unwrap();
                receiver.receive(&leg).unwrap();
                let seen: Vec<_> = receiver.datagrams().collect();
                assert_eq!(seen, [Datagram::Whole(b"hello", client.local_addr().unwrap())]);
            }
        });
    }
}

#[test]
fn one_refused_datagram_does_not_hinder_the_others() {
    both_engines(async |config, addr| {
        let socket = UdpSocket::bind(addr).unwrap();
        let client = UdpSocket::bind(addr).unwrap();
        client.set_nonblocking(true).unwrap();
        let somebody = client.local_addr().unwrap();
        // Port 0 is nobody's.
        let nobody = SocketAddr::new(somebody.ip(), 0);
        let texts: Vec<_> = (0..BATCH as u8 * 2 + 5).map(|n| [n; 2]).collect();
        let to = |n: usize| if n.is_multiple_of(7) { nobody } else { somebody };
        let messages = texts.iter().enumerate().map(|(n, text)| (LegId(0), to(n), text.as_slice()));
        let sent = Sender::new(&config).send(messages, |leg| (leg == LegId(0)).then_some(socket.as_fd()));
        let (good, bad): (Vec<u8>, Vec<u8>) = (0..BATCH as u8 * 2 + 5).partition(|n| n % 7 != 0);
        assert_eq!(sent, Sent { sent: good.len() as u64, dropped: 0, failed: bad.len() as u64 });
        let mut buffer = [0; 10];
        let mut received = Vec::new();
        while let Ok((2, source)) = client.recv_from(&mut buffer) {
            assert_eq!(source, socket.local_addr().unwrap());
            received.push(buffer[0]);
        }
        assert_eq!(received, good);
    });
}

#[test]
fn each_leg_sends_by_its_own_socket_and_an_unknown_leg_is_counted() {
    both_engines(async |config, addr| {
        let sockets = [UdpSocket::bind(addr).unwrap(), UdpSocket::bind(addr).unwrap()];
        let client = UdpSocket::bind(addr).unwrap();
        let to = client.local_addr().unwrap();
        let messages = [0, 1, 1, 9, 0].map(|leg| (LegId(leg), to, b"x".as_slice()));
        let sent =
            Sender::new(&config).send(messages.into_iter(), |leg| sockets.get(usize::from(leg.0)).map(AsFd::as_fd));
        assert_eq!(sent, Sent { sent: 4, dropped: 0, failed: 1 });
        let sources = [0, 1, 1, 0].map(|leg: usize| sockets[leg].local_addr().unwrap());
        assert_eq!([(); 4].map(|()| client.recv_from(&mut [0; 9]).unwrap().1), sources);
    });
}

/// What leaves as one arrives as what it was: whoever receives cannot tell.
#[test]
fn datagrams_to_few_addresses_arrive_each_as_it_was() {
    both_engines(async |config, addr| {
        let socket = UdpSocket::bind(addr).unwrap();
        let clients = [(); 3].map(|()| UdpSocket::bind(addr).unwrap());
        let addresses = clients.each_ref().map(|client| client.local_addr().unwrap());
        // Of a few lengths, one of them too long to be a piece of something, each text beginning with its own number.
        let texts: Vec<_> = (0..150usize).map(|n| vec![n as u8; [400, 401, 399, 400, 1300, 1][n * 7 % 6]]).collect();
        let messages = texts.iter().enumerate().map(|(n, text)| (LegId(0), addresses[n * 5 % 3], text.as_slice()));
        let sent = Sender::new(&config).send(messages, |_| Some(socket.as_fd()));
        assert_eq!(sent, Sent { sent: 150, dropped: 0, failed: 0 });
        for (number, client) in clients.iter().enumerate() {
            let mut received: Vec<_> = (0..50).map(|_| received(client, socket.local_addr().unwrap())).collect();
            received.sort();
            let expected = texts.iter().enumerate().filter(|(n, _)| n * 5 % 3 == number);
            assert!(received.iter().eq(expected.map(|(_, text)| text)), "client {number}");
        }
    });
}

/// The most that the kernel is asked to take as one: so many pieces, or so many bytes.
#[test]
fn as_many_as_leave_as_one_arrive_each_as_it_was() {
    both_engines(async |config, addr| {
        let socket = UdpSocket::bind(addr).unwrap();
        let client = UdpSocket::bind(addr).unwrap();
        socket2::SockRef::from(&client).set_recv_buffer_size(4 << 20).unwrap();
        let to = client.local_addr().unwrap();
        for length in [400, 1015, 1200] {
            // Written one behind the other, as in an outbox.
            let written: Vec<_> = (0..ANSWERS).flat_map(|n| vec![n as u8; length]).collect();
            let mut texts = written.chunks_exact(length);
            let messages = texts.clone().map(|text| (LegId(0), to, text));
            let sent = Sender::new(&config).send(messages, |_| Some(socket.as_fd()));
            assert_eq!(sent, Sent { sent: ANSWERS as u64, dropped: 0, failed: 0 });
            assert!(texts.all(|text| received(&client, socket.local_addr().unwrap()) == *text), "{length}");
        }
    });
}

fn received(client: &UdpSocket, from: SocketAddr) -> Vec<u8> {
    client.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
    let mut buffer = [0; 2000];
    let (length, source) = client.recv_from(&mut buffer).unwrap();
    assert_eq!(source, from);
    buffer[..length].to_vec()
}

//! Datagrams.

use std::net::UdpSocket;

use crate::harness::{PATIENCE, Phone, Registrar, Request, Response};

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn receive(socket: &UdpSocket) -> Response {
    let mut buffer = [0; 2048];
    let length = socket.recv(&mut buffer).unwrap();
    Response::new(&buffer[..length])
}

/// RFC 3581 §4.
#[test]
fn with_rport_the_answer_goes_to_where_the_request_came_from() {
    let registrar = Registrar::start();
    let (sender, named) = (socket(), socket());
    let (from, sent_by) = (sender.local_addr().unwrap(), named.local_addr().unwrap());
    let request = Request::register("sip:alice@example.com");
    sender.send_to(request.text("UDP", sent_by).as_bytes(), registrar.udp()).unwrap();
    let answer = receive(&sender);
    let via = answer.header("Via");
    assert!(via.contains(&format!(";rport={}", from.port())) && via.contains(";received=127.0.0.1"), "{via}");
    registrar.stop();
}

/// RFC 3261 §18.2.2.
#[test]
fn without_rport_the_answer_goes_to_the_port_of_the_via() {
    let registrar = Registrar::start();
    let (sender, named) = (socket(), socket());
    let mut request = Request::register("sip:alice@example.com");
    request.rport = false;
    sender.send_to(request.text("UDP", named.local_addr().unwrap()).as_bytes(), registrar.udp()).unwrap();
    let answer = receive(&named);
    assert_eq!((answer.status(), answer.header("Call-ID")), (200, request.call_id.as_str()));
    registrar.stop();
}

#[test]
fn a_repeated_request_gets_the_same_bytes_again() {
    let registrar = Registrar::start();
    let mut phone = Phone::udp(registrar.udp());
    let text = phone.text(&Request::register("sip:alice@example.com").contact("<sip:alice@127.0.0.1:7777>"));
    let answers: Vec<String> = (0..3)
        .map(|_| {
            phone.send(text.as_bytes());
            phone.receive().text().to_owned()
        })
        .collect();
    assert!(answers[0].starts_with("SIP/2.0 200"));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    registrar.stop();
}

/// RFC 5626 §4.4.1 has no such keepalive over UDP, but phones send it.
#[test]
fn line_ends_alone_are_not_answered() {
    let registrar = Registrar::start();
    let mut phone = Phone::udp(registrar.udp());
    phone.send(b"\r\n\r\n");
    phone.send(b"\r\n");
    // One socket of the registrar gets all of these in order: the next answer is to the next request.
    assert_eq!(phone.ask(&Request::register("sip:alice@example.com")).status(), 200);
    let log = registrar.stop().err;
    assert!(!log.contains("reason="), "{log}");
}

/// RFC 5626 §4.4.2, RFC 8489 §14.2.
#[test]
fn stun_tells_where_the_request_came_from() {
    let registrar = Registrar::start();
    let (cookie, id) = ([0x21, 0x12, 0xA4, 0x42], *b"transaction ");
    let request = [&[0x00, 0x01, 0x00, 0x00], &cookie[..], &id].concat();
    for ipv4 in [true, false] {
        let mut phone = Phone::udp(registrar.leg(true, ipv4));
        phone.send(&request);
        let answer = phone.receive_bytes(0);
        assert_eq!(answer[..2], [0x01, 0x01], "{answer:x?}");
        assert_eq!(usize::from(u16::from_be_bytes([answer[2], answer[3]])), answer.len() - 20);
        assert_eq!((&answer[4..8], &answer[8..20]), (&cookie[..], &id[..]));
        let port = phone.local().port() ^ 0x2112;
        let mask = [&cookie[..], &id].concat();
        let plain = if ipv4 { vec![127, 0, 0, 1] } else { [vec![0; 15], vec![1]].concat() };
        let address: Vec<u8> = plain.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
        let family = if ipv4 { 1 } else { 2 };
        let length = u8::try_from(address.len()).unwrap() + 4;
        let mapped = [&[0x00, 0x20, 0, length, 0, family], &port.to_be_bytes()[..], &address].concat();
        assert!(answer.windows(mapped.len()).any(|window| window == mapped), "{answer:x?} lacks {mapped:x?}");
    }
    registrar.stop();
}

//! An answer to a stranger's datagram is at most twice as long: whoever is behind a forged source gets no more than the
//! forger could have sent there.

use crate::harness::{Answer, Guarded, Phone, Request, Setup, unique};

const METHODS: [&str; 15] = [
    "REGISTER",
    "OPTIONS",
    "INVITE",
    "ACK",
    "CANCEL",
    "BYE",
    "MESSAGE",
    "SUBSCRIBE",
    "NOTIFY",
    "PUBLISH",
    "REFER",
    "INFO",
    "PRACK",
    "UPDATE",
    "X",
];

/// The shortest requests that can be answered, and what phones send, each with so many more bytes.
fn requests(method: &str, aor: &str, padding: usize, phone: &Phone) -> [String; 4] {
    let padding = if padding == 0 { String::new() } else { format!("x:{}\r\n", "x".repeat(padding)) };
    let (id, host) = (unique(), aor.split('@').nth(1).unwrap());
    let uri = if method == "REGISTER" { format!("sip:{host}") } else { aor.to_owned() };
    // Nothing in it but what RFC 3261 §8.1.1 demands, in compact form, with and without a unique branch.
    let shortest = |branch: &str| {
        format!(
            "{method} {uri} SIP/2.0\r\nv:SIP/2.0/UDP h;rport{branch}\r\nf:{aor};tag=1\r\nt:{aor}\r\ni:{id}\r\n\
             CSeq:1 {method}\r\n{padding}\r\n"
        )
    };
    let unreadable = format!("{method} {uri} SIP/2.0\r\nv:SIP/2.0/UDP h;rport\r\nCSeq:1 {method}\r\n{padding}\r\n");
    let request = Request::new(method, &uri, aor).contact("<sip:phone@127.0.0.1:7777>").expires(60);
    let usual = phone.text(&if padding.is_empty() { request } else { request.with(padding.trim_end()) });
    [shortest(&format!(";branch=z9hG4bK{id}")), shortest(""), unreadable, usual]
}

/// Sends all of them with every padding and every method; gives how many were answered.
fn answers_are_short(server: &Guarded) -> usize {
    let mut phone = Phone::udp(server.udp());
    let mut answered = 0;
    for method in METHODS {
        for aor in ["sip:alice@example.com", "sip:nobody@example.com", "sip:a@b"] {
            for padding in (0..60).step_by(3).chain((60..2000).step_by(97)) {
                for request in requests(method, aor, padding, &phone) {
                    phone.send(request.as_bytes());
                    // The answer to this one comes behind, and shows whether there was another before it.
                    let mark = Request::new("OPTIONS", "sip:example.com", "sip:example.com");
                    phone.send(phone.text(&mark).as_bytes());
                    let first = phone.receive();
                    let ours = first.all("Call-ID") != [mark.call_id.as_str()];
                    if ours {
                        let (sent, got) = (request.len(), first.text().len());
                        assert!(got <= 2 * sent, "{got} bytes for {sent}:\n{request}\n{}", first.text());
                        assert_eq!(phone.receive().header("Call-ID"), mark.call_id);
                        answered += 1;
                    }
                    // What a phone sends is always answered, but for ACK.
                    let is_usual = request.contains("Max-Forwards");
                    assert!(ours || !is_usual || method == "ACK", "no answer to\n{request}");
                }
            }
        }
    }
    answered
}

#[test]
fn no_answer_to_a_stranger_is_longer_than_twice_its_request() {
    let everything = "algorithms = ['SHA-512-256', 'SHA-256', 'MD5']\nuserhash = true\nqop = ['auth', 'auth-int']\n\
                      opaque = '5ccc069c403ebaf9f0171e9517f40e41'\nnext_nonce = true";
    for (registrar, auth) in [("redirect = true", ""), ("", ""), ("redirect = true", everything), ("", everything)] {
        let server = Guarded::with(&Setup { registrar, auth, ..Setup::default() });
        let aor = "sip:alice@example.com";
        for number in 0..10 {
            // As long as she can make it, so that there would be much to tell.
            let contact = format!("<sip:phone@127.0.0.1:7777;p={number}{}>", "x".repeat(200));
            let response = server.prove(
                &mut Phone::udp(server.udp()),
                &Request::register(aor).contact(&contact),
                &Answer::of("alice"),
            );
            assert_eq!(response.status(), 200, "{}", response.text());
        }
        let answered = answers_are_short(&server);
        assert!(answered > 4000, "{answered}");
        server.stop();
    }
}

/// Where those are redirected who cannot say who they are, what is too long is not sent at all.
#[test]
fn a_redirection_of_a_stranger_is_no_longer_either() {
    let server = Guarded::start("callers = 'anybody'");
    let aor = "sip:alice@example.com";
    let contact = format!("<sip:phone@127.0.0.1:7777;p={}>", "x".repeat(900));
    let register = Request::register(aor).contact(&contact);
    assert_eq!(server.prove(&mut Phone::udp(server.udp()), &register, &Answer::of("alice")).status(), 200);
    let mut phone = Phone::udp(server.udp());
    let mut longest = 0;
    for padding in (0..900).step_by(20) {
        let request = phone.text(&Request::new("INVITE", aor, aor).with(&format!("x:{}", "x".repeat(padding))));
        phone.send(request.as_bytes());
        let mark = Request::new("OPTIONS", "sip:example.com", "sip:example.com");
        phone.send(phone.text(&mark).as_bytes());
        let first = phone.receive();
        if first.all("Call-ID") != [mark.call_id.as_str()] {
            assert_eq!(first.status(), 302);
            assert!(first.text().len() <= 2 * request.len(), "{}", first.text());
            longest = longest.max(first.text().len());
            phone.receive();
        }
    }
    // Long requests were answered, and short ones would have been answered with as much.
    assert!(longest > 1000, "{longest}");
    server.stop();
}

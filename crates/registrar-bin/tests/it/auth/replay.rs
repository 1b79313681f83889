//! What was captured is worth nothing.

use super::{Target, theft};
use crate::harness::{Answer, Challenge, Credentials, Guarded, Phone, Request, Room, Setup};

const ALICE: &str = "sip:alice@example.com";

/// alice's phone registers once more with a new challenge, and somebody reads along: gives the request as it was sent,
/// and its credentials.
fn captured(target: &Target, phone: &mut Phone, answer: &Answer) -> (String, Credentials) {
    let request = Request::register(ALICE).contact("<sip:phone@127.0.0.1:7777>").expires(150);
    let credentials = answer.to(&target.challenge(&request));
    let text = phone.text(&request.authorized(&credentials));
    phone.send(text.as_bytes());
    let response = phone.receive();
    assert_eq!(response.status(), 200, "{}", response.text());
    (text, credentials)
}

fn is_stale(target: &Target, phone: &mut Phone, attack: &Request) {
    let challenge = Challenge::of(&target.refuses(phone, attack, 401));
    assert!(challenge.stale, "{attack:#?}");
}

#[test]
fn captured_credentials_serve_for_no_other_contact_from_wherever_they_come() {
    let target = Target::start("");
    for leg in target.legs() {
        let (_, credentials) = captured(&target, &mut leg.phone(), &Answer::of("alice"));
        let removal = Request::register(ALICE).contact("*").expires(0);
        let question = Request::register(ALICE);
        for request in [theft(ALICE), removal, question] {
            let attack = request.authorized(&credentials);
            for other in target.legs() {
                is_stale(&target, &mut other.phone(), &attack.again());
            }
            let mut neighbour = Phone::udp_from("127.0.0.2", target.server.udp());
            is_stale(&target, &mut neighbour, &attack.again());
        }
    }
    target.server.stop();
}

#[test]
fn credentials_that_never_arrived_serve_for_no_other_address_where_nonces_are_bound_to_it() {
    let target = Target::start("bind_nonce_to_source = true");
    let attack = theft(ALICE);
    let credentials = Answer::of("alice").to(&target.challenge(&attack));
    let mut neighbour = Phone::udp_from("127.0.0.2", target.server.udp());
    is_stale(&target, &mut neighbour, &attack.authorized(&credentials));
    target.server.stop();
}

#[test]
fn a_nonce_count_serves_once_and_none_below_it_with_whatever_cnonce() {
    let target = Target::start("");
    for leg in target.legs() {
        let nc =
            |nc: &str, cnonce: &str| Answer { nc: nc.to_owned(), cnonce: cnonce.to_owned(), ..Answer::of("alice") };
        let attack = theft(ALICE);
        let challenge = target.challenge(&attack);
        let own = Request::register(ALICE).authorized(&nc("00000005", "0a4f113b").to(&challenge));
        assert_eq!(leg.phone().ask(&own).contacts().len(), 1);
        // Even who knows the password, and computes the answer anew.
        for (count, cnonce) in
            [("00000005", "0a4f113b"), ("00000005", "other"), ("00000004", "other"), ("00000001", "x")]
        {
            let attack = attack.next().contact("<sip:mallory@127.0.0.1:6666>");
            is_stale(&target, &mut leg.phone(), &attack.authorized(&nc(count, cnonce).to(&challenge)));
        }
        // Who does not know it cannot raise the count, nor leave it out.
        let used = nc("00000005", "0a4f113b").to(&challenge);
        let raised = used.clone().with("nc", "00000006");
        let bare = used.clone().without("qop").without("nc").without("cnonce");
        for credentials in [raised, bare, used.with("cnonce", "other")] {
            let response = target.refuses(&mut leg.phone(), &theft(ALICE).authorized(&credentials), 401);
            assert!(!Challenge::of(&response).stale);
        }
    }
    target.server.stop();
}

#[test]
fn an_answer_without_qop_serves_for_the_contacts_it_came_with() {
    let target = Target::start("");
    let old = Answer { qop: None, ..Answer::of("alice") };
    for leg in target.legs() {
        let (_, credentials) = captured(&target, &mut leg.phone(), &old);
        let removal = Request::register(ALICE).contact("<sip:phone@127.0.0.1:7777>").expires(0);
        for request in [theft(ALICE), removal, Request::register(ALICE)] {
            is_stale(&target, &mut leg.phone(), &request.authorized(&credentials));
        }
    }
    target.server.stop();
}

/// Else it would tell others the contacts of the user, move the binding to where it came from, and raise its CSeq so far
/// that the phone itself is not heard any more.
#[test]
fn an_answer_without_qop_serves_nobody_at_another_address() {
    let target = Target::start("");
    let old = Answer { qop: None, ..Answer::of("alice") };
    for leg in target.legs() {
        let (_, credentials) = captured(&target, &mut leg.phone(), &old);
        let same = Request::register(ALICE).contact("<sip:phone@127.0.0.1:7777>").expires(150);
        let mut neighbour = Phone::udp_from("127.0.0.2", target.server.udp());
        is_stale(&target, &mut neighbour, &same.authorized(&credentials));
    }
    target.server.stop();
}

/// Else whoever it names would be put in front of the phone.
#[test]
fn an_answer_without_qop_serves_for_no_other_path() {
    let target = Target::start("");
    let old = Answer { qop: None, ..Answer::of("alice") };
    for leg in target.legs() {
        let (_, credentials) = captured(&target, &mut leg.phone(), &old);
        let same = Request::register(ALICE).contact("<sip:phone@127.0.0.1:7777>").expires(150);
        let path = same.with("Supported: path").with("Path: <sip:mallory@127.0.0.1:6666;lr>");
        is_stale(&target, &mut leg.phone(), &path.authorized(&credentials));
    }
    target.server.stop();
}

/// RFC 3261 §17.2.2: over UDP a repetition is answered with the same bytes, to whom the request came from; over TCP
/// nothing is repeated by itself.
#[test]
fn a_repeated_request_is_absorbed_over_udp_and_is_a_replay_over_tcp_and_from_elsewhere() {
    let target = Target::start("");
    let mut phone = Phone::udp(target.server.udp());
    let (text, _) = captured(&target, &mut phone, &Answer::of("alice"));
    let again = |phone: &mut Phone| {
        phone.send(text.as_bytes());
        phone.receive()
    };
    let [first, second] = [again(&mut phone), again(&mut phone)];
    assert_eq!((first.status(), first.text()), (200, second.text()));
    assert!(target.server.table().is_as(&target.before));
    for mut other in [Phone::udp_from("127.0.0.2", target.server.udp()), Phone::udp(target.server.udp())] {
        let replayed = again(&mut other);
        assert!(Challenge::of(&replayed).stale && replayed.all("Contact").is_empty(), "{}", replayed.text());
    }

    let mut phone = Phone::tcp(target.server.tcp());
    let (text, _) = captured(&target, &mut phone, &Answer::of("alice"));
    phone.send(text.as_bytes());
    let replayed = phone.receive();
    assert!(Challenge::of(&replayed).stale && replayed.all("Contact").is_empty(), "{}", replayed.text());
    assert!(target.server.table().is_as(&target.before));
    target.server.stop();
}

#[test]
fn a_captured_register_authorizes_no_call_and_no_message() {
    let target = Target::start("");
    let answer = Answer { uri: ALICE.to_owned(), ..Answer::of("alice") };
    let (_, used) = captured(&target, &mut Phone::udp(target.server.udp()), &answer);
    let unused = answer.to(&target.challenge(&Request::register(ALICE)));
    for credentials in [used, unused] {
        for method in ["INVITE", "MESSAGE", "SUBSCRIBE", "REFER"] {
            target.refuses_everywhere(&Request::new(method, ALICE, ALICE).authorized(&credentials), 401);
        }
    }
    target.server.stop();
}

/// Nobody knows after a restart which nonces were used before it, even if their signature is still good.
#[test]
fn nonces_from_before_a_restart_are_stale_with_the_same_secret_and_without() {
    let room = Room::new();
    let secrets = room.file("secrets", &"5f".repeat(32));
    for auth in [String::new(), format!("nonce_secrets = '{secrets}'")] {
        let setup = Setup { auth: &auth, ..Setup::default() };
        let server = Guarded::with(&setup);
        let request = Request::register(ALICE).contact("<sip:phone@127.0.0.1:7777>");
        let mut phone = Phone::udp(server.udp());
        let used = Answer::of("alice").to(&Challenge::of(&phone.ask(&request)));
        assert_eq!(phone.ask(&request.next().authorized(&used)).status(), 200);
        let unused = Answer::of("alice").to(&Challenge::of(&phone.ask(&request.next())));
        server.stop();

        let server = Guarded::with(&setup);
        for udp in [true, false] {
            for credentials in [&used, &unused] {
                let mut thief = if udp { Phone::udp(server.udp()) } else { Phone::tcp(server.tcp()) };
                let response = thief.ask(&theft(ALICE).authorized(credentials));
                assert!(Challenge::of(&response).stale, "{}", response.text());
                // Who does not know the password is told nothing of the nonce.
                let guess = credentials.clone().with("response", &"0".repeat(32));
                assert!(!Challenge::of(&thief.ask(&theft(ALICE).authorized(&guess))).stale);
            }
        }
        assert!(server.table().is_empty());
        // The phone itself goes on with the challenge it is given now.
        let renewed = server.prove(&mut Phone::udp(server.udp()), &request, &Answer::of("alice"));
        assert_eq!(renewed.contacts().len(), 1);
        server.stop();
    }
}

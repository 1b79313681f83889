//! No answer tells whether a user exists.

use crate::harness::{Answer, Challenge, Guarded, Phone, Request, Response, Setup, hash};

const METHODS: [&str; 5] = ["REGISTER", "INVITE", "MESSAGE", "OPTIONS", "SUBSCRIBE"];
/// Who exists, and who does not, with names of equal length.
const PAIRS: [(&str, &str); 3] = [("alice", "erich"), ("bob", "tom"), ("alice", "ecila")];

fn request(method: &str, user: &str) -> Request {
    let aor = format!("sip:{user}@example.com");
    let uri = if method == "REGISTER" { "sip:example.com" } else { &aor };
    let mut request = Request::new(method, uri, &aor).contact("<sip:phone@127.0.0.1:7777>");
    // Every request of these tests has the same length.
    request.call_id = format!("{:020}", crate::harness::unique());
    request
}

/// The answer without what differs from request to request: the name, the nonce, the tags, the branch, the Call-ID.
fn masked(response: &Response, request: &Request, user: &str) -> String {
    let mut text = response.text().replace(&format!("sip:{user}@"), "sip:USER@").replace(&request.call_id, "CALL-ID");
    for (before, after) in [(";branch=", ';'), ("nonce=\"", '"'), (">;tag=", '\r'), (";rport=", ';')] {
        let parts: Vec<_> = text.split(before).collect();
        let rest = parts[1..].iter().map(|part| {
            let (value, rest) = part.split_once(after).unwrap();
            // Its length is looked at as well; that of a port is the system's business.
            let length = if before == ";rport=" || before == ";branch=" { 0 } else { value.len() };
            format!("{before}{length}{after}{rest}")
        });
        text = parts[..1].iter().map(|part| (*part).to_owned()).chain(rest).collect();
    }
    let (via, rest) = text.split_once("\r\nFrom:").unwrap();
    let (status, via) = via.split_once("\r\n").unwrap();
    assert!(via.starts_with("Via: SIP/2.0/") && !via.contains('\n'), "{via}");
    format!("{status}\r\nFrom:{rest}")
}

/// What a stranger sees of a user with each method: what it is challenged with, and what comes for wrong answers.
fn seen(server: &Guarded, udp: bool, method: &str, user: &str) -> Vec<String> {
    let mut phone = if udp { Phone::udp(server.udp()) } else { Phone::tcp(server.tcp()) };
    let first = request(method, user);
    let response = phone.ask(&first);
    let mut seen = vec![masked(&response, &first, user)];
    if response.status() != 401 {
        return seen;
    }
    for challenge in Challenge::all(&response) {
        let guess = Answer { password: "guess".to_owned(), ..Answer::of(user) }.sending(method, &first.uri);
        let wrong = guess.to(&challenge);
        let mut hashed = wrong.clone().with("username", &hash(&challenge.algorithm, &format!("{user}:example.com")));
        hashed.add("userhash", "true", false);
        let spelled = Answer { username: format!("{user}@example.com"), ..guess.clone() }.to(&challenge);
        let forged = guess.to(&Challenge { nonce: "A".repeat(40), ..challenge.clone() });
        let unqualified = Answer { qop: None, ..guess.clone() }.to(&challenge);
        let odd = wrong.clone().with("response", "0");
        for credentials in [wrong, hashed, spelled, forged, unqualified, odd] {
            let attempt = request(method, user).with(&credentials.header());
            seen.push(masked(&phone.ask(&attempt), &attempt, user));
        }
    }
    seen
}

fn nobody_is_told(setup: &Setup<'_>) {
    let server = Guarded::with(setup);
    // One of the two is called where he is.
    let bob = Request::register("sip:bob@example.com").contact("<sip:phone@127.0.0.1:7777>");
    let qop = (!setup.auth.contains("qop = []")).then(|| "auth".to_owned());
    let answer = Answer { qop, ..Answer::of("bob") };
    assert_eq!(server.prove(&mut Phone::udp(server.udp()), &bob, &answer).status(), 200);
    for udp in [true, false] {
        for method in METHODS {
            for (known, unknown) in PAIRS {
                let [there, not_there] = [known, unknown].map(|user| seen(&server, udp, method, user));
                assert_eq!(there, not_there, "{method} {known} {unknown}");
                assert_eq!(there.len() == 1, method == "OPTIONS", "{there:#?}");
            }
        }
    }
    server.stop();
}

#[test]
fn a_stranger_gets_the_same_bytes_for_a_user_who_exists_and_one_who_does_not() {
    for auth in [
        "",
        "algorithms = ['SHA-256', 'MD5']",
        "algorithms = ['SHA-256', 'MD5']\nuserhash = true",
        "qop = []",
        "qop_may_be_missing = false\nnext_nonce = true\nopaque = 'x'\nbind_nonce_to_source = true",
    ] {
        nobody_is_told(&Setup { auth: &format!("wrong_passwords = 0\n{auth}"), ..Setup::default() });
    }
}

/// Hashes that were made elsewhere, for other functions or spellings, are work that others do not make.
#[test]
fn nor_does_it_matter_what_is_known_of_the_user() {
    let md5 = "md5 = 'b1726872c344b6dc8365b774f8fd6412'";
    let users = format!(
        "[user.'alice@example.com']\n{md5}\nalgorithms = ['MD5']\n\
         [user.'bob@example.com']\npassword = 'secret-of-bob'\nalgorithms = ['MD5']\n"
    );
    nobody_is_told(&Setup { users, auth: "wrong_passwords = 0", ..Setup::default() });
}

/// With lists of their own some users are challenged in one way and some in another. So are those who do not exist, each
/// always in the same way.
#[test]
fn algorithms_of_single_users_do_not_tell_either() {
    let user = |n: usize| {
        let own = if n.is_multiple_of(3) { "algorithms = ['SHA-256']\n" } else { "" };
        format!("[user.'user{n:02}@example.com']\npassword = 'secret'\n{own}")
    };
    let users = (0..60).map(user).collect();
    let server = Guarded::with(&Setup { users, auth: "wrong_passwords = 0", ..Setup::default() });
    let [sha, md5] = ["user00", "user01"].map(|user| seen(&server, true, "REGISTER", user));
    assert!(sha[0].contains("SHA-256") && !sha[0].contains("MD5") && !md5[0].contains("SHA-256"));
    let mut strong = 0;
    for n in 0..300 {
        let name = format!("nob{n:03}");
        let [one, again] = [true, false].map(|udp| seen(&server, udp, "REGISTER", &name));
        assert!(one == sha || one == md5, "{one:#?}");
        // A stranger who asks again, or otherwise, learns nothing new.
        assert_eq!(one, again);
        strong += usize::from(one == sha);
    }
    // A third of 300, with a deviation of 8; six deviations do not happen.
    assert!((50..150).contains(&strong), "{strong}");
    server.stop();
}

/// A right password is the only key: what comes for it differs.
#[test]
fn who_has_the_password_learns_who_is_there() {
    let server = Guarded::start("");
    let mut phone = Phone::udp(server.udp());
    for (callee, status) in [("sip:bob@example.com", 302), ("sip:tom@example.com", 480)] {
        let bob = Request::register("sip:bob@example.com").contact("<sip:phone@127.0.0.1:7777>");
        assert_eq!(server.prove(&mut phone, &bob, &Answer::of("bob")).status(), 200);
        let call = Request::new("INVITE", callee, callee).from("sip:alice@example.com");
        let answer = Answer::of("alice").sending("INVITE", callee);
        assert_eq!(server.prove(&mut phone, &call, &answer).status(), status);
    }
    server.stop();
}

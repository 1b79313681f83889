//! Users, and how they are asked.

use super::*;
use crate::harness::Response;

const ALICE: &str = "[user.'alice@example.com']\npassword = 'secret-of-alice'\n";

/// A registrar whose users are these.
fn guarded(users: &str, settings: &str) -> Place {
    let room = Room::new();
    room.file("users.toml", users);
    let file = room.file("registrar.toml", &format!("{ALWAYS}users.file = 'users.toml'\n{settings}"));
    let mut registrar = Registrar::run(&["serve", "--config", &file]);
    registrar.wait_for("  api ");
    Place { registrar, room }
}

#[test]
fn how_users_are_asked_changes_and_nothing_is_used_twice() {
    let users = "users.file = 'users.toml'\n";
    let place = guarded(ALICE, "");
    let mut phone = Phone::udp(place.registrar.udp());
    let request = register("alice", "example.com");
    let challenge = Challenge::of(&phone.ask(&request));
    let answer = Answer::of("alice").to(&challenge).header();
    assert_eq!(phone.ask(&request.next().with(&answer)).status(), 200);

    place.write(&format!("{users}auth.realm = 'elsewhere'\nauth.next_nonce = true\n"));
    assert!(place.reload().starts_with("in force: auth\n"));
    let asked = asks(&mut phone, &request, "realm=\"elsewhere\"");
    let proven = request.next().with(&Answer::of("alice").to(&Challenge::of(&asked)).header());
    let granted = phone.ask(&proven);
    assert_eq!(granted.status(), 200);
    assert!(granted.text().contains("nextnonce="), "{}", granted.text());

    // Back, and what was used before the first reload is used still.
    place.write(users);
    place.reload();
    asks(&mut phone, &request, "realm=\"example.com\"");
    let replayed = phone.ask(&request.next().next().with(&answer));
    assert_eq!(replayed.status(), 401, "{}", replayed.text());
    // The same where what is remembered is of another size.
    place.write(&format!("{users}auth.remembered_nonces = 5000\nauth.nonce_life = 100\n"));
    place.reload();
    wait_for_status(place.registrar.udp(), &register("alice", "example.com"), 401);
    let replayed = phone.ask(&request.next().next().next().with(&answer));
    assert_eq!(replayed.status(), 401, "{}", replayed.text());
    place.registrar.stop();
}

/// Asks until the challenge holds this; the phone's own worker may take up new settings later than another.
fn asks(phone: &mut Phone, request: &Request, wanted: &str) -> Response {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = phone.ask(request);
        if answer.text().contains(wanted) {
            return answer;
        }
        assert!(Instant::now() < deadline, "{}", answer.text());
    }
}

/// What a request is answered by which `user` shows his password.
fn prove(phone: &mut Phone, user: &str, request: &Request) -> u16 {
    let challenge = Challenge::of(&phone.ask(&request.again()));
    let request = request.again().again();
    phone.ask(&request.with(&Answer::of(user).to(&challenge).header())).status()
}

#[test]
fn users_are_elsewhere_or_nobody_is_asked_and_then_they_are_asked_again() {
    let mut place = guarded(ALICE, "");
    let udp = place.registrar.udp();
    let (alice, bob) = (register("alice", "example.com"), register("bob", "example.com"));
    let mut phone = Phone::udp(udp);
    assert_eq!(prove(&mut phone, "alice", &alice), 200);
    place.room.file("others.toml", "[user.'bob@example.com']\npassword = 'secret-of-bob'\n");
    place.write("users.file = 'others.toml'\nsip.server_header = 'others'\n");
    assert!(place.reload().starts_with("in force: sip.server_header\nin force: users\n"));
    asks(&mut phone, &bob, "Server: others");
    assert_eq!(prove(&mut phone, "bob", &bob), 200);
    assert_eq!(prove(&mut phone, "alice", &alice), 401);
    // The new file is watched as the old one was.
    place.room.file("others.toml", ALICE);
    place.registrar.wait_for("users read again users=1 added=1 removed=1");
    assert_eq!(prove(&mut phone, "alice", &alice), 200);
    // A file without what it needs changes nothing.
    place.write("users.file = 'none.toml'\nregistrar.max_expires = 7000\n");
    assert_eq!(place.ask("reload").0, Some(64));
    assert_eq!(prove(&mut phone, "alice", &alice), 200);
    place.write("");
    place.reload();
    wait_for_status(udp, &register("anybody", "example.com"), 200);
    place.write("users.file = 'users.toml'\n");
    place.reload();
    wait_for_status(udp, &register("anybody", "example.com"), 401);
    place.registrar.stop();
}

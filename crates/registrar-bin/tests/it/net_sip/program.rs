//! Against the program: users with a password and with a hash, one address that needs none, one source that is trusted.

use super::Client;
use crate::harness::{Guarded, Setup};

/// MD5 of bob:example.com:secret-of-bob.
const BOB: &str = "64f50beecb4996c6eefb4350dafdab91";

#[test]
fn users_with_a_password_or_a_hash_register_refresh_and_leave_and_nobody_else_does() {
    let users =
        format!("[user.'alice@example.com']\npassword = 'secret-of-alice'\n[user.'bob@example.com']\nmd5 = '{BOB}'\n");
    let auth = "open_addresses = ['door@example.com']";
    let server = Guarded::with(&Setup { users, auth, ..Setup::default() });
    for udp in [true, false] {
        let client = Client::new(server.leg(udp, true), udp);
        for user in ["alice", "bob"] {
            let address = format!("{user}@example.com");
            let contacts = || server.contacts_of(&format!("sip:{address}"));
            let password = format!("secret-of-{user}");
            client.is_refused(&address, 401, contacts);
            client.as_user(user, "guess").is_refused(&address, 401, contacts);
            client.as_user("nobody", &password).is_refused(&address, 401, contacts);
            client.as_user(user, &password).lives(&address, contacts);
        }
        let contacts = || server.contacts_of("sip:bob@example.com");
        client.as_user("alice", "secret-of-alice").is_refused("bob@example.com", 403, contacts);
        client.lives("door@example.com", || server.contacts_of("sip:door@example.com"));
    }
    server.stop();
}

#[test]
fn a_trusted_source_needs_no_password_and_its_neighbour_does() {
    // The observer of these tests is trusted as well.
    let server = Guarded::start("");
    let contacts = || server.contacts_of("sip:alice@example.com");
    let client = Client::new(server.udp(), true);
    client.at("127.0.0.9").lives("alice@example.com", contacts);
    client.at("127.0.0.8").is_refused("alice@example.com", 401, contacts);
    server.stop();
}

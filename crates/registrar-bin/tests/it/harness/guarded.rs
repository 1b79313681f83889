//! A registrar with users.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::ops::{Deref, DerefMut};

use super::{Answer, Challenge, Finished, Phone, Registrar, Request, Response, Room};

/// From here everybody is believed: so these tests see all bindings without a password.
const OBSERVER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

/// alice and bob of example.com, and alice of example.org, each with a password like `secret-of-alice`.
const USERS: [(&str, &str); 3] = [("alice", "example.com"), ("bob", "example.com"), ("alice", "example.org")];

/// What is said in its files.
pub(crate) struct Setup<'a> {
    /// A list, as it is written.
    pub(crate) domains: &'a str,
    pub(crate) users: String,
    /// Lines in `[registrar]`.
    pub(crate) registrar: &'a str,
    /// Lines in `[auth]`.
    pub(crate) auth: &'a str,
}

impl Default for Setup<'_> {
    /// Two domains with their users, and callers who are redirected.
    fn default() -> Self {
        let user = |(name, domain)| format!("[user.'{name}@{domain}']\npassword = 'secret-of-{name}'\n");
        Self {
            domains: "['example.com', 'example.org']",
            users: USERS.map(user).concat(),
            registrar: "redirect = true",
            auth: "",
        }
    }
}

/// A running registrar with users.
pub(crate) struct Guarded {
    registrar: Registrar,
    _room: Room,
}

/// The bindings of each user.
#[derive(Clone, Debug)]
pub(crate) struct Table(BTreeMap<String, Vec<Binding>>);

#[derive(Clone, Debug)]
struct Binding {
    /// Without `expires`.
    contact: String,
    expires: u32,
}

impl Guarded {
    /// With these lines in `[auth]`.
    pub(crate) fn start(auth: &str) -> Self {
        Self::with(&Setup { auth, ..Setup::default() })
    }

    /// Bindings outlive their connections: what is looked at is who may make them, and from where.
    pub(crate) fn with(Setup { domains, users, registrar, auth }: &Setup<'_>) -> Self {
        let room = Room::new();
        let file = room.file("users.toml", users);
        let registrar = Registrar::configured(&format!(
            "domains = {domains}\n[users]\nfile = '{file}'\n[registrar]\n{registrar}\n\
             [flows]\nfollow = false\n[auth]\ntrusted_sources = ['{OBSERVER}']\n{auth}"
        ));
        Self { registrar, _room: room }
    }

    /// Sends a request, answers the challenge, and gives what comes then.
    pub(crate) fn prove(&self, phone: &mut Phone, request: &Request, answer: &Answer) -> Response {
        let challenge = Challenge::of(&phone.ask(request));
        phone.ask(&request.again().with(&answer.to(&challenge).header()))
    }

    /// The contacts of an address, as the registrar tells one whom it believes.
    pub(crate) fn contacts_of(&self, aor: &str) -> Vec<String> {
        self.observer().ask(&Request::register(aor)).contacts()
    }

    /// All bindings of its users.
    pub(crate) fn table(&self) -> Table {
        let mut observer = self.observer();
        let aors = USERS.iter().map(|(name, domain)| format!("sip:{name}@{domain}"));
        let mut contacts = |aor: &str| {
            observer.ask(&Request::register(aor)).contacts().iter().map(|text| Binding::read(text)).collect()
        };
        Table(aors.map(|aor| (aor.clone(), contacts(&aor))).collect())
    }

    fn observer(&self) -> Phone {
        Phone::udp_from(&OBSERVER.to_string(), self.registrar.udp())
    }

    pub(crate) fn stop(self) -> Finished {
        self.registrar.stop()
    }
}

impl Table {
    /// Whether nothing has happened since: no binding came, went or changed, and none will last longer.
    pub(crate) fn is_as(&self, before: &Self) -> bool {
        let same = |(now, before): (&Vec<Binding>, &Vec<Binding>)| {
            now.len() == before.len() && now.iter().zip(before).all(|(now, before)| now.is_as(before))
        };
        self.0.keys().eq(before.0.keys()) && self.0.values().zip(before.0.values()).all(same)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.values().all(Vec::is_empty)
    }
}

impl Binding {
    fn read(contact: &str) -> Self {
        let (before, after) = contact.split_once(";expires=").unwrap();
        let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        Self { contact: format!("{before}{}", &after[end..]), expires: after[..end].parse().unwrap() }
    }

    fn is_as(&self, before: &Self) -> bool {
        self.contact == before.contact && self.expires <= before.expires
    }
}

impl Deref for Guarded {
    type Target = Registrar;

    fn deref(&self) -> &Registrar {
        &self.registrar
    }
}

impl DerefMut for Guarded {
    fn deref_mut(&mut self) -> &mut Registrar {
        &mut self.registrar
    }
}

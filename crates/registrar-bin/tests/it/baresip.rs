//! baresip without a screen, judged by what it says; it shows its messages too (`-s`).

mod auth;
mod cut;

use std::process::Command;

use nix::sys::signal::Signal;

use crate::harness::{Leg, Process, Registrar, Room, contacts_of, secure_leg, secured, wait_until_contacts};

/// Two seconds, which it refreshes after 1.8.
const BRIEF: &str = "[registrar]\nmin_expires = 1\njitter = 0";

pub(crate) struct Baresip {
    pub(crate) process: Process,
    _room: Room,
}

impl Baresip {
    /// With these accounts, listening where the registrar is.
    fn start(accounts: &[String], ipv4: bool) -> Self {
        Self::start_with(accounts, ipv4, "")
    }

    /// The same with more lines in its configuration.
    fn start_with(accounts: &[String], ipv4: bool, more: &str) -> Self {
        Self::start_at(if ipv4 { "127.0.0.1" } else { "[::1]" }, accounts, more)
    }

    /// The same, listening there.
    pub(crate) fn start_at(here: &str, accounts: &[String], more: &str) -> Self {
        let room = Room::new();
        let modules = "module_path /usr/lib/baresip/modules\nmodule_app account.so\nmodule uuid.so\n";
        room.file("config", &format!("{modules}sip_listen {here}:0\n{more}"));
        room.file("accounts", &(accounts.join("\n") + "\n"));
        room.file("contacts", "\n");
        // Without stdbuf it says everything at its end.
        let process =
            Process::start(Command::new("stdbuf").args(["-oL", "-eL", "baresip", "-s", "-f", &room.path("")]));
        Self { process, _room: room }
    }

    /// Tells it to end, and expects that it was never refused. It unregisters first; returns what it has said.
    fn quit(self) -> String {
        let said = self.ended();
        assert!(!said.contains("SIP/2.0 4"), "{said}");
        said
    }

    fn ended(self) -> String {
        self.process.signal(Signal::SIGTERM);
        let finished = self.process.finish();
        assert_eq!(finished.code, Some(0), "{finished:?}");
        finished.out
    }
}

fn account(user: &str, leg: Leg, more: &str) -> String {
    let transport = leg.transport().to_lowercase();
    let registrar = format!("outbound=\"sip:{};transport={transport}\"", leg.addr);
    format!("<sip:{user}@example.com>;auth_pass=secret;regint=2;{registrar}{more}")
}

/// Its life with one account: `said` is what it says of the first answer.
fn registers_refreshes_and_leaves(udp: bool, ipv4: bool, more: &str, said: &str) {
    let registrar = Registrar::configured(BRIEF);
    let leg = Leg { udp, addr: registrar.leg(udp, ipv4) };
    let mut baresip = Baresip::start(&[account("alice", leg, more)], ipv4);
    baresip.process.wait_for(&format!("alice@example.com: {{{said}}} 200 OK () [1 binding]"));
    let first = contacts_of(registrar.udp(), "sip:alice@example.com");
    assert!(first.len() == 1 && first[0].contains("+sip.instance=\"<urn:uuid:"), "{first:?}");
    assert_eq!(first[0].contains(";reg-id=1"), !more.is_empty(), "{first:?}");

    baresip.process.wait_for("SIP/2.0 200 OK");
    let refreshed = contacts_of(registrar.udp(), "sip:alice@example.com");
    assert_eq!(refreshed.len(), 1);

    let out = baresip.quit();
    let (_, leaving) = out.split_once("ua: stop all").unwrap();
    assert!(leaving.contains(";expires=0") && leaving.contains("SIP/2.0 200 OK"), "{leaving}");
    assert!(contacts_of(registrar.udp(), "sip:alice@example.com").is_empty());
    registrar.stop();
}

#[test]
fn it_registers_refreshes_and_leaves_over_udp() {
    registers_refreshes_and_leaves(true, true, "", "0/UDP/v4");
}

#[test]
fn it_registers_refreshes_and_leaves_over_tcp() {
    registers_refreshes_and_leaves(false, true, "", "0/TCP/v4");
}

#[test]
fn it_registers_refreshes_and_leaves_over_udp_and_ipv6() {
    registers_refreshes_and_leaves(true, false, "", "0/UDP/v6");
}

#[test]
fn it_registers_refreshes_and_leaves_over_tcp_and_ipv6() {
    registers_refreshes_and_leaves(false, false, "", "0/TCP/v6");
}

/// RFC 5626: reg-id and instance identify the binding, whatever its URI.
#[test]
fn it_registers_refreshes_and_leaves_over_udp_with_outbound() {
    registers_refreshes_and_leaves(true, true, ";sipnat=outbound", "1/UDP/v4");
}

#[test]
fn it_registers_refreshes_and_leaves_over_tcp_with_outbound() {
    registers_refreshes_and_leaves(false, true, ";sipnat=outbound", "1/TCP/v4");
}

/// Over TLS; the second one is killed, and its connection with it.
fn lives_and_dies_over_tls(ipv4: bool) {
    let (registrar, room) = secured(&format!("{BRIEF}\n[flows]\ngrace = 1"));
    let server = secure_leg(&registrar, ipv4).addr;
    // It compares the certificate with no name here, but wants its authority.
    let account = format!(
        "<sip:alice@example.com;transport=tls>;auth_pass=secret;regint=2;outbound=\"sip:{server};transport=tls\""
    );
    let start = || {
        let authority = format!("sip_cafile {}\n", room.path("own.pem"));
        Baresip::start_with(std::slice::from_ref(&account), ipv4, &authority)
    };
    let said = format!("alice@example.com: {{0/TLS/v{}}} 200 OK () [1 binding]", if ipv4 { 4 } else { 6 });
    let mut baresip = start();
    baresip.process.wait_for(&said);
    baresip.process.wait_for("SIP/2.0 200 OK");
    assert_eq!(contacts_of(registrar.udp(), "sip:alice@example.com").len(), 1);
    baresip.quit();
    assert!(contacts_of(registrar.udp(), "sip:alice@example.com").is_empty());

    let mut baresip = start();
    baresip.process.wait_for(&said);
    baresip.process.signal(Signal::SIGKILL);
    baresip.process.finish();
    wait_until_contacts(registrar.udp(), "sip:alice@example.com", <[_]>::is_empty);
    registrar.stop();
}

#[test]
fn it_registers_refreshes_and_leaves_over_tls() {
    lives_and_dies_over_tls(true);
}

#[test]
fn it_registers_refreshes_and_leaves_over_tls_and_ipv6() {
    lives_and_dies_over_tls(false);
}

#[test]
fn two_of_them_at_one_address_of_record_see_each_other_and_leave_one_by_one() {
    let registrar = Registrar::configured(BRIEF);
    let [desk, cell] = [true, false].map(|udp| Leg { udp, addr: registrar.leg(udp, true) });
    let mut first = Baresip::start(&[account("alice", desk, "")], true);
    first.process.wait_for("alice@example.com: {0/UDP/v4} 200 OK () [1 binding]");
    let mut second = Baresip::start(&[account("alice", cell, "")], true);
    second.process.wait_for("alice@example.com: {0/TCP/v4} 200 OK () [2 bindings]");
    second.quit();
    let left = contacts_of(registrar.udp(), "sip:alice@example.com");
    assert!(left.len() == 1 && !left[0].contains("transport=tcp"), "{left:?}");
    first.quit();
    assert!(contacts_of(registrar.udp(), "sip:alice@example.com").is_empty());
    registrar.stop();
}

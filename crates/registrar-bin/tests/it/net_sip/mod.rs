//! Net::SIP's own client, judged by what it prints and by its exit code.

mod library;
mod program;
#[cfg(test)]
mod secured;

use std::net::SocketAddr;
use std::process::Command;

use crate::harness::{Finished, Process};

/// What `register.pl` is told beside the address and the seconds.
#[derive(Clone, Copy)]
struct Client<'a> {
    registrar: SocketAddr,
    transport: &'static str,
    here: &'a str,
    auth: Option<(&'a str, &'a str)>,
    /// The certificate that it trusts.
    authority: &'a str,
}

impl<'a> Client<'a> {
    fn new(registrar: SocketAddr, udp: bool) -> Self {
        let transport = if udp { "udp" } else { "tcp" };
        Self { registrar, transport, here: "127.0.0.1", auth: None, authority: "" }
    }

    /// Its key is beside the certificate that it trusts.
    fn over_tls(registrar: SocketAddr, authority: &'a str) -> Self {
        Self { transport: "tls", authority, ..Self::new(registrar, false) }
    }

    fn as_user(self, user: &'a str, password: &'a str) -> Self {
        Self { auth: Some((user, password)), ..self }
    }

    fn at(self, here: &'a str) -> Self {
        Self { here, ..self }
    }

    fn run(self, address: &str, seconds: &str) -> Finished {
        let Self { registrar, transport, here, auth, authority } = self;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/net_sip/register.pl");
        let mut command = Command::new("perl");
        command.args([script, transport, here, &registrar.to_string(), address, seconds]);
        command.env("REGISTRAR_CA", authority);
        if let Some((user, password)) = auth {
            command.args([user, password]);
        }
        Process::start(&mut command).finish()
    }

    /// It registers, refreshes and leaves again; `contacts` tells what is bound then.
    fn lives(self, address: &str, contacts: impl Fn() -> Vec<String>) {
        let bound = || contacts().len();
        self.succeeds(address, "60,120");
        let now = contacts();
        assert!(now.len() == 1 && now[0].contains("sip:netsip@127.0.0.1:7777"), "{address}: {now:?}");
        self.succeeds(address, "0");
        assert_eq!(bound(), 0, "{address}");
    }

    fn succeeds(self, address: &str, seconds: &str) {
        let finished = self.run(address, seconds);
        assert_eq!(finished.code, Some(0), "{address}: {finished:?}");
        assert_eq!(finished.out.matches(": OK").count(), seconds.split(',').count(), "{address}: {finished:?}");
    }

    /// It is refused with this status, and nothing is registered.
    fn is_refused(self, address: &str, status: u16, contacts: impl Fn() -> Vec<String>) {
        let finished = self.run(address, "60");
        assert_eq!(finished.code, Some(1), "{address}: {finished:?}");
        assert_eq!(finished.out, format!("60: FAIL {status}\n"), "{address}: {finished:?}");
        assert_eq!(contacts(), [""; 0], "{address}");
    }
}

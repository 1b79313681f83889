//! A running registrar, the programs that are its clients, and a client made of bare sockets.

mod digest;
mod guarded;
mod phone;
mod process;
mod registrar;
mod request;
mod response;
mod room;
mod secured;

pub(crate) use digest::{Answer, Challenge, Credentials, hash};
pub(crate) use guarded::{Guarded, Setup, Table};
pub(crate) use phone::Phone;
pub(crate) use process::{Finished, Process};
pub(crate) use registrar::{Leg, Registrar, command};
pub(crate) use request::{Request, unique};
pub(crate) use response::Response;
pub(crate) use room::Room;
pub(crate) use secured::{secure_leg, secured};

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// How long a test waits for what must come; only a failing test waits that long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The contacts of an address of record, as the registrar tells one who asks it.
pub(crate) fn contacts_of(registrar: SocketAddr, aor: &str) -> Vec<String> {
    Phone::udp(registrar).ask(&Request::register(aor)).contacts()
}

/// Asks again and again until the contacts are as wanted.
pub(crate) fn wait_until_contacts(registrar: SocketAddr, aor: &str, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    // Nobody sends to this socket: receiving from it is a pause between two questions.
    let pause = UdpSocket::bind("127.0.0.1:0").unwrap();
    pause.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    loop {
        let contacts = contacts_of(registrar, aor);
        if wanted(&contacts) {
            return contacts;
        }
        assert!(Instant::now() < deadline, "{aor} still has {contacts:?}");
        pause.recv(&mut [0]).unwrap_err();
    }
}

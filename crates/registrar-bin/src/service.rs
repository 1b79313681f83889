//! What the service manager is told (sd_notify(3)): that it serves, that it lives, that it stops.
//!
//! Without a manager that asks for it, nothing is told to anybody.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use sip_transport::CountersHandle;

/// How many signs of life are given in the time after which it is taken for dead. One that fails costs nothing.
const BEATS: u32 = 4;

/// The manager of this service, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Manager {
    socket: Option<UnixDatagram>,
    /// After so long without a sign of life it is ended and started anew.
    watchdog: Option<Duration>,
}

impl Manager {
    /// The one that the environment names.
    pub(crate) fn of_environment() -> Self {
        Self::of(|name| std::env::var_os(name), std::process::id()).unwrap_or_else(|error| {
            tracing::warn!(%error, "the service manager cannot be told anything: NOTIFY_SOCKET");
            Self::default()
        })
    }

    fn of(variable: impl Fn(&str) -> Option<OsString>, pid: u32) -> io::Result<Self> {
        let Some(address) = variable("NOTIFY_SOCKET").filter(|address| !address.is_empty()) else {
            return Ok(Self::default());
        };
        let address = match address.as_bytes().strip_prefix(b"@") {
            Some(name) => unnamed(name)?,
            None => SocketAddr::from_pathname(&address)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        // A manager that does not read must not hold up who tells it something.
        socket.set_nonblocking(true)?;
        let number = |name: &str| variable(name)?.to_str()?.parse::<u64>().ok();
        let is_for_us = variable("WATCHDOG_PID").is_none() || number("WATCHDOG_PID") == Some(pid.into());
        let micros = number("WATCHDOG_USEC").filter(|micros| is_for_us && *micros > 0);
        Ok(Self { socket: Some(socket), watchdog: micros.map(Duration::from_micros) })
    }

    /// It serves.
    pub(crate) fn ready(&self) {
        self.tell("READY=1");
    }

    /// It has begun to stop. Told again, nothing happens.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// How often it has to show that it lives; `None` if nobody wants to know.
    pub(crate) fn beat_every(&self) -> Option<Duration> {
        self.watchdog.map(|watchdog| (watchdog / BEATS).max(Duration::from_millis(1)))
    }

    fn tell(&self, what: &str) {
        if let Some(socket) = &self.socket {
            // The manager is told again, or finds out by itself.
            let _ = socket.send(what.as_bytes());
        }
    }
}

/// An address that is no file, as Linux has it.
#[cfg(target_os = "linux")]
fn unnamed(name: &[u8]) -> io::Result<SocketAddr> {
    <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn unnamed(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Gives a sign of life as long as every worker does.
pub(crate) struct Heart {
    workers: CountersHandle,
    last: Option<Vec<u64>>,
}

impl Heart {
    /// That of these workers.
    pub(crate) fn new(workers: CountersHandle) -> Self {
        Self { workers, last: None }
    }

    /// Tells the manager that it lives, unless a worker has stood still since the last time.
    pub(crate) fn beat(&mut self, manager: &Manager) {
        let pulses: Vec<_> = self.workers.pulses().collect();
        if self.last.as_ref().is_none_or(|last| all_moved(last, &pulses)) {
            manager.tell("WATCHDOG=1");
        }
        self.last = Some(pulses);
    }
}

fn all_moved(last: &[u64], now: &[u64]) -> bool {
    last.iter().zip(now).all(|(last, now)| last != now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(set: &[(&str, &str)]) -> io::Result<Manager> {
        let value = |name: &str| set.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(*value));
        Manager::of(value, 42)
    }

    #[test]
    fn without_a_manager_nobody_is_told() {
        let alone = of(&[("WATCHDOG_USEC", "1000000")]).unwrap();
        assert!(alone.socket.is_none() && alone.beat_every().is_none());
        alone.ready();
        assert!(of(&[("NOTIFY_SOCKET", "")]).unwrap().socket.is_none());
    }

    #[test]
    fn a_manager_at_an_abstract_address_is_told() {
        let name = format!("registrar-test-{}", std::process::id());
        let manager = UnixDatagram::bind_addr(&unnamed(name.as_bytes()).unwrap()).unwrap();
        let told = of(&[("NOTIFY_SOCKET", &format!("@{name}"))]).unwrap();
        told.ready();
        let mut buffer = [0; 100];
        let length = manager.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"READY=1");
        // Nobody reads them, and nobody waits for that.
        (0..10_000).for_each(|_| told.stopping());
    }

    #[test]
    fn a_watchdog_is_ours_if_it_names_nobody_or_us() {
        let name = format!("registrar-watchdog-{}", std::process::id());
        let _manager = UnixDatagram::bind_addr(&unnamed(name.as_bytes()).unwrap()).unwrap();
        let socket = ("NOTIFY_SOCKET", format!("@{name}"));
        let every = |set: &[(&str, &str)]| of(&[&[(socket.0, socket.1.as_str())], set].concat()).unwrap().beat_every();
        let quarter = Some(Duration::from_millis(250));
        assert_eq!(every(&[("WATCHDOG_USEC", "1000000")]), quarter);
        assert_eq!(every(&[("WATCHDOG_USEC", "1000000"), ("WATCHDOG_PID", "42")]), quarter);
        assert_eq!(every(&[("WATCHDOG_USEC", "1000000"), ("WATCHDOG_PID", "43")]), None);
        assert_eq!(every(&[("WATCHDOG_USEC", "0")]), None);
        assert_eq!(every(&[("WATCHDOG_USEC", "soon")]), None);
        assert_eq!(every(&[]), None);
    }

    #[test]
    fn one_worker_that_stands_still_is_enough_to_be_taken_for_dead() {
        assert!(all_moved(&[0, 0], &[1, 3]));
        assert!(!all_moved(&[1, 3], &[2, 3]));
        assert!(!all_moved(&[1, 3], &[1, 4]));
    }
}

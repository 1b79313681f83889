//! Its connection is cut under it, in good order or by a reset.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::Baresip;
use crate::flows::{call, wait_until_gone};
use crate::harness::{PATIENCE, Registrar, wait_until_contacts};

/// Somebody between a phone and the registrar: where the phone calls, and both ends of its first call when it has.
fn between(registrar: SocketAddr) -> (SocketAddr, Receiver<(TcpStream, TcpStream)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, ends) = channel();
    std::thread::spawn(move || {
        let (phone, _) = listener.accept().unwrap();
        let registrar = TcpStream::connect(registrar).unwrap();
        for (from, to) in [(&phone, &registrar), (&registrar, &phone)] {
            let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                // It ends with either of them.
                while let Ok(length @ 1..) = from.read(&mut buffer) {
                    if to.write_all(buffer.get(..length).unwrap_or_default()).is_err() {
                        return;
                    }
                }
            });
        }
        // A test that has failed does not take them.
        let _ = sender.send((phone, registrar));
    });
    (address, ends)
}

/// The registrar's side is cut; the phone does not know.
fn is_cut(by_reset: bool) {
    let registrar = Registrar::configured("[registrar]\nredirect = true\n[flows]\ngrace = 1");
    let (address, ends) = between(registrar.tcp());
    let account = format!(
        "<sip:alice@example.com;transport=tcp>;auth_pass=secret;regint=60;outbound=\"sip:{address};transport=tcp\""
    );
    let mut baresip = Baresip::start(&[account], true);
    let (phone, side) = ends.recv_timeout(PATIENCE).unwrap();
    baresip.process.wait_for("alice@example.com: {0/TCP/v4} 200 OK () [1 binding]");
    assert_eq!(call(registrar.udp()).status(), 302);
    let cut = Instant::now();
    if by_reset {
        socket2::SockRef::from(&side).set_linger(Some(Duration::ZERO)).unwrap();
        // It is reset when its last handle is gone: those of the threads go when they have no more to read.
        side.shutdown(Shutdown::Read).unwrap();
        phone.shutdown(Shutdown::Read).unwrap();
    } else {
        side.shutdown(Shutdown::Write).unwrap();
    }
    drop(side);
    wait_until_gone(registrar.udp());
    assert!(cut.elapsed() < PATIENCE);
    wait_until_contacts(registrar.udp(), "sip:alice@example.com", <[_]>::is_empty);
    drop(phone);
    baresip.process.signal(Signal::SIGKILL);
    baresip.process.finish();
    registrar.stop();
}

#[test]
fn a_connection_that_is_closed_takes_its_binding_along() {
    is_cut(false);
}

#[test]
fn a_connection_that_is_reset_takes_its_binding_along() {
    is_cut(true);
}

//! Bindings end with their connections: a caller is never sent to one that has ended.

use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use crate::harness::{Phone, Registrar, Request, Response, wait_until_contacts};

const SETTINGS: &str = "[registrar]\nredirect = true\n[flows]\ngrace = 1";
const ALICE: &str = "sip:alice@example.com";
const CONTACT: &str = "<sip:alice@8fd2a.invalid;transport=tcp>";

pub(crate) fn call(registrar: SocketAddr) -> Response {
    Phone::udp(registrar).ask(&Request::new("INVITE", ALICE, ALICE))
}

/// Asks until callers are told that nobody is there. The end of a connection reaches the registrar in its own time, but
/// once it has, nobody is sent there again.
pub(crate) fn wait_until_gone(registrar: SocketAddr) {
    let mut told = 302;
    for _ in 0..100_000 {
        let status = call(registrar).status();
        assert!(status == told || told == 302, "{told} and then {status}");
        told = status;
        if told == 480 {
            break;
        }
    }
    assert_eq!(told, 480);
    (0..50).for_each(|_| assert_eq!(call(registrar).status(), 480));
}

fn cut(phone: &Phone, by_reset: bool) {
    let Phone::Tcp { stream, .. } = phone else { unreachable!("a phone on a stream") };
    if by_reset {
        // What is closed with this set is reset.
        socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO)).unwrap();
    } else {
        stream.shutdown(Shutdown::Both).unwrap();
    }
}

#[test]
fn a_connection_that_is_closed_or_reset_takes_its_bindings_along() {
    for by_reset in [false, true] {
        let registrar = Registrar::configured(SETTINGS);
        let mut phone = Phone::tcp(registrar.tcp());
        let registered = phone.ask(&Request::register(ALICE).contact(CONTACT).expires(300));
        assert_eq!((registered.status(), registered.contacts().len()), (200, 1));
        assert_eq!(call(registrar.udp()).status(), 302);
        cut(&phone, by_reset);
        drop(phone);
        wait_until_gone(registrar.udp());
        wait_until_contacts(registrar.udp(), ALICE, <[_]>::is_empty);
        registrar.stop();
    }
}

#[test]
fn a_phone_that_comes_back_in_time_is_reached_by_its_new_connection_and_the_old_one_concerns_nobody() {
    let registrar = Registrar::configured("[registrar]\nredirect = true\n[flows]\ngrace = 60");
    let first = Request::register(ALICE).contact(CONTACT).expires(300);
    let mut old = Phone::tcp(registrar.tcp());
    assert_eq!(old.ask(&first).status(), 200);
    let mut new = Phone::tcp(registrar.tcp());
    let second = first.again();
    assert_eq!(new.ask(&second).contacts().len(), 1);
    cut(&old, false);
    drop(old);
    // Whatever the registrar hears of the old one, the new one stands.
    (0..200).for_each(|_| assert_eq!(call(registrar.udp()).status(), 302));
    cut(&new, false);
    drop(new);
    wait_until_gone(registrar.udp());
    let mut third = Phone::tcp(registrar.tcp());
    assert_eq!(third.ask(&second.again()).contacts().len(), 1);
    assert_eq!(call(registrar.udp()).status(), 302);
    registrar.stop();
}

#[test]
fn with_follow_off_a_binding_outlives_its_connection() {
    let registrar = Registrar::configured("[registrar]\nredirect = true\n[flows]\nfollow = false");
    let mut phone = Phone::tcp(registrar.tcp());
    assert_eq!(phone.ask(&Request::register(ALICE).contact(CONTACT).expires(300)).status(), 200);
    drop(phone);
    // A connection that comes after the end of the first is served after it.
    for _ in 0..10 {
        let mut other = Phone::tcp(registrar.tcp());
        assert_eq!(other.ask(&Request::register("sip:bob@example.com")).status(), 200);
    }
    assert_eq!(call(registrar.udp()).status(), 302);
    registrar.stop();
}

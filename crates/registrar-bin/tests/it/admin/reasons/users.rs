//! A store of users that cannot be asked.

use std::net::TcpListener;

use sip_dispatch::reason;
use sip_registrar::reason as registrations;

use super::House;
use super::house::register;
use crate::harness::{Answer, Challenge, Phone};

/// As many requests as a worker lets wait for stores.
const WAITING: usize = 10_000;

pub(super) fn a_store_that_is_down_or_hangs() -> Vec<&'static str> {
    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/{{username}}", web.local_addr().unwrap());
    let settings = |more: &str| format!("domains = 'example.com'\nworkers = 1\n[users.http]\nurl = '{url}'\n{more}");
    // It takes connections, and says nothing on them.
    let mut house = House::start(&settings("deadline_ms = 10000\nqueue = 20000\nconcurrency = 1\n"));
    let mut phone = Phone::tcp(house.registrar.registrar.tcp());
    let challenge = Challenge::of(&phone.ask(&register()));
    let header = Answer::of("alice").to(&challenge).header();
    for _ in 0..=WAITING {
        let text = phone.text(&register().with(&header));
        phone.send(text.as_bytes());
    }
    assert_eq!(phone.receive().status(), 503);
    house.tells(reason::TOO_MANY_PENDING);
    let mut told = house.told();

    drop(web);
    let mut house = House::start(&settings("failures = 1\n"));
    let challenge = Challenge::of(&house.phone.ask(&register()));
    let proved = register().with(&Answer::of("alice").to(&challenge).header());
    house.ends(registrations::CREDENTIALS_UNAVAILABLE, &proved);
    told.extend(house.told());
    told
}

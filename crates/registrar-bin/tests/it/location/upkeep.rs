//! `registrar location verify` and `compact`.

use std::fs;

use super::Table;
use crate::harness::{Phone, Request, contacts_of};

/// A table of this many addresses.
fn filled(users: usize) -> Table {
    let table = Table::new();
    let registrar = table.serve();
    let mut phone = Phone::udp(registrar.udp());
    for n in 0..users {
        let request = Request::register(&format!("sip:user{n}@example.com")).contact("<sip:u@192.0.2.1>");
        assert_eq!(phone.ask(&request).status(), 200);
    }
    registrar.stop();
    table
}

#[test]
fn a_good_table_is_said_to_be_good_and_what_it_holds() {
    let table = filled(3);
    let before = table.bytes();
    let out = table.done(&["verify"], "").out;
    let mut lines = out.lines();
    assert_eq!(lines.next().unwrap(), format!("{}: nothing in it is damaged", table.directory));
    assert_eq!(lines.next(), Some("  addresses  3"));
    assert_eq!(lines.next(), Some("  bindings   3, and 0 that have expired"));
    let file = lines.next().unwrap();
    assert!(
        file.starts_with(&format!("  file       {} bytes: a snapshot of ", before.as_ref().unwrap().len())),
        "{file}"
    );
    assert_eq!((lines.next(), lines.next()), (Some("  closed     yes"), None));
    assert!(table.bytes() == before);
}

#[test]
fn a_damaged_table_is_said_to_be_damaged_and_is_not_touched() {
    let table = filled(3);
    let whole = table.bytes().unwrap();
    // Something in it is a name of a user, and another name is none that was written there.
    let at = whole.windows(5).rposition(|bytes| bytes == b"user1").unwrap();
    let mut damaged = whole.clone();
    damaged[at] ^= 0x20;
    fs::write(table.file(), &damaged).unwrap();
    table.refused(&["verify"], "", 65, &["damaged", &table.file()]);
    table.refused(&["export"], "", 65, &["damaged"]);
    table.refused(&["compact"], "", 65, &["damaged"]);
    fs::write(table.file(), &whole).unwrap();
    table.done(&["verify"], "");
}

#[test]
fn compacting_makes_the_file_smaller_and_loses_nothing() {
    let table = filled(200);
    let before = table.bytes().unwrap().len();
    let out = table.done(&["compact"], "").out;
    assert!(out.starts_with(&format!("{}: {before} bytes before, ", table.directory)), "{out}");
    assert!(table.bytes().unwrap().len() < before, "{out}");
    assert!(table.done(&["verify"], "").out.contains("  addresses  200\n  bindings   200, and 0 that have expired\n"));
    let registrar = table.serve();
    assert_eq!(contacts_of(registrar.udp(), "sip:user7@example.com").len(), 1);
    registrar.stop();
}

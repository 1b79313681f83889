//! `registrar location export`, and the way back.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{Table, without_ends};
use crate::harness::{Phone, Request, contacts_of};

/// Two phones of alice and one of bob, over UDP and TCP.
fn three_phones(table: &Table) {
    let registrar = table.serve();
    let instance = "+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\";reg-id=1";
    let display = "\"Alice \u{fc}\\\" at home\"";
    for (aor, contact, udp) in [
        ("sip:alice@example.com", format!("{display} <sip:alice@192.0.2.1;ob>;{instance};q=0.7"), false),
        ("sip:alice@example.com", "<sip:alice@192.0.2.2:5070>".to_owned(), true),
        ("sip:bob@example.com", "sip:bob@[2001:db8::1];x=y".to_owned(), true),
    ] {
        let request = Request::register(aor).contact(&contact).with("User-Agent: phone/1.0");
        let request = request.with("Supported: path").with("Path: <sip:edge.example.com;lr>");
        let mut phone = if udp { Phone::udp(registrar.udp()) } else { Phone::tcp(registrar.tcp()) };
        assert_eq!(phone.ask(&request).status(), 200);
    }
    registrar.stop();
}

#[test]
fn what_is_exported_is_imported_elsewhere_as_it_was() {
    let table = Table::new();
    three_phones(&table);
    let finished = table.done(&["export"], "");
    assert!(finished.err.starts_with("exported 2 addresses with 3 bindings from "), "{}", finished.err);
    let exported = table.exported();
    assert_eq!(exported[0]["aor"], "sip:alice@example.com");
    let binding = &exported[0]["bindings"][0];
    assert!(binding["contact"].as_str().unwrap().starts_with("\"Alice \u{fc}\\\" at home\" <sip:alice@192.0.2.1;ob>;"));
    assert_eq!((&binding["path"], &binding["user_agent"]), (&"<sip:edge.example.com;lr>".into(), &"phone/1.0".into()));
    assert!(binding["source"].as_str().unwrap().starts_with("tcp:127.0.0.1:") && binding["flow"].is_string());

    let other = Table::new();
    let said = other.done(&["import"], &finished.out).err;
    assert_eq!(said, format!("imported 2 addresses with 3 bindings into {}\n", other.directory));
    let ((lines, ends), (same, same_ends)) = (without_ends(&exported), without_ends(&other.exported()));
    assert_eq!(lines, same);
    for (end, same) in ends.iter().zip(&same_ends) {
        // It may be midnight.
        assert!((end - same).rem_euclid(86_400_000).min((same - end).rem_euclid(86_400_000)) < 1000, "{end} {same}");
    }
    let registrar = other.serve();
    assert_eq!(contacts_of(registrar.udp(), "sip:alice@example.com").len(), 2);
    assert!(contacts_of(registrar.udp(), "sip:bob@example.com")[0].starts_with("sip:bob@[2001:db8::1];x=y;expires="));
    registrar.stop();
}

#[test]
fn a_file_is_whole_and_for_its_owner_alone() {
    let table = Table::new();
    three_phones(&table);
    let path = table.room.path("table.json");
    fs::write(&path, "before").unwrap();
    let finished = table.done(&["export", "--output", &path], "");
    assert_eq!(finished.out, "");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.lines().count() == 2
            && text.lines().all(|line| line.starts_with("{\"aor\":\"sip:") && line.ends_with("]}"))
    );
    let other = Table::new();
    other.done(&["import", &path], "");
    assert_eq!(without_ends(&other.exported()).0, without_ends(&table.exported()).0);
    table.refused(
        &["export", "-o", "/nonexistent/table.json"],
        "",
        69,
        &["cannot write /nonexistent/table.json: No such"],
    );
}

#[test]
fn without_a_table_nothing_is_made() {
    let table = Table::new();
    for command in ["export", "verify", "compact"] {
        table.refused(&[command], "", 69, &["there is no ", &table.directory]);
        assert!(!fs::exists(&table.directory).unwrap(), "{command}");
    }
}

#[test]
fn the_table_of_a_running_registrar_is_in_use() {
    let table = Table::new();
    let registrar = table.serve();
    for command in ["export", "import", "verify", "compact"] {
        let finished = table.run(&[command], "");
        assert_eq!((finished.code, finished.out.as_str()), (Some(69), ""), "{command}: {}", finished.err);
        assert!(finished.err.contains("in use by another process"), "{command}: {}", finished.err);
    }
    registrar.stop();
}

#[test]
fn a_registrar_without_a_table_on_disk_has_none_to_export() {
    let table = Table::new();
    let file = table.room.file("memory.toml", "[location]\nmode = 'memory'\n");
    let output = crate::harness::command().args(["location", "export", "--config", &file]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(64) && said.contains("there is no table on disk"), "{said}");
}

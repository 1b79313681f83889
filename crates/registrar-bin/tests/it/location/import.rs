//! `registrar location import`.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Table;
use crate::harness::{Phone, Request, contacts_of};

const SQLITE: &str = include_str!("../../data/location/kamailio-sqlite.csv");
const DUMPS: [&str; 2] = [
    include_str!("../../data/location/kamailio-ul.dump.txt"),
    include_str!("../../data/location/kamailio-ul.dump.json"),
];

/// A second in an hour.
fn in_an_hour() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 3600
}

#[test]
fn phones_of_a_kamailio_are_served_on_and_renew_what_was_imported() {
    for dump in DUMPS {
        let table = Table::new();
        // Its time is that of the dump.
        let file = table.room.file("dump", dump);
        let said = table.done(&["import", "--format", "ul-dump", &file], "").err;
        assert_eq!(said, format!("imported 8 addresses with 9 bindings into {}\n", table.directory));
        let registrar = table.serve();
        let alice = contacts_of(registrar.udp(), "sip:alice@example.com");
        let mobile = "<sip:alice@198.51.100.7:41234;transport=TCP;ob>;q=0.5;\
                      +sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\";reg-id=1;expires=";
        // Two hours were left when the dump was made.
        let left = alice.iter().find_map(|contact| contact.strip_prefix(mobile)?.parse::<u32>().ok());
        assert!(alice.len() == 2 && left.is_some_and(|left| (7000..7200).contains(&left)), "{alice:#?}");
        let renewal = Request::register("sip:alice@example.com").contact("<sip:alice@192.0.2.10:5060;transport=udp>");
        let renewed = Phone::udp(registrar.udp()).ask(&renewal).contacts();
        // It is granted anew: 300 seconds, less some jitter.
        let granted = renewed[0].strip_prefix("<sip:alice@192.0.2.10:5060;transport=udp>;expires=");
        let granted = granted.and_then(|seconds| seconds.parse::<u32>().ok());
        assert!(renewed.len() == 2 && granted.is_some_and(|granted| (200..=300).contains(&granted)), "{renewed:#?}");
        assert_eq!(contacts_of(registrar.udp(), "sip:100%25@example.com").len(), 1);
        registrar.stop();
    }
}

#[test]
fn what_had_expired_is_counted_and_left_out() {
    let table = Table::new();
    // Days of January 1970.
    let past = SQLITE.replace(",2461368.", ",2440600.");
    let said = table.done(&["import", "--format", "kamailio"], &past).err;
    let nothing = format!(
        "imported 0 addresses with 0 bindings into {}\nleft out 9 bindings that had expired\n",
        table.directory
    );
    assert!(
        said.starts_with("columns that are not used: id, ruid, last_modified, ") && said.ends_with(&nothing),
        "{said}"
    );
}

#[test]
fn a_store_of_net_sip_is_imported_as_perl_and_as_json() {
    let at = in_an_hour();
    let perl = format!(
        "$VAR1 = {{\n  'sip:alice@example.com' => {{\n    'sip:alice@192.0.2.1' => {at},\n    'sip:a@192.0.2.2' => 5\n  }}\n}};\n"
    );
    let json = format!("{{\"sip:alice@example.com\": {{\"sip:alice@192.0.2.1\": {at}, \"sip:a@192.0.2.2\": 5}}}}");
    for text in [perl, json] {
        let table = Table::new();
        let said = table.done(&["import", "--format", "net-sip", "-"], &text).err;
        let expected = format!(
            "imported 1 address with 1 binding into {}\nleft out 1 binding that had expired\n",
            table.directory
        );
        assert_eq!(said, expected);
        assert_eq!(table.exported()[0]["bindings"][0]["contact"], "<sip:alice@192.0.2.1>");
        assert_eq!(table.exported()[0]["bindings"][0]["source"], "udp:192.0.2.1:5060");
    }
}

/// A table with the columns that are needed.
fn kamailio(lines: &[&str]) -> String {
    let at = in_an_hour().to_string();
    let lines: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
    format!("username,contact,expires\n{}", lines.replace("SOON", &at))
}

const IMPORT: [&str; 5] = ["import", "--format", "kamailio", "--domain", "example.com"];

#[test]
fn every_bad_line_is_told_and_none_is_imported_unless_that_is_asked_for() {
    let table = Table::new();
    let text = kamailio(&["alice,sip:alice@192.0.2.1,SOON", "bob,http://192.0.2.1,SOON", ",sip:a@192.0.2.1,SOON"]);
    table.refused(
        &IMPORT,
        &text,
        65,
        &[
            "line 3: <http://192.0.2.1>: nobody can be reached by this scheme",
            "line 4: there is no username",
            "error: standard input: 2 lines cannot be imported: nothing was changed\nhelp: --skip-bad",
        ],
    );
    assert!(!fs::exists(&table.directory).unwrap());
    let flood = kamailio(&["alice,x,SOON"; 1000]);
    table.refused(&IMPORT, &flood, 65, &["line 21: ", "\nand 980 more\n", "1000 lines"]);
    let said = table.done(&[&IMPORT[..], &["--skip-bad"]].concat(), &text).err;
    let expected = format!("imported 1 address with 1 binding into {}\nleft out 2 bad lines\n", table.directory);
    assert!(said.contains("line 3: ") && said.ends_with(&expected), "{said}");
    // What was cut is not believed, whatever is skipped.
    let cut: String = DUMPS[0].split_inclusive('\n').take(100).collect();
    table.refused(
        &["import", "--format", "ul-dump", "--skip-bad"],
        &cut,
        65,
        &["ends too soon", "nothing was changed"],
    );
    table.refused(&["import", "/nonexistent.json"], "", 69, &["cannot read /nonexistent.json: No such"]);
}

#[test]
fn addresses_that_are_there_are_left_alone_or_replaced() {
    let table = Table::new();
    table.done(&IMPORT, &kamailio(&["alice,sip:alice@192.0.2.1,SOON", "alice,sip:alice@192.0.2.2,SOON"]));
    let other = kamailio(&["alice,sip:alice@192.0.2.3,SOON", "bob,sip:bob@192.0.2.1,SOON"]);
    let said = table.done(&IMPORT, &other).err;
    assert!(said.starts_with("imported 1 address with 1 binding into "), "{said}");
    assert!(said.contains("\nleft 1 address alone, of which there are bindings already: --replace"), "{said}");
    assert_eq!(table.exported()[0]["bindings"].as_array().unwrap().len(), 2);
    let said = table.done(&[&IMPORT[..], &["--replace"]].concat(), &other).err;
    assert!(said.starts_with("imported 2 addresses with 2 bindings into "), "{said}");
    let alice = &table.exported()[0]["bindings"];
    assert!(alice.as_array().unwrap().len() == 1 && alice[0]["contact"] == "<sip:alice@192.0.2.3>", "{alice}");
}

#[test]
fn one_contact_twice_is_one_binding_and_the_last_line_counts() {
    let table = Table::new();
    let text =
        kamailio(&["alice,sip:alice@192.0.2.1,SOON", "bob,sip:b@192.0.2.1,SOON", "alice,sip:alice@192.0.2.1;ob,SOON"]);
    let said = table.done(&IMPORT, &text).err;
    assert!(said.starts_with("imported 2 addresses with 2 bindings"), "{said}");
    assert_eq!(table.exported()[0]["bindings"][0]["contact"], "<sip:alice@192.0.2.1;ob>");
}

#[test]
fn of_two_requests_of_one_phone_the_later_counts_wherever_it_stands() {
    let table = Table::new();
    let at = in_an_hour();
    let text = format!(
        "username,contact,expires,callid,cseq\n\
         alice,sip:alice@192.0.2.1,{at},a@b,7\nalice,sip:alice@192.0.2.1;x=6,{at},a@b,6\nalice,sip:alice@192.0.2.1;x=8,{at},a@b,8\n"
    );
    let said = table.done(&IMPORT, &text).err;
    assert!(
        said.starts_with("imported 1 address with 1 binding") && said.contains("\nleft out 1 binding that was"),
        "{said}"
    );
    assert_eq!(table.exported()[0]["bindings"][0]["contact"], "<sip:alice@192.0.2.1;x=8>");
}

#[test]
fn what_never_ends_needs_an_end() {
    let table = Table::new();
    let text = kamailio(&["alice,sip:alice@192.0.2.1,0"]);
    table.refused(&IMPORT, &text, 65, &["line 2: a binding of sip:alice@example.com that never ends: --permanent"]);
    table.done(&[&IMPORT[..], &["--permanent", "86400"]].concat(), &text);
    assert_eq!(table.exported()[0]["bindings"][0]["granted"], 86_400);
}

#[test]
fn more_than_the_table_may_hold_is_refused_before_anything_is_written() {
    let table = Table::new();
    let text = kamailio(&["alice,sip:alice@192.0.2.1,SOON", "bob,sip:bob@192.0.2.1,SOON"]);
    let config = table.room.file("registrar.toml", "[registrar]\nmax_bindings = 1\n");
    let said = "line 3: more bindings than [registrar] max_bindings allows (1)";
    table.refused(&[&IMPORT[..], &["--config", &config]].concat(), &text, 65, &[said]);
}

#[test]
fn options_that_say_nothing_are_refused() {
    let table = Table::new();
    for (args, code, said) in [
        (&["--format", "json", "--domain", "example.com"][..], 64, "--domain goes with --format kamailio and ul-dump"),
        (&["--format", "ul-dump", "--utc-offset", "+01:00"], 64, "--utc-offset goes with --format kamailio"),
        (&["--format", "kamailio", "--taken-at", "2026-11-23T21:00:00Z"], 64, "--taken-at goes with --format ul-dump"),
        (&["--format", "net-sip", "--permanent", "60"], 64, "--permanent goes with"),
        (&["--format", "kamailio", "--utc-offset", "CET"], 64, "--utc-offset: \"CET\" is none"),
        (&["--format", "ul-dump", "--taken-at", "noon"], 64, "--taken-at: \"noon\" is no time"),
        (&["--format", "kamailio", "--domain", "exa mple"], 64, "is no domain"),
        (&["--format", "xml"], 2, "net-sip"),
        (&["--permanent", "0"], 2, "--permanent"),
    ] {
        table.refused(&[&["import"], args].concat(), "", code, &[said]);
    }
}

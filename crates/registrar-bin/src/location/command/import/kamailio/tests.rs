use super::*;
use crate::time::{WallMillis, from_rfc3339};

const SQLITE: &str = include_str!("../../../../../tests/data/location/kamailio-sqlite.csv");
const POSTGRESQL: &str = include_str!("../../../../../tests/data/location/kamailio-postgresql.csv");
const MYSQL: &str = include_str!("../../../../../tests/data/location/kamailio-mysql.tsv");

type Line = (u64, Result<Entry, String>);

fn read_all(text: &str, defaults: Defaults<'_>) -> (Vec<Line>, Vec<String>) {
    let mut all = Vec::new();
    let unused = read(text.as_bytes(), text.as_bytes(), defaults, |number, entry| all.push((number, entry))).unwrap();
    (all, unused)
}

/// The nine contacts that every capture holds; `origin` is when they were registered.
fn check(entries: &[Entry], origin: WallMillis) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let aors: Vec<_> = entries.iter().map(|entry| entry.aor.as_str()).collect();
    let users = ["alice", "alice", "bob", "carol", "100%25", "dave", "user1", "user2", "user3"];
    assert_eq!(aors, users.map(|user| format!("sip:{user}@example.com")));
    let seconds = [3600, 7200, 600, 3600, 1800, 60, 600, 1200, 1800];
    assert!(
        entries.iter().zip(seconds).all(|(entry, seconds)| entry.end == End::At(origin + seconds * 1000)),
        "{entries:#?}"
    );
    assert!(entries.iter().all(|entry| entry.cseq == 1));
    let contacts: Vec<_> = entries.iter().map(|entry| text(&entry.contact())).collect();
    assert_eq!(contacts[0], "<sip:alice@192.0.2.10:5060;transport=udp>");
    assert_eq!(
        contacts[1],
        "<sip:alice@198.51.100.7:41234;transport=TCP;ob>;q=0.5;\
         +sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\";reg-id=1"
    );
    assert_eq!(contacts[3], "<sip:carol@[2001:db8::7]:5060>;q=0.7");
    assert_eq!(text(&entries[3].path), "<sip:edge1.example.com;lr>, <sip:edge2.example.com;lr;ob>");
    assert!(text(&entries[2].received).starts_with("sip:127.0.0.1:"));
    assert_eq!(entries.iter().filter(|entry| !entry.received.is_empty()).count(), 1);
    assert_eq!(
        (text(&entries[1].socket), text(&entries[3].socket)),
        ("tcp:127.0.0.1:25060".into(), "udp:[::1]:25060".into())
    );
    assert_eq!(
        (text(&entries[4].call_id), text(&entries[4].user_agent)),
        (r#"x\y,z;"1"@h"#.into(), r#"odd;agent,"with" \ all"#.into())
    );
    assert_eq!(text(&entries[1].user_agent), r#"PJSUA v2.14, "quoted""#);
    assert!(entries[5].user_agent.is_empty());
}

fn at(text: &str) -> WallMillis {
    from_rfc3339(text).unwrap()
}

#[test]
fn the_table_is_read_as_the_clients_of_three_databases_write_it() {
    for (text, domain, utc_offset, registered) in [
        (SQLITE, None, None, "2026-11-23T21:16:42Z"),
        (POSTGRESQL, Some("example.com"), Some(-5 * 3600), "2026-11-23T21:18:49Z"),
        (MYSQL, None, Some(3600), "2026-11-23T21:18:46Z"),
    ] {
        let (all, unused) = read_all(text, Defaults { domain, utc_offset });
        assert_eq!(all.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (2..=10).collect::<Vec<_>>());
        let entries: Vec<_> = all.into_iter().map(|(_, entry)| entry.unwrap()).collect();
        check(&entries, at(registered));
        let expected = [
            "id",
            "ruid",
            "last_modified",
            "flags",
            "cflags",
            "methods",
            "server_id",
            "connection_id",
            "keepalive",
            "partition",
        ];
        assert_eq!(unused, expected);
    }
}

#[test]
fn what_the_table_does_not_say_has_to_be_said() {
    let errors = |text, defaults| {
        let all = read_all(text, defaults).0;
        all.into_iter().map(|(_, entry)| entry.unwrap_err()).collect::<Vec<_>>()
    };
    let no_offset = errors(MYSQL, Defaults::default());
    assert!(no_offset.len() == 9 && no_offset.iter().all(|error| error.contains("--utc-offset")), "{no_offset:?}");
    let no_domain = errors(POSTGRESQL, Defaults { domain: None, utc_offset: Some(0) });
    assert!(no_domain.len() == 9 && no_domain.iter().all(|error| error.contains("--domain")), "{no_domain:?}");
    for (header, missing) in [("domain,contact,expires", "username"), ("username,contact", "expires"), ("", "username")]
    {
        let error = read(header.as_bytes(), header.as_bytes(), Defaults::default(), |_, _| panic!()).unwrap_err();
        assert!(error.contains(&format!("no column {missing}")), "{error}");
    }
}

#[test]
fn every_notation_of_an_end_is_read() {
    for (text, expected) in [
        ("1795468601", Ok(End::At(1_795_468_601_000))),
        ("0", Ok(End::Never)),
        ("10", Ok(End::At(10_000))),
        ("1970-01-01 01:00:00", Ok(End::Never)),
        ("1970-01-01 01:00:10", Ok(End::At(10_000))),
        ("2440587.5", Ok(End::Never)),
        ("2026-11-23 22:16:41", Ok(End::At(1_795_468_601_000))),
        ("2026-11-23 21:16:41+00", Ok(End::At(1_795_468_601_000))),
        ("soon", Err("expires \"soon\" is no time".to_owned())),
        ("-5", Err("expires \"-5\" is no time".to_owned())),
    ] {
        assert_eq!(end(text, Some(3600)), expected, "{text}");
    }
    for (text, thousandths) in
        [("-1", None), ("-1.00", None), ("0.5", Some(500)), ("0.500000", Some(500)), ("1", Some(1000))]
    {
        assert_eq!(q(text).unwrap().map(QValue::thousandths), thousandths, "{text}");
    }
    assert!(q("1.5").is_err() && q("NaN").is_err() && q("x").is_err());
}

#[test]
fn a_bad_line_is_told_with_its_number_and_the_others_are_read() {
    let text = "username,domain,contact,expires,q\n\
                ,example.com,sip:a@192.0.2.1,1795468601,1\n\
                alice,exa mple,sip:a@192.0.2.1,1795468601,1\n\
                bob,example.com,,1795468601,1\n\
                carol,example.com,sip:a@192.0.2.1,,1\n\
                dave,example.com,sip:a@192.0.2.1,1795468601,2\n\
                eve,example.com\n\
                frank,example.com,sip:f@192.0.2.1,1795468601,1\n";
    let all = read_all(text, Defaults::default()).0;
    let said = ["no username", "no address of a user", "no contact", "no expires", "q 2 is not", "as many columns"];
    for (((number, entry), said), expected) in all.iter().zip(said).zip(2..) {
        let error = entry.as_ref().unwrap_err();
        assert!(*number == expected && error.contains(said), "{number}: {error}");
    }
    assert!(all.len() == 7 && all[6].1.as_ref().is_ok_and(|entry| entry.aor == "sip:frank@example.com"));
}

#[test]
fn what_mysql_escapes_is_unescaped() {
    assert_eq!(unescaped(br"a\\b\tc\nd\'e\"), b"a\\b\tc\nd'e\\");
}

use super::*;
use crate::time::from_rfc3339;

const TEXT: &str = include_str!("../../../../../tests/data/location/kamailio-ul.dump.txt");
const JSON: &str = include_str!("../../../../../tests/data/location/kamailio-ul.dump.json");

type Contact = (u64, Result<Entry, String>);

fn read_all(text: &str, domain: Option<&str>) -> Result<Vec<Contact>, String> {
    let defaults = Defaults { domain, taken_at: from_rfc3339("2026-11-23T21:16:43Z").unwrap() };
    let mut all = Vec::new();
    read(text.as_bytes(), text.as_bytes(), defaults, |number, entry| all.push((number, entry))).map(|()| all)
}

fn entries(text: &str) -> Vec<Entry> {
    read_all(text, None).unwrap().into_iter().map(|(_, entry)| entry.unwrap()).collect()
}

#[test]
fn the_text_and_the_json_of_one_server_say_the_same() {
    let (entries, same) = (entries(TEXT), entries(JSON));
    assert_eq!(entries, same);
    assert_eq!(entries.len(), 9);
    let of =
        |user: &str| entries.iter().filter(|entry| entry.aor == format!("sip:{user}@example.com")).collect::<Vec<_>>();
    let [mobile, desk] = of("alice")[..] else { panic!("{entries:#?}") };
    assert_eq!(desk.contact(), b"<sip:alice@192.0.2.10:5060;transport=udp>");
    assert_eq!(
        mobile.contact(),
        b"<sip:alice@198.51.100.7:41234;transport=TCP;ob>;q=0.5;\
          +sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\";reg-id=1"
    );
    // 7199 seconds were left.
    assert_eq!(mobile.end, End::At(from_rfc3339("2026-11-23T23:16:42Z").unwrap()));
    let [odd] = of("100%25")[..] else { panic!("{entries:#?}") };
    assert_eq!((odd.call_id.as_slice(), odd.cseq), (br#"x\y,z;"1"@h"#.as_slice(), 1));
    assert_eq!(odd.user_agent, br#"odd;agent,"with" \ all"#);
    let [carol] = of("carol")[..] else { panic!("{entries:#?}") };
    assert_eq!(carol.path, b"<sip:edge1.example.com;lr>, <sip:edge2.example.com;lr;ob>");
    let [bob] = of("bob")[..] else { panic!("{entries:#?}") };
    assert!(bob.received.starts_with(b"sip:127.0.0.1:") && of("dave")[0].user_agent.is_empty());
}

#[test]
fn a_server_that_ignores_domains_needs_to_be_told_one() {
    for text in [TEXT, JSON] {
        let text = text.replace("@example.com\n", "\n").replace("@example.com\",\n", "\",\n");
        let all = read_all(&text, Some("example.org")).unwrap();
        assert!(all.iter().any(|(_, entry)| entry.as_ref().unwrap().aor == "sip:100%25@example.org"));
        let errors = read_all(&text, None).unwrap();
        assert!(errors.iter().all(|(_, entry)| entry.as_ref().unwrap_err().contains("--domain")), "{errors:?}");
    }
}

#[test]
fn words_stand_for_some_ends() {
    for (word, end) in [("permanent", End::Never), ("deleted", End::Past), ("expired", End::Past)] {
        assert_eq!(entries(&TEXT.replace("Expires: 7199", &format!("Expires: {word}")))[7].end, end);
        assert_eq!(entries(&JSON.replace("7199", &format!("\"{word}\"")))[7].end, end);
    }
    let wrong = read_all(&TEXT.replace("Expires: 7199", "Expires: -7"), None).unwrap();
    assert!(matches!(&wrong[7], (8, Err(error)) if error.contains("no number of seconds")), "{wrong:?}");
}

#[test]
fn a_dump_that_was_cut_or_is_none_is_refused_as_a_whole() {
    for text in [TEXT, JSON] {
        for part in [1, 2, 3] {
            let cut = &text[..text.len() * part / 4];
            read_all(cut, None).unwrap_err();
        }
    }
    for text in ["{\n", "}\n", "hello\n", "{\"", "[1,"] {
        read_all(text, None).unwrap_err();
    }
    assert_eq!(read_all("{\n}\n", None), Ok(Vec::new()));
    let stray = "{\n\tContact: {\n\t\tAddress: sip:a@b\n\t}\n}\n";
    assert!(read_all(stray, None).unwrap()[0].1.as_ref().unwrap_err().contains("before any AoR"));
}

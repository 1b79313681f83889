use super::*;

const DUMPER: &str = include_str!("../../../../../tests/data/location/net-sip-dumper.txt");
const TERSE: &str = include_str!("../../../../../tests/data/location/net-sip-terse.txt");
const JSON: &str = include_str!("../../../../../tests/data/location/net-sip-store.json");

type Line = (u64, Result<Entry, String>);

fn read_all(text: &str) -> Result<Vec<Line>, String> {
    let mut all = Vec::new();
    read(text.as_bytes(), |number, entry| all.push((number, entry))).map(|()| all)
}

#[test]
fn what_the_module_keeps_is_read_as_perl_and_as_json() {
    let flat = DUMPER.split('\n').map(str::trim).collect::<String>();
    for text in [DUMPER, TERSE, JSON, &flat] {
        let mut all: Vec<_> = read_all(text).unwrap().into_iter().map(|(_, entry)| entry.unwrap()).collect();
        all.sort_by(|a, b| (&a.aor, &a.uri).cmp(&(&b.aor, &b.uri)));
        let found: Vec<_> =
            all.iter().map(|entry| (entry.aor.as_str(), std::str::from_utf8(&entry.uri).unwrap(), entry.end)).collect();
        let at = |seconds: u64| End::At(seconds * 1000);
        assert_eq!(
            found,
            [
                ("sip:100%25@example.com", "sip:o'brien$@[2001:db8::7]:5060;lr", at(1_795_469_332)),
                ("sip:alice@example.com", "sip:alice@192.0.2.10:5060;transport=udp", at(1_795_472_331)),
                ("sip:alice@example.com", "sip:alice@198.51.100.7:41234;ob", at(1_795_475_931)),
                ("sip:carol@example.com", "tel:+15551234", at(1_795_469_332)),
                ("sips:bob@example.com:5061", "sip:bob@10.0.0.5:5062", at(1_795_469_331)),
            ]
        );
    }
}

#[test]
fn lines_are_counted_and_a_bad_end_is_told() {
    let all =
        read_all("$VAR1 = {\n 'sip:a@b' => {\n 'sip:a@c' => '1795469332.5',\n 'sip:a@d' => undef\n }\n};\n").unwrap();
    assert!(matches!(&all[..], [(3, Ok(_)), (4, Err(error))] if error.contains("\"undef\"")), "{all:?}");
    assert_eq!(read_all("$VAR1 = {};").unwrap(), []);
    assert_eq!(read_all("{}").unwrap(), []);
}

#[test]
fn escapes_of_both_languages_are_understood() {
    let text = |quoted: &str| {
        let all = read_all(&format!("{{'sip:a@b':{{{quoted}:1}}}}")).map_err(|error| error.clone())?;
        Ok::<_, String>(all.into_iter().map(|(_, entry)| entry.unwrap().uri).collect::<Vec<_>>().concat())
    };
    for (quoted, expected) in [
        (r"'a\'b\\c\n'", r"a'b\c\n".as_bytes()),
        (r#""a\"b\\c\$\@\/""#, br#"a"b\c$@/"#),
        (r#""\t\0\12\377x""#, b"\t\0\n\xffx"),
        (r#""\x{fc}\u00fc""#, "üü".as_bytes()),
        (r#""\ud83d\ude00""#, "😀".as_bytes()),
    ] {
        assert_eq!(text(quoted).as_deref(), Ok(expected), "{quoted}");
    }
    for quoted in [r#""\q""#, r#""\u12""#, r#""\ud83d""#, r#""\x{110000}""#, r#""\xff""#, r#""\777""#, "'open"] {
        assert!(text(quoted).is_err(), "{quoted}");
    }
}

#[test]
fn a_store_that_was_cut_or_is_none_is_refused_as_a_whole() {
    for text in [DUMPER, TERSE, JSON] {
        for part in [1, 2, 3] {
            read_all(&text[..text.len() * part / 4]).unwrap_err();
        }
    }
    for text in ["", "hello", "[]", "{'a'}", "{'a' => 1}", "{'a' => {'b'}}", "{{}}", "{} x"] {
        let error = read_all(text).unwrap_err();
        assert!(error.starts_with("line 1: "), "{text}: {error}");
    }
    let long = format!("{{'{}", "x".repeat(100_000));
    assert!(read_all(&long).unwrap_err().contains("too long"));
}

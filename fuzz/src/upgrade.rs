//! A peer that asks by HTTP becomes a WebSocket or is refused with one whole answer, the same however its request is cut.

use sip_transport::websocket::{End, Rules, Session, Step};

/// How a request ended.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    /// It was not whole.
    Never,
    Upgraded(usize),
    End(End),
}

/// The bytes are what comes first on a connection.
pub fn check(data: &[u8]) {
    for origins in [None, Some(vec!["https://example.com".to_owned()])] {
        let rules = Rules { origins, max_message: 1000 };
        let whole = read(data, &rules, |_| data.len());
        assert_eq!(whole, read(data, &rules, |_| 1), "byte by byte");
        assert_eq!(whole, read(data, &rules, |next| 1 + usize::from(next) % 61), "in pieces");
        let (ended, answer) = whole;
        match ended {
            Ended::Never => assert!(answer.is_empty() && data.len() <= 8192 + 1),
            Ended::Upgraded(consumed) => {
                // A line may end with a line feed alone (RFC 9112 §2.2).
                assert!(data[..consumed].ends_with(b"\n") && answer.starts_with(b"HTTP/1.1 101 "));
                assert!(answer.ends_with(b"\r\n\r\n"));
            }
            Ended::End(End::Refused(_)) => {
                assert!(answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
                assert!(answer.windows(4).any(|four| four == b"\r\n\r\n"));
            }
            Ended::End(end) => panic!("{end}"),
        }
    }
}

fn read(stream: &[u8], rules: &Rules, piece: impl Fn(u8) -> usize) -> (Ended, Vec<u8>) {
    let (mut session, mut out) = (Session::new(), Vec::new());
    let (mut held, mut arrived) = (Vec::new(), 0);
    loop {
        match session.next(&mut held, rules, &mut out) {
            Step::NeedMore => {}
            Step::Upgraded { consumed } => return (Ended::Upgraded(consumed), out),
            Step::End(end) => return (Ended::End(end), out),
            step => panic!("before the upgrade: {step:?}"),
        }
        let Some(&next) = stream.get(arrived) else { return (Ended::Never, out) };
        let end = stream.len().min(arrived + piece(next));
        held.extend_from_slice(&stream[arrived..end]);
        arrived = end;
    }
}

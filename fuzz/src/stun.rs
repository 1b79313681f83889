//! A datagram of STUN is answered with a well-formed response to the same transaction, or not at all.

use sip_transport::stun;

/// The bytes are a datagram.
pub fn check(data: &[u8]) {
    for source in ["192.0.2.7:49152", "[2001:db8::7]:49152"] {
        let source = source.parse().expect("an address");
        let mut out = b"before".to_vec();
        let answered = stun::answer(data, source, &mut out);
        let answer = out.strip_prefix(b"before").expect("what stood there before stays");
        assert_eq!(answered, !answer.is_empty());
        if !answered {
            continue;
        }
        assert!(stun::is_stun(data) && stun::is_stun(answer));
        // RFC 8489 §5: a success or an error, the length of what follows, the cookie and the transaction.
        assert!(matches!(answer[..2], [0x01, 0x01 | 0x11]));
        let length = usize::from(u16::from_be_bytes([answer[2], answer[3]]));
        assert!(length == answer.len() - 20 && length.is_multiple_of(4));
        assert_eq!(answer[4..20], data[4..20]);
        let mut rest = &answer[20..];
        while let [_, _, high, low, after @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            rest = &after[length.next_multiple_of(4)..];
        }
        assert!(rest.is_empty());
    }
}

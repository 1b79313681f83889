use super::*;

const TRANSACTION: [u8; 12] = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];

/// RFC 5769 §2.1, "Sample Request with Short-Term Authentication".
const RFC5769_REQUEST: &str = "
    00010058 2112a442 b7e7a701 bc34d686 fa87dfae
    80220010 5354554e 20746573 7420636c 69656e74
    00240004 6e0001ff
    80290008 932ff9b1 51263b36
    00060009 6576746a 3a683676 59202020
    00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2
    80280004 e57a3bcf";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

/// A message of `kind` with `attributes`.
fn message(kind: u16, attributes: &[u8]) -> Vec<u8> {
    let mut bytes = kind.to_be_bytes().to_vec();
    bytes.extend((attributes.len() as u16).to_be_bytes());
    bytes.extend(MAGIC_COOKIE);
    bytes.extend(TRANSACTION);
    bytes.extend(attributes);
    bytes
}

fn with_fingerprint(mut bytes: Vec<u8>) -> Vec<u8> {
    set_length(&mut bytes, 0, 8);
    let crc = crc32(&bytes) ^ FINGERPRINT_XOR;
    write_attribute(FINGERPRINT, &crc.to_be_bytes(), &mut bytes);
    bytes
}

fn answer_to(request: &[u8], source: &str) -> Option<Vec<u8>> {
    let mut out = b"before".to_vec();
    let answered = answer(request, source.parse().unwrap(), &mut out);
    let written = out.split_off(6);
    assert_eq!(answered, !written.is_empty());
    answered.then_some(written)
}

#[test]
fn the_source_address_over_ipv4_is_masked_as_in_rfc_5769() {
    let answer = answer_to(&message(BINDING_REQUEST, &[]), "192.0.2.1:32853").unwrap();
    // The attribute of RFC 5769 §2.2.
    assert_eq!(answer, message(BINDING_SUCCESS, &hex("00200008 0001a147 e112a643")));
    assert_eq!(answer.len(), 32);
}

#[test]
fn the_source_address_over_ipv6_is_masked_as_in_rfc_5769() {
    let source = "[2001:db8:1234:5678:11:2233:4455:6677]:32853";
    let answer = answer_to(&message(BINDING_REQUEST, &[]), source).unwrap();
    // The attribute of RFC 5769 §2.3.
    let attribute = hex("00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9");
    assert_eq!(answer, message(BINDING_SUCCESS, &attribute));
    assert_eq!(answer.len(), 44);
}

#[test]
fn the_fingerprint_of_rfc_5769_is_right_and_its_priority_is_not_understood() {
    let answer = answer_to(&hex(RFC5769_REQUEST), "192.0.2.1:32853").unwrap();
    let attributes = hex("0009000b 00000414 556e6b6e 6f776e00 000a0002 00240000");
    assert_eq!(answer, with_fingerprint(message(BINDING_ERROR, &attributes)));
}

#[test]
fn a_wrong_or_misplaced_fingerprint_is_discarded() {
    let good = with_fingerprint(message(BINDING_REQUEST, &[]));
    let expected = with_fingerprint(message(BINDING_SUCCESS, &hex("00200008 0001a147 e112a643")));
    assert_eq!(answer_to(&good, "192.0.2.1:32853"), Some(expected));
    let mut wrong = good.clone();
    *wrong.last_mut().unwrap() ^= 1;
    assert_eq!(answer_to(&wrong, "192.0.2.1:32853"), None);
    let mut early = good;
    write_attribute(0x8022, b"soft", &mut early);
    set_length(&mut early, 0, 0);
    assert_eq!(answer_to(&early, "192.0.2.1:32853"), None);
}

#[test]
fn what_is_known_or_optional_does_not_hinder() {
    let mut attributes = Vec::new();
    write_attribute(0x0006, b"alice", &mut attributes);
    write_attribute(0x8022, b"a client", &mut attributes);
    write_attribute(0x8022, b"", &mut attributes);
    let answer = answer_to(&message(BINDING_REQUEST, &attributes), "192.0.2.1:32853").unwrap();
    assert_eq!(answer.len(), 32);
}

#[test]
fn all_that_is_no_sound_binding_request_is_discarded() {
    let request = message(BINDING_REQUEST, &[]);
    let mut no_cookie = request.clone();
    no_cookie[4] = 0;
    let mut longer = request.clone();
    longer.extend([0; 4]);
    let mut odd = request.clone();
    odd.extend([0; 2]);
    odd[3] = 2;
    for (what, bytes) in [
        ("nothing", vec![]),
        ("a zero", vec![0]),
        ("a cut header", request[..19].to_vec()),
        ("another cookie", no_cookie),
        ("bytes beyond the length", longer),
        ("a length that is no multiple of four", odd),
        ("an indication", message(0x0011, &[])),
        ("a success response", message(BINDING_SUCCESS, &[])),
        ("an error response", message(BINDING_ERROR, &[])),
        ("TURN Allocate", message(0x0003, &[])),
        ("half an attribute header", message(BINDING_REQUEST, &[0x80, 0x22, 0, 8])),
        ("an attribute longer than the message", message(BINDING_REQUEST, &[0x80, 0x22, 0, 5, 1, 2, 3, 4])),
        ("a message beyond any path", message(BINDING_REQUEST, &vec![0; 1264])),
    ] {
        assert_eq!(answer_to(&bytes, "192.0.2.1:32853"), None, "{what}");
    }
}

#[test]
fn an_answer_is_at_most_twice_its_request_or_the_least_allowed() {
    for source in ["192.0.2.1:32853", "[2001:db8::1]:32853"] {
        for unknown in [0_u16, 1, 2, 3, 300] {
            let mut attributes = Vec::new();
            (0..unknown).for_each(|n| write_attribute(0x4000 + n, b"", &mut attributes));
            let plain = message(BINDING_REQUEST, &attributes);
            for request in [plain.clone(), with_fingerprint(plain)] {
                let answer = answer_to(&request, source).unwrap();
                let least = if source.starts_with('[') { 44 } else { 32 };
                assert!(answer.len() <= (request.len() * 2).max(least), "{unknown} unknown attributes, {source}");
                assert_eq!(usize::from(u16::from_be_bytes([answer[2], answer[3]])), answer.len() - HEADER);
            }
        }
    }
}

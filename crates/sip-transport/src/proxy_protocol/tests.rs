use super::*;

fn v2(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let mut bytes = SIGNATURE.to_vec();
    bytes.extend([command, family]);
    bytes.extend((block.len() as u16).to_be_bytes());
    bytes.extend(block);
    bytes
}

fn told(source: &str, destination: &str) -> Option<Addresses> {
    Some(Addresses { source: source.parse().unwrap(), destination: destination.parse().unwrap() })
}

/// Reads `header` followed by SIP, whole and byte by byte: the result is the same, and comes with the last byte.
fn read_header(header: &[u8]) -> Option<Addresses> {
    for end in 0..header.len() {
        assert_eq!(read(&header[..end]), Ok(Read::NeedMore), "after {end} bytes");
    }
    let bytes = [header, b"REGISTER sip:example.com SIP/2.0\r\n"].concat();
    let Ok(Read::Header { consumed, addresses }) = read(&bytes) else { panic!("{:?}", read(&bytes)) };
    assert_eq!(consumed, header.len());
    addresses
}

#[test]
fn a_line_of_version_1_tells_both_ends() {
    assert_eq!(
        read_header(b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 5060\r\n"),
        told("192.0.2.7:56324", "198.51.100.1:5060")
    );
    assert_eq!(read_header(b"PROXY TCP6 2001:DB8::7 ::1 0 65535\r\n"), told("[2001:db8::7]:0", "[::1]:65535"));
    let longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    let line = format!("PROXY TCP6 {longest} {longest} 65535 65535\r\n");
    assert_eq!(line.len(), 104);
    assert!(read_header(line.as_bytes()).is_some());
}

#[test]
fn an_ipv4_address_written_as_ipv6_is_ipv4() {
    let ipv4 = told("192.0.2.7:1", "198.51.100.1:2");
    assert_eq!(read_header(b"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.1 1 2\r\n"), ipv4);
    let mapped = |ip: Ipv4Addr| ip.to_ipv6_mapped().octets();
    let mut block = mapped([192, 0, 2, 7].into()).to_vec();
    block.extend(mapped([198, 51, 100, 1].into()));
    block.extend([0, 1, 0, 2]);
    assert_eq!(read_header(&v2(0x21, 0x21, &block)), ipv4);
}

#[test]
fn who_is_unknown_is_the_proxy_whatever_else_the_line_says() {
    assert_eq!(read_header(b"PROXY UNKNOWN\r\n"), None);
    assert_eq!(read_header(b"PROXY UNKNOWN \xff anything 1 2 3\r\n"), None);
    let longest = [b"PROXY UNKNOWN ".as_slice(), &[b'f'; 91], b"\r\n"].concat();
    assert_eq!(longest.len(), LONGEST_LINE);
    assert_eq!(read_header(&longest), None);
}

#[test]
fn a_line_that_is_not_as_it_must_be_is_refused() {
    for line in [
        "PROXY \r\n",
        "PROXY TCP4\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY tcp4 192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY TCP4  192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1 2 \r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n",
        "PROXY TCP4 192.0.2.07 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n",
        "PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
        "PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY TCP6 2001:db8::7::1 2001:db8::1 1 2\r\n",
        "PROXY TCP6 fe80::1%eth0 2001:db8::1 1 2\r\n",
        "PROXY TCP6 [2001:db8::7] 2001:db8::1 1 2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 +1 2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 65536 2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1 2\rX",
        "PROXY TCP4\t192.0.2.7 198.51.100.1 1 2\r\n",
    ] {
        assert_eq!(read(line.as_bytes()), Err(ProxyError::Malformed), "{line:?}");
    }
}

#[test]
fn a_line_without_end_is_not_waited_for_beyond_107_bytes() {
    let line = [b"PROXY UNKNOWN ".as_slice(), &[b'f'; 200]].concat();
    assert_eq!(read(&line[..106]), Ok(Read::NeedMore));
    for end in 107..line.len() {
        assert_eq!(read(&line[..end]), Err(ProxyError::TooLong));
    }
    let end_too_late = [&line[..106], b"\r\n"].concat();
    assert_eq!(read(&end_too_late), Err(ProxyError::TooLong));
    assert_eq!(read(&end_too_late[..107]), Err(ProxyError::TooLong));
}

#[test]
fn a_header_of_version_2_tells_both_ends() {
    let ipv4 = [192, 0, 2, 7, 198, 51, 100, 1, 0xdc, 0x04, 0x13, 0xc4];
    assert_eq!(read_header(&v2(0x21, 0x11, &ipv4)), told("192.0.2.7:56324", "198.51.100.1:5060"));
    let mut ipv6 = "2001:db8::7".parse::<Ipv6Addr>().unwrap().octets().to_vec();
    ipv6.extend(Ipv6Addr::LOCALHOST.octets());
    ipv6.extend([0, 9, 0, 10]);
    assert_eq!(read_header(&v2(0x21, 0x21, &ipv6)), told("[2001:db8::7]:9", "[::1]:10"));
}

#[test]
fn what_follows_the_addresses_is_skipped() {
    let mut block = vec![192, 0, 2, 7, 198, 51, 100, 1, 0, 1, 0, 2];
    block.extend([0x02, 0, 11]);
    block.extend(b"example.com");
    block.extend([0x03, 0, 4, 1, 2, 3, 4]);
    assert_eq!(read_header(&v2(0x21, 0x11, &block)), told("192.0.2.7:1", "198.51.100.1:2"));
}

#[test]
fn a_health_check_and_what_is_no_tcp_over_ip_come_from_the_proxy() {
    assert_eq!(read_header(&v2(0x20, 0x00, &[])), None);
    // §2.2: with LOCAL the family is ignored, and so is what stands there.
    assert_eq!(read_header(&v2(0x20, 0x11, &[192, 0, 2, 7, 198, 51, 100, 1, 0, 1, 0, 2])), None);
    assert_eq!(read_header(&v2(0x20, 0xff, &[1, 2, 3])), None);
    for family in [0x00, 0x01, 0x10, 0x12, 0x22, 0x31, 0x32] {
        assert_eq!(read_header(&v2(0x21, family, &[7; 216])), None, "{family:#x}");
    }
}

#[test]
fn a_header_of_version_2_that_is_not_as_it_must_be_is_refused_at_once() {
    for byte in (0x00..=0xff).filter(|byte| !matches!(byte, 0x20 | 0x21)) {
        assert_eq!(read(&v2(byte, 0x11, &[0; 12])[..13]), Err(ProxyError::Malformed), "command {byte:#x}");
    }
    for family in [0x03, 0x13, 0x40, 0xf1] {
        assert_eq!(read(&v2(0x21, family, &[0; 12])[..14]), Err(ProxyError::Malformed), "family {family:#x}");
    }
    assert_eq!(read(&v2(0x21, 0x11, &[0; 11])), Err(ProxyError::Malformed), "no room for both ends");
    assert_eq!(read(&v2(0x21, 0x21, &[0; 35])), Err(ProxyError::Malformed), "no room for both ends");
}

#[test]
fn a_header_of_version_2_has_at_most_1460_bytes_decided_by_what_it_announces() {
    let longest = v2(0x21, 0x11, &[1; 1444]);
    assert_eq!(longest.len(), LONGEST_HEADER);
    assert!(read_header(&longest).is_some());
    assert_eq!(read(&v2(0x21, 0x11, &[1; 1445])[..FIXED]), Err(ProxyError::TooLong));
}

#[test]
fn what_is_no_header_is_refused_at_its_first_wrong_byte() {
    for bytes in [b"R".as_slice(), b"\x16", b"PA", b"PROXX", b"PROXY\t", b"p", b"\r\n\r\nR", b"\r\n\r\n\0\r\nQUIX"] {
        let (_, before) = bytes.split_last().unwrap();
        assert_eq!(read(before), Ok(Read::NeedMore), "{before:?}");
        assert_eq!(read(bytes), Err(ProxyError::NoHeader), "{bytes:?}");
    }
    assert_eq!(read(b"GET / HTTP/1.1\r\n"), Err(ProxyError::NoHeader));
}

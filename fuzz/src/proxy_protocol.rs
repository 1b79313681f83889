//! A header of the PROXY protocol is the same however it is cut, no longer than allowed, and refused for good.

use sip_transport::proxy_protocol::{ProxyError, Read, read};

/// The longest header of either version.
const LONGEST: usize = 1460;

/// The bytes are what comes first on a connection.
pub fn check(data: &[u8]) {
    let mut said: Option<Result<Read, ProxyError>> = None;
    for end in 0..=data.len() {
        let now = read(&data[..end]);
        match (&said, now) {
            (None, Ok(Read::NeedMore)) => assert!(end < LONGEST),
            (None, now) => {
                if let Ok(Read::Header { consumed, .. }) = now {
                    assert!(consumed == end && end <= LONGEST, "{consumed} of {end}");
                }
                said = Some(now);
            }
            // What follows a header changes nothing of it, and nothing mends what is wrong.
            (Some(Ok(before)), now) => assert_eq!(now, Ok(*before)),
            (Some(Err(_)), now) => assert!(now.is_err(), "{now:?}"),
        }
    }
}

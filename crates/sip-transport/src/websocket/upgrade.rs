//! The HTTP request that makes a connection a WebSocket (RFC 6455 §4.2, RFC 7118 §4), and the plain answers to others.

use std::io::Write as _;

use tungstenite::error::{CapacityError, Error, ProtocolError};
use tungstenite::handshake::machine::TryParse as _;
use tungstenite::handshake::server::{Request, Response, create_response, write_response};
use tungstenite::http::HeaderValue;

use super::{End, Rules, Step};

/// The longest request with its headers, in bytes: browsers send some hundreds, and with them the cookies of the host.
const LONGEST_HEAD: usize = 8 * 1024;
/// RFC 7118 §4.
const SUBPROTOCOL: &str = "sip";

/// Why a connection does not become a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No HTTP/1.1, or a header that is missing or malformed.
    #[error("this is not a well-formed HTTP/1.1 request")]
    Malformed,
    /// Another method than GET.
    #[error("there is nothing but GET")]
    Method,
    /// HTTP that wants to stay HTTP.
    #[error("this port is for WebSocket clients")]
    NoUpgrade,
    /// Another version of WebSocket than 13.
    #[error("the version of WebSocket is 13")]
    Version,
    /// More than 8 kB, or more than 124 headers.
    #[error("the headers are too long or too many")]
    HeadTooLong,
    /// The subprotocol is not offered.
    #[error("Sec-WebSocket-Protocol must offer \"sip\"")]
    NoSubprotocol,
    /// An Origin that is not among [`Rules::origins`], or none where there is such a list.
    #[error("this Origin is not let in")]
    Origin,
}

impl Refusal {
    /// Status code and reason phrase.
    fn status(self) -> &'static str {
        match self {
            Self::Malformed | Self::NoSubprotocol => "400 Bad Request",
            Self::Origin => "403 Forbidden",
            Self::Method => "405 Method Not Allowed",
            Self::NoUpgrade | Self::Version => "426 Upgrade Required",
            Self::HeadTooLong => "431 Request Header Fields Too Large",
        }
    }

    /// Headers that this answer must have: RFC 9110 §15.5.6 and §15.5.22, RFC 6455 §4.4.
    fn headers(self) -> &'static str {
        match self {
            Self::Method => "Allow: GET\r\nConnection: close\r\n",
            Self::NoUpgrade | Self::Version => {
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: upgrade, close\r\n"
            }
            _ => "Connection: close\r\n",
        }
    }

    /// Appends the answer.
    fn write(self, out: &mut Vec<u8>) {
        let (status, headers) = (self.status(), self.headers());
        let body = format!("SIP over WebSocket (RFC 7118): {self}.\n");
        let length = body.len();
        // Writing to memory does not fail.
        let _ = write!(
            out,
            "HTTP/1.1 {status}\r\n{headers}Content-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{body}"
        );
    }
}

/// Looks at the bytes of a connection that is no WebSocket yet. The answer, if it is time for one, is appended to `out`.
///
/// It begins anew with each call and keeps nothing: a head of 8 kB that comes byte by byte costs less than receiving it.
pub(super) fn read(bytes: &[u8], rules: &Rules, out: &mut Vec<u8>) -> Step<'static> {
    let head = bytes.get(..LONGEST_HEAD).unwrap_or(bytes);
    let answer = match Request::try_parse(head) {
        Ok(None) if head.len() < LONGEST_HEAD => return Step::NeedMore,
        Ok(None) => Err(Refusal::HeadTooLong),
        Ok(Some((consumed, request))) => accept(&request, rules).map(|response| (consumed, response)),
        Err(error) => Err(refusal(&error)),
    };
    match answer {
        Ok((consumed, response)) => {
            // Writing to memory does not fail, and all headers are ours.
            let _ = write_response(out, &response);
            Step::Upgraded { consumed }
        }
        Err(refusal) => {
            refusal.write(out);
            Step::End(End::Refused(refusal))
        }
    }
}

fn accept(request: &Request, rules: &Rules) -> Result<Response, Refusal> {
    let mut response = create_response(request).map_err(|error| refusal(&error))?;
    let headers = request.headers();
    let has_one = |name| headers.get_all(name).iter().count() == 1;
    if !has_one("host") || !has_one("sec-websocket-key") {
        return Err(Refusal::Malformed);
    }
    if let Some(origins) = &rules.origins {
        let origin = headers.get("origin").filter(|_| has_one("origin")).map(HeaderValue::as_bytes);
        if !origins.iter().any(|allowed| origin.is_some_and(|origin| origin.eq_ignore_ascii_case(allowed.as_bytes()))) {
            return Err(Refusal::Origin);
        }
    }
    let mut offered =
        headers.get_all("sec-websocket-protocol").iter().flat_map(|value| value.as_bytes().split(|&b| b == b','));
    if !offered.any(|name| name.trim_ascii() == SUBPROTOCOL.as_bytes()) {
        return Err(Refusal::NoSubprotocol);
    }
    response.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
    Ok(response)
}

fn refusal(error: &Error) -> Refusal {
    use ProtocolError as E;
    match error {
        Error::Protocol(E::WrongHttpMethod) => Refusal::Method,
        Error::Protocol(E::WrongHttpVersion | E::MissingConnectionUpgradeHeader | E::MissingUpgradeWebSocketHeader) => {
            Refusal::NoUpgrade
        }
        Error::Protocol(E::MissingSecWebSocketVersionHeader) => Refusal::Version,
        Error::Capacity(CapacityError::TooManyHeaders) => Refusal::HeadTooLong,
        _ => Refusal::Malformed,
    }
}

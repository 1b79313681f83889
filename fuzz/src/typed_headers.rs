//! What a typed header says of its value is in the value, and what is written from it is read as the same.

use sip_message::header::{
    AuthenticationInfo, CSeq, CallId, Challenge, Contact, ContactValue, ContentLength, ContentType, Credentials, Date,
    Event, Expires, FeatureCaps, FlowTimer, ListItem, MaxForwards, MinExpires, NameAddr, Params, RetryAfter,
    SingleHeader, SubscriptionState, To, Token, Via,
};
use sip_message::{Framing, HeaderId, Index, Message, ResponseWriter, TopVia, Uri};

/// Reads `data` as the value of every typed header.
pub fn check(data: &[u8]) {
    let message = [b"REGISTER sip:a SIP/2.0\r\n".as_slice(), &line("Via", data), &line("To", data), b"\r\n"].concat();
    check_answer(&message);
    check_beside(data);
    let lines: Vec<u8> = HeaderId::ALL.iter().flat_map(|id| line(id.name(), data)).collect();
    let message = [b"REGISTER sip:a SIP/2.0\r\n".as_slice(), &lines, b"\r\n"].concat();
    let mut index = Index::new();
    if let Ok(message) = index.read(&message, Framing::Datagram) {
        check_lists(&message);
        check_singles(&message);
        check_auth(&message);
    }
}

fn line(name: &str, value: &[u8]) -> Vec<u8> {
    [name.as_bytes(), b": ", value, b"\r\n"].concat()
}

/// The items of a list up to the first malformed one.
fn items<'a, H: ListItem<'a>>(message: &Message<'a>, id: HeaderId) -> impl Iterator<Item = H> {
    message.list::<H>(id).map_while(Result::ok)
}

fn check_lists(message: &Message<'_>) {
    for via in items::<Via<'_>>(message, HeaderId::Via) {
        assert!(contains(via.bytes, via.sent_by) && contains(via.bytes, via.transport));
        assert_eq!(via.branch, via.params.get("BRANCH").map(Option::unwrap_or_default));
        check_params(via.params);
    }
    for address in items::<NameAddr<'_>>(message, HeaderId::Route) {
        check_address(&address);
    }
    for contact in items::<ContactValue<'_>>(message, HeaderId::Contact) {
        if let ContactValue::Addr(contact) = contact {
            check_contact(&contact);
        }
    }
    for Token(token) in items::<Token<'_>>(message, HeaderId::Supported) {
        assert!(!token.is_empty() && token.iter().all(u8::is_ascii_graphic));
    }
    for FeatureCaps(params) in items::<FeatureCaps<'_>>(message, HeaderId::FeatureCaps) {
        check_params(params);
    }
}

fn check_params(params: Params<'_>) {
    let written: Vec<u8> = params
        .iter()
        .flat_map(|(name, value)| match value {
            Some(value) => [b";", name, b"=", value].concat(),
            None => [b";", name].concat(),
        })
        .collect();
    let without_white = |bytes: &[u8]| bytes.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect::<Vec<_>>();
    assert_eq!(without_white(&written), without_white(params.as_bytes()));
}

fn check_address(address: &NameAddr<'_>) {
    assert_eq!(Uri::parse(address.uri.as_bytes()), Ok(address.uri));
    assert_eq!(address.tag, address.params.get("tag").flatten());
    check_params(address.params);
}

/// An address whose beginning has been read is the same as one of which nothing has.
fn check_beside(value: &[u8]) {
    let Some(bracket) = value.iter().position(|&byte| byte == b'>') else { return };
    let other = &value[..=bracket];
    if let Ok(read) = NameAddr::parse(other) {
        assert_eq!(NameAddr::parse_beside(value, (other, &read)), NameAddr::parse(value));
    }
}

fn check_contact(contact: &Contact<'_>) {
    assert_eq!(Uri::parse(contact.uri.as_bytes()), Ok(contact.uri));
    assert!(contains(contact.bytes, contact.uri.as_bytes()) && contains(contact.bytes, contact.display));
    assert_eq!(contact.expires.is_some(), contact.params.get("expires").is_some());
    check_params(contact.params);
    // The registrar gives contacts back as they came.
    let alone = [b"REGISTER sip:a SIP/2.0\r\n".as_slice(), &line("m", contact.bytes), b"\r\n"].concat();
    let mut index = Index::new();
    let message = index.read(&alone, Framing::Datagram).expect("shorter than before");
    let again: Vec<_> = message.list::<ContactValue<'_>>(HeaderId::Contact).collect();
    assert!(matches!(again[..], [Ok(ContactValue::Addr(again))] if again.uri == contact.uri && again.q == contact.q));
}

fn check_singles(message: &Message<'_>) {
    if let Ok(Some(cseq)) = message.header::<CSeq<'_>>() {
        let written = [cseq.number.to_string().as_bytes(), b" ", cseq.method.name()].concat();
        assert_eq!(CSeq::parse(&written), Ok(cseq));
    }
    if let Ok(Some(date)) = message.header::<Date>() {
        assert_eq!(Date::parse(&date.to_bytes()), Ok(date));
    }
    if let Ok(Some(CallId(words))) = message.header::<CallId<'_>>() {
        assert!(words.iter().all(u8::is_ascii_graphic) && words.iter().filter(|&&byte| byte == b'@').count() <= 1);
    }
    if let Ok(Some(media)) = message.header::<ContentType<'_>>() {
        check_params(media.params);
    }
    if let Ok(Some(retry)) = message.header::<RetryAfter<'_>>() {
        assert!(retry.comment.is_empty() || (retry.comment.starts_with(b"(") && retry.comment.ends_with(b")")));
    }
    assert!(message.header::<Expires>().is_ok());
    let _ = (message.header::<MaxForwards>(), message.header::<MinExpires>(), message.header::<FlowTimer>());
    let _ = (message.header::<ContentLength>(), message.header::<Event<'_>>());
    let _ = (message.header::<SubscriptionState<'_>>(), message.header::<AuthenticationInfo<'_>>());
}

fn check_auth(message: &Message<'_>) {
    for line in message.lines(HeaderId::Authorization) {
        if let Ok(Some(digest)) = Credentials::parse(line).and_then(|credentials| credentials.digest()) {
            let named =
                |name: &str| digest.params.iter().filter(|p| p.name.eq_ignore_ascii_case(name.as_bytes())).count();
            for name in ["realm", "nonce", "uri", "response"] {
                assert_eq!(named(name), 1, "{name}");
            }
            assert_eq!(named("username") + named("username*"), 1);
        }
    }
    for line in message.lines(HeaderId::WwwAuthenticate) {
        if let Ok(Some(digest)) = Challenge::parse(line).and_then(|challenge| challenge.digest()) {
            assert!(digest.params.iter().count() >= 2);
        }
    }
}

/// An answer can be read, has our tag or theirs, and goes where we say.
fn check_answer(request: &[u8]) {
    let mut index = Index::new();
    let Ok(request) = index.read(request, Framing::Datagram) else { return };
    let Some(via) = request.top_via() else { return };
    let top = TopVia { via: &via, received: Some([192, 0, 2, 1].into()), rport: Some(5070) };
    let mut buffer = b"kept".to_vec();
    let writer = ResponseWriter::answering(&mut buffer, 65_535, request, (200, "OK"), &top, b"ours");
    if writer.finish(b"").is_err() {
        assert_eq!(buffer, b"kept");
        return;
    }
    let mut index = Index::new();
    let answer = index.read(&buffer[4..], Framing::Stream).expect("within the limit");
    if request.fault().is_some() {
        return;
    }
    assert_eq!(answer.fault(), None);
    if let (Some(Ok(asked)), Some(Ok(given))) = (first_via(&request), first_via(&answer)) {
        assert_eq!((given.branch, given.host, given.port), (asked.branch, asked.host, asked.port));
        assert_eq!(given.received_ip(), top.received);
    }
    if let (Ok(Some(To(asked))), Ok(Some(To(given)))) = (request.header::<To<'_>>(), answer.header::<To<'_>>()) {
        assert_eq!(given.uri, asked.uri);
        assert_eq!(given.tag, asked.tag.or(Some(b"ours")));
    }
}

fn first_via<'a>(message: &Message<'a>) -> Option<Result<Via<'a>, sip_message::ParseError>> {
    message.list(HeaderId::Via).next()
}

fn contains(whole: &[u8], part: &[u8]) -> bool {
    part.is_empty() || whole.windows(part.len()).any(|window| window == part)
}

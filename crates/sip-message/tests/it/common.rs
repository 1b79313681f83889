//! Reading all of a message at once.

use std::fs;
use std::path::{Path, PathBuf};

use sip_message::header::{
    AuthenticationInfo, CSeq, CallId, Challenge, ContactValue, ContentLength, ContentType, Credentials, Date, Event,
    Expires, FeatureCaps, FlowTimer, From, ListItem, MaxForwards, MinExpires, NameAddr, RetryAfter, Server,
    SingleHeader, SubscriptionState, To, Token, UserAgent, Via,
};
use sip_message::{HeaderId, Message, Uri};

/// The files of a folder of `tests/data`, by name, with their bytes.
pub(crate) fn data(folder: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder_of(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn folder_of(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder)
}

/// What of a message its typed views refuse: `Request-URI`, and names of headers.
pub(crate) fn malformed(message: &Message<'_>) -> Vec<&'static str> {
    let mut names = Vec::new();
    if message.request().is_some_and(|request| Uri::parse(request.uri).is_err()) {
        names.push("Request-URI");
    }
    let mut see = |id: HeaderId, right: bool| {
        if !right {
            names.push(id.name());
        }
    };
    lists::<Via<'_>>(message, &[HeaderId::Via], &mut see);
    single::<From<'_>>(message, &mut see);
    single::<To<'_>>(message, &mut see);
    lists::<ContactValue<'_>>(message, &[HeaderId::Contact], &mut see);
    single::<CallId<'_>>(message, &mut see);
    single::<CSeq<'_>>(message, &mut see);
    single::<Expires>(message, &mut see);
    single::<MinExpires>(message, &mut see);
    single::<MaxForwards>(message, &mut see);
    single::<ContentLength>(message, &mut see);
    single::<ContentType<'_>>(message, &mut see);
    single::<Date>(message, &mut see);
    single::<Event<'_>>(message, &mut see);
    single::<SubscriptionState<'_>>(message, &mut see);
    single::<RetryAfter<'_>>(message, &mut see);
    single::<FlowTimer>(message, &mut see);
    single::<UserAgent<'_>>(message, &mut see);
    single::<Server<'_>>(message, &mut see);
    single::<AuthenticationInfo<'_>>(message, &mut see);
    use HeaderId::{
        Allow, AllowEvents, Path, ProxyRequire, RecordRoute, Require, Route, ServiceRoute, Supported, Unsupported,
    };
    lists::<NameAddr<'_>>(message, &[Route, RecordRoute, Path, ServiceRoute], &mut see);
    lists::<Token<'_>>(message, &[Supported, Require, ProxyRequire, Unsupported, Allow, AllowEvents], &mut see);
    lists::<FeatureCaps<'_>>(message, &[HeaderId::FeatureCaps], &mut see);
    for id in [HeaderId::Authorization, HeaderId::ProxyAuthorization] {
        see(id, message.lines(id).all(|line| Credentials::parse(line).and_then(|read| read.digest()).is_ok()));
    }
    for id in [HeaderId::WwwAuthenticate, HeaderId::ProxyAuthenticate] {
        see(id, message.lines(id).all(|line| Challenge::parse(line).and_then(|read| read.digest()).is_ok()));
    }
    names
}

fn single<'a, H: SingleHeader<'a>>(message: &Message<'a>, see: &mut impl FnMut(HeaderId, bool)) {
    see(H::ID, message.header::<H>().is_ok());
}

fn lists<'a, H: ListItem<'a>>(message: &Message<'a>, ids: &[HeaderId], see: &mut impl FnMut(HeaderId, bool)) {
    for &id in ids {
        see(id, message.list::<H>(id).all(|item| item.is_ok()));
    }
}

/// Which of the headers that a request must have (RFC 3261 §8.1.1) it lacks.
pub(crate) fn missing(message: &Message<'_>) -> Vec<&'static str> {
    let demanded =
        [HeaderId::To, HeaderId::From, HeaderId::CSeq, HeaderId::CallId, HeaderId::MaxForwards, HeaderId::Via];
    demanded.into_iter().filter(|&id| message.value(id).is_none()).map(HeaderId::name).collect()
}

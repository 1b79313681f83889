//! Addresses of record: listed, shown, explained, removed.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use registrar_api as api;
use serde::Deserialize;
use sip_dispatch::{Answer, Reason};
use sip_message::Uri;
use sip_message::header::ContactValue;
use sip_registrar::auth::IpNet;
use sip_registrar::{Aor, Record, Registrar, Removal, reason};
use sip_transport::Now;

use super::App;
use super::error::Failed;
use super::stream;
use crate::convert::{self, lossy};

/// How many addresses a page has if nothing else is said, and at most.
const PAGE: u32 = 100;
const LONGEST_PAGE: u32 = 1000;

/// How many records are looked at in one go, and for one page.
pub(super) const AT_ONCE: usize = 256;
const LOOKED_AT: usize = 40 * AT_ONCE;

/// What a store says, now or later.
pub(super) async fn told<T: Send + 'static>(answer: Answer<T>) -> T {
    answer.told().await
}

pub(super) async fn list(
    State(app): State<App>,
    query: Result<Query<api::Filter>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Failed> {
    let Query(filter) = query.map_err(|error| Failed::bad("bad-query", error.body_text()))?;
    let wanted = Wanted::of(&filter, &app.registrar())?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accept.contains("application/x-ndjson") {
        let lines = Body::from_stream(stream::lines(app, wanted));
        return Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], lines).into_response());
    }
    let limit = filter.limit.unwrap_or(PAGE);
    if !(1..=LONGEST_PAGE).contains(&limit) {
        return Err(Failed::bad("bad-limit", format!("limit must be 1 to {LONGEST_PAGE}")));
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut after = filter.after.as_deref().map(cursor).transpose()?;
    let (mut aors, mut looked_at) = (Vec::new(), 0);
    loop {
        // Never more than there is room for, so that the next page begins where this one ends.
        let at_once = AT_ONCE.min(limit - aors.len());
        let page = told(app.handles.location.scan(after.as_deref(), at_once)).await?;
        let now = app.handles.clock.now();
        aors.extend(page.records.iter().filter_map(|record| wanted.take(record, now)));
        after = page.next;
        looked_at += at_once;
        if after.is_none() || aors.len() >= limit || looked_at >= LOOKED_AT {
            break;
        }
        tokio::task::yield_now().await;
    }
    let next = after.map(|after| after.iter().map(|byte| format!("{byte:02x}")).collect());
    Ok(Json(api::AorPage { aors, next }).into_response())
}

pub(super) async fn one(State(app): State<App>, Path(aor): Path<String>) -> Result<Json<api::Aor>, Failed> {
    let mut buffer = Vec::new();
    let aor = parse(&aor, &mut buffer)?;
    let now = app.handles.clock.now();
    match told(app.handles.location.lookup(&aor, now)).await? {
        Some(record) => Ok(Json(convert::aor(&app.registrar(), &record, now))),
        None => Err(nobody(&aor)),
    }
}

pub(super) async fn why(State(app): State<App>, Path(aor): Path<String>) -> Result<Json<api::Why>, Failed> {
    let mut buffer = Vec::new();
    let aor = parse(&aor, &mut buffer)?;
    let now = app.handles.clock.now();
    let record = told(app.handles.location.lookup(&aor, now)).await?;
    let bindings = record.map(|record| convert::aor(&app.registrar(), &record, now).bindings).unwrap_or_default();
    let outcomes = app.handles.history.of(&aor);
    let summary = summary(&bindings, &outcomes);
    let mut advice: Vec<api::Advice> = Vec::new();
    if bindings.iter().any(|binding| binding.state == api::BindingState::Suspect) {
        advice.push(advice_of(reason::SUSPECT));
    }
    // What went wrong before a success has been mended.
    for outcome in outcomes.iter().take_while(|outcome| !is_success(outcome)) {
        if advice.iter().all(|known| known.reason != outcome.reason) {
            advice.push(api::Advice { reason: outcome.reason.clone(), says: outcome.says.clone() });
        }
    }
    Ok(Json(api::Why { aor: lossy(aor.as_bytes()), summary, advice, bindings, outcomes }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    contact: Option<String>,
}

pub(super) async fn remove(
    State(app): State<App>,
    Path(aor): Path<String>,
    query: Result<Query<Which>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<api::Removed>, Failed> {
    let Query(which) = query.map_err(|error| Failed::bad("bad-query", error.body_text()))?;
    let mut buffer = Vec::new();
    let aor = parse(&aor, &mut buffer)?;
    let no_contact = || Failed::bad("bad-contact", "contact is no URI and no Contact value");
    let contact = which.contact.as_deref().map(str::as_bytes);
    let removal = match contact {
        None => Removal::All,
        Some(contact) => match ContactValue::parse(contact) {
            Ok(ContactValue::Addr(contact)) => Removal::Contact(contact.uri),
            _ => Removal::Contact(Uri::parse(contact).map_err(|_| no_contact())?),
        },
    };
    let now = app.handles.clock.now();
    // On its own, so that observers are told even if whoever asked has gone by then.
    let done = tokio::spawn(app.registrar().remove(&aor, removal, now).told()).await;
    let fault = |_| Failed::new(StatusCode::INTERNAL_SERVER_ERROR, "fault", "a fault in the registrar: report it");
    let done = done.map_err(fault)??;
    let live = |record: Option<&Record>| {
        let record = record.map(|record| convert::aor(&app.registrar(), record, now));
        record.map(|record| record.bindings).unwrap_or_default()
    };
    let (before, after) = (live(done.before.as_ref()), live(done.after.as_ref()));
    if before.len() == after.len() {
        return Err(nobody(&aor));
    }
    let gone = before.into_iter().filter(|binding| after.iter().all(|left| left.contact != binding.contact));
    let removed = gone.map(|binding| binding.contact).collect();
    Ok(Json(api::Removed { aor: lossy(aor.as_bytes()), removed, left: after.len() }))
}

fn parse<'b>(text: &str, buffer: &'b mut Vec<u8>) -> Result<Aor<'b>, Failed> {
    Aor::parse(text, buffer).map_err(|error| Failed::new(StatusCode::BAD_REQUEST, "bad-address", error.to_string()))
}

fn nobody(aor: &Aor<'_>) -> Failed {
    Failed::not_found("no-such-binding", format!("{aor} has no such binding: why says what is known of it"))
}

fn is_success(outcome: &api::Outcome) -> bool {
    outcome.status.is_some_and(|status| status < 400) || outcome.reason == reason::ADDED_BY_OPERATOR.code()
}

fn summary(bindings: &[api::Binding], outcomes: &[api::Outcome]) -> String {
    let reachable = bindings.iter().filter(|binding| binding.state == api::BindingState::Reachable).count();
    let last = outcomes.first();
    let refused = last.filter(|last| last.method.is_some() && !is_success(last));
    match (reachable, bindings.len(), refused, last) {
        (0, 0, Some(last), _) => format!("It cannot be reached: its last request was refused ({}).", last.reason),
        (0, 0, None, Some(last)) if last.method.is_none() => {
            format!("It cannot be reached: it has no binding any more ({}).", last.reason)
        }
        (0, 0, None, Some(last)) => {
            format!("It cannot be reached: it has no binding. Its last request ended with {}.", last.reason)
        }
        (0, 0, None, None) => {
            "It cannot be reached: it has no binding, and nothing came for it as far back as is known.".to_owned()
        }
        (0, ..) => "It cannot be reached: its connection has ended, and its phone is not back yet.".to_owned(),
        (n, all, refused, _) => {
            let by = if n == 1 { "one binding".to_owned() } else { format!("{n} bindings") };
            let others = if n < all { format!(", and {} that are suspect", all - n) } else { String::new() };
            let but = refused.map(|last| format!(" Its last request was refused ({}).", last.reason));
            format!("It can be reached, by {by}{others}.{}", but.unwrap_or_default())
        }
    }
}

fn advice_of(reason: Reason) -> api::Advice {
    api::Advice { reason: reason.code().to_owned(), says: reason.says().to_owned() }
}

fn cursor(text: &str) -> Result<Vec<u8>, Failed> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2));
    let bytes = digits.map(|digits| {
        digits
            .chunks_exact(2)
            .filter_map(|pair| u8::try_from(pair.iter().fold(0, |sum, digit| sum * 16 + digit)).ok())
            .collect()
    });
    bytes.ok_or_else(|| Failed::bad("bad-after", "after is what an earlier page gave as next"))
}

/// A filter that has been read.
pub(super) struct Wanted {
    filter: api::Filter,
    source: Option<IpNet>,
    registrar: Registrar,
}

impl Wanted {
    fn of(filter: &api::Filter, registrar: &Registrar) -> Result<Self, Failed> {
        let network = |text: &String| {
            let alone = text.parse::<std::net::IpAddr>().map(IpNet::from);
            let network = alone.or_else(|_| text.parse::<IpNet>());
            network.map_err(|_| Failed::bad("bad-source", "source is an IP address, or a network such as 192.0.2.0/24"))
        };
        let known = sip_transport::Transport::ALL.map(sip_transport::Transport::scheme);
        if filter.transport.as_deref().is_some_and(|transport| !known.contains(&transport)) {
            return Err(Failed::bad("bad-transport", format!("the transports are {}", known.join(", "))));
        }
        let source = filter.source.as_ref().map(network).transpose()?;
        Ok(Self { filter: filter.clone(), source, registrar: registrar.clone() })
    }

    /// The address, if it fits: one of its bindings does, in everything that is said of bindings.
    pub(super) fn take(&self, record: &Record, now: Now) -> Option<api::Aor> {
        let address = record.aor().to_string();
        let (user, domain) = address.rsplit_once('@').unwrap_or(("", &address));
        let user = user.strip_prefix("sip:").unwrap_or(user);
        let is_part = |part: &Option<String>, of: &str| part.as_ref().is_none_or(|part| of.contains(part.as_str()));
        let is_domain = self.filter.domain.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(domain));
        if !is_domain || !is_part(&self.filter.user, user) {
            return None;
        }
        let fits = record.live(now.at).any(|binding| {
            let transport = self.filter.transport.as_ref();
            self.source.is_none_or(|network| network.contains(&binding.source.ip().to_canonical()))
                && transport.is_none_or(|transport| transport == binding.transport.scheme())
                && is_part(&self.filter.contact, &lossy(binding.contact))
                && is_part(&self.filter.user_agent, &lossy(binding.user_agent))
        });
        fits.then(|| convert::aor(&self.registrar, record, now))
    }
}

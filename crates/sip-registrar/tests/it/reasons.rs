//! Every outcome has its reason code (architecture, invariant 12).

use std::sync::Arc;

use sip_dispatch::{Answer, Share};
use sip_message::HeaderId;
use sip_registrar::location::TableConfig;
use sip_registrar::{
    Aor, LocationService, MemoryLocation, Page, Plan, Record, RegisterError, Registered, Removal, StoreError, reason,
};
use sip_transport::{Flow, Now, Timestamp};

use crate::harness::{Server, builder, register};

#[test]
fn codes_are_unique_and_of_one_form() {
    for (at, one) in reason::ALL.iter().enumerate() {
        assert!(one.code().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", one.code());
        assert!(one.says().ends_with('.'), "{}", one.says());
        let others = reason::ALL[..at].iter().chain(sip_dispatch::reason::ALL);
        assert!(others.into_iter().all(|other| other != one), "{} stands twice", one.code());
    }
}

#[path = "../../examples/reasons/page.rs"]
mod page;

#[test]
fn the_page_of_reasons_is_what_the_tables_say() {
    let written = include_str!("../../../../docs/reasons.md");
    assert!(written == page::page(), "docs/reasons.md is not current: cargo xtask reasons writes it");
}

#[test]
fn a_full_table_is_answered_503_and_lets_what_is_there_go_on() {
    let location = MemoryLocation::new(TableConfig { max_bindings: 1, ..TableConfig::default() });
    let mut server = Server::new(builder().location(Arc::new(location)));
    server.registers(&register("a").contact("<sip:a@h>").expires("60"));
    let response = server.send(&register("b").contact("<sip:b@h>"));
    assert_eq!((response.status().as_str(), server.reason()), ("503 Location Table Full", "table-full"));
    assert_eq!(response.lines(HeaderId::RetryAfter), ["60"]);
    assert_eq!(server.registers(&register("a").cseq(2).contact("<sip:a@h>").expires("60")).len(), 1);
    assert!(server.registers(&register("a").cseq(3).contact("<sip:a@h>").expires("0")).is_empty());
    assert_eq!(server.registers(&register("b").contact("<sip:b@h>")).len(), 1);
}

/// A store that fails.
struct Broken(StoreError);

impl LocationService for Broken {
    fn register(&self, _: &Aor<'_>, _: &Plan<'_>, _: Now) -> Answer<Result<Registered, RegisterError>> {
        Answer::Now(Err(self.0.into()))
    }
    fn lookup(&self, _: &Aor<'_>, _: Now) -> Answer<Result<Option<Record>, StoreError>> {
        Answer::Now(Err(self.0))
    }
    fn remove(&self, _: &Aor<'_>, _: Removal<'_>, _: Now) -> Answer<Result<Registered, StoreError>> {
        Answer::Now(Err(self.0))
    }
    fn flow_lost(&self, _: &Aor<'_>, _: Flow, _: Timestamp, _: Now) -> Answer<Result<Registered, StoreError>> {
        Answer::Now(Err(self.0))
    }
    fn scan(&self, _: Option<&[u8]>, _: usize) -> Answer<Result<Page, StoreError>> {
        Answer::Now(Err(self.0))
    }
    fn sweep(&self, _: Now, _: Share, _: usize, _: &mut dyn FnMut(&Record, Option<&Record>)) -> usize {
        0
    }
}

#[test]
fn a_store_that_fails_is_answered_with_a_5xx() {
    for (error, status, retry_after) in [
        (StoreError::Unavailable, "503 Service Unavailable", Some("10")),
        (StoreError::Damaged, "500 Server Internal Error", None),
    ] {
        let mut server = Server::new(builder().location(Arc::new(Broken(error))));
        for request in [register("a").contact("<sip:a@h>"), register("a").line("INVITE sip:alice@example.com SIP/2.0")]
        {
            let response = server.send(&request);
            assert_eq!((response.status().as_str(), server.reason()), (status, "store-unavailable"));
            assert_eq!(response.lines(HeaderId::RetryAfter), Vec::from_iter(retry_after));
        }
    }
}

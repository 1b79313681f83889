//! How many bindings there are, of which domain and over which transport.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::RwLock;
use sip_dispatch::{Answer, Reason};
use sip_registrar::{Aor, LocationService, Observer, Record};
use sip_transport::{Now, Transport};

use super::meters::column;
use super::text::{Kind, Text};

/// Domains that are counted by their names. Those that come later count together: a stranger may name any.
const DOMAINS: usize = 1000;

/// Records that are looked at together.
const PAGE: usize = 1000;

/// Kept up to date by every change.
#[derive(Debug, Default)]
pub(super) struct Population {
    domains: RwLock<HashMap<Box<[u8]>, Arc<Counts>>>,
    other: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    addresses: AtomicU64,
    bindings: [AtomicU64; Transport::ALL.len()],
}

/// How many bindings a record has, by transport.
type Tally = [u64; Transport::ALL.len()];

impl Population {
    pub(super) fn seed(&self, location: &dyn LocationService) {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let Answer::Now(Ok(page)) = location.scan(after.as_deref(), PAGE) else { return };
            for record in &page.records {
                self.change(&record.aor(), Tally::default(), tally(Some(record)));
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return,
            }
        }
    }

    pub(super) fn write(&self, text: &mut Text) {
        let mut all: Vec<(String, Arc<Counts>)> = {
            let domains = self.domains.read();
            let all = domains.iter();
            all.map(|(name, counts)| (String::from_utf8_lossy(name).into_owned(), Arc::clone(counts))).collect()
        };
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        text.family("registrar_aors", Kind::Gauge, "Addresses of record with bindings, by domain.");
        for (name, counts) in &all {
            text.line("registrar_aors", &[("domain", name)], counts.addresses.load(Relaxed));
        }
        text.line("registrar_aors", &[("domain", "")], self.other.addresses.load(Relaxed));
        text.family(
            "registrar_bindings",
            Kind::Gauge,
            "Bindings by domain and transport; without a domain: of others.",
        );
        for (name, counts) in &all {
            counts.write(name, text);
        }
        self.other.write("", text);
    }

    fn change(&self, aor: &Aor<'_>, before: Tally, after: Tally) {
        if before == after {
            return;
        }
        let domain = domain_of(aor.as_bytes());
        let known = self.domains.read().get(domain).cloned();
        match known.or_else(|| self.enter(domain)) {
            Some(counts) => counts.change(before, after),
            None => self.other.change(before, after),
        }
    }

    /// Counts a domain by its name from now on, if there is room.
    fn enter(&self, domain: &[u8]) -> Option<Arc<Counts>> {
        let mut domains = self.domains.write();
        if domains.len() >= DOMAINS && !domains.contains_key(domain) {
            return None;
        }
        Some(Arc::clone(domains.entry(domain.into()).or_default()))
    }
}

impl Observer for Population {
    fn changed(&self, aor: &Aor<'_>, before: Option<&Record>, after: Option<&Record>, _why: Reason, _now: Now) {
        self.change(aor, tally(before), tally(after));
    }
}

impl Counts {
    /// The order of two changes of one address does not matter: the sum is the same.
    fn change(&self, before: Tally, after: Tally) {
        let is_there = |tally: Tally| u64::from(tally.iter().any(|&n| n > 0));
        add(&self.addresses, is_there(before), is_there(after));
        for ((count, before), after) in self.bindings.iter().zip(before).zip(after) {
            add(count, before, after);
        }
    }

    fn write(&self, domain: &str, text: &mut Text) {
        for (transport, count) in Transport::ALL.iter().zip(&self.bindings) {
            let labels = [("domain", domain), ("transport", transport.scheme())];
            text.line("registrar_bindings", &labels, count.load(Relaxed));
        }
    }
}

/// Wraps, so that what is taken away before it came is right in the end.
fn add(count: &AtomicU64, before: u64, after: u64) {
    if before != after {
        count.fetch_add(after.wrapping_sub(before), Relaxed);
    }
}

fn tally(record: Option<&Record>) -> Tally {
    let mut tally = Tally::default();
    for transport in record.into_iter().flat_map(Record::transports) {
        if let Some(count) = tally.get_mut(column(transport)) {
            *count += 1;
        }
    }
    tally
}

/// What stands behind the user; without one, behind the scheme.
fn domain_of(aor: &[u8]) -> &[u8] {
    match aor.iter().rposition(|&byte| byte == b'@').or_else(|| aor.iter().position(|&byte| byte == b':')) {
        Some(at) => aor.get(at + 1..).unwrap_or_default(),
        None => aor,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_behind_the_user_is_the_domain() {
        assert_eq!(domain_of(b"sip:alice@example.com"), b"example.com");
        assert_eq!(domain_of(b"sip:example.com"), b"example.com");
    }

    #[test]
    fn domains_come_and_go_and_those_beyond_the_limit_count_together() {
        let population = Population::default();
        let (none, one) = (Tally::default(), [1, 0, 0, 0, 0]);
        for domain in 0..=DOMAINS {
            let aor = format!("sip:u@d{domain}");
            population.change(&Aor::from_canonical(aor.as_bytes()), none, one);
        }
        population.change(&Aor::from_canonical(b"sip:u@d0"), one, [0, 2, 0, 0, 0]);
        population.change(&Aor::from_canonical(b"sip:u@d1"), one, none);
        let mut text = Text::default();
        population.write(&mut text);
        let lines = text.done();
        for line in [
            "registrar_aors{domain=\"d0\"} 1\n",
            "registrar_aors{domain=\"d1\"} 0\n",
            "registrar_aors{domain=\"\"} 1\n",
            "registrar_bindings{domain=\"d0\",transport=\"udp\"} 0\n",
            "registrar_bindings{domain=\"d0\",transport=\"tcp\"} 2\n",
            "registrar_bindings{domain=\"\",transport=\"udp\"} 1\n",
        ] {
            assert!(lines.contains(line), "{line} is missing");
        }
    }
}

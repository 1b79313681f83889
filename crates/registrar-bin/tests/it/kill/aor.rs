//! An address of record, as one knows it who makes all its changes.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::phone::Sum;
use crate::dice::Dice;
use crate::harness::{Request, Response};

const CONTACTS: u64 = 4;
/// Seconds; no binding expires while a test runs.
const EXPIRES: u32 = 3000;

/// The CSeq of the request that put it there, by contact.
type Bindings = BTreeMap<u64, u32>;

#[derive(Debug)]
pub(crate) struct Aor {
    name: String,
    call_id: String,
    /// When the request with each CSeq was sent; the first is CSeq 0, which was never sent.
    sent: Vec<Instant>,
    /// What was answered since the registrar started, and when; at first, what it had then.
    answered: Vec<(Instant, Bindings)>,
    /// What will be if the request on its way arrives.
    open: Option<Bindings>,
}

/// What the registrar says it has.
#[derive(Debug)]
pub(crate) struct Found {
    bindings: Bindings,
    /// Seconds until each contact expires.
    left: BTreeMap<u64, u32>,
}

impl Found {
    pub(crate) fn read(response: &Response) -> Self {
        let (mut bindings, mut left) = (Bindings::new(), BTreeMap::new());
        for contact in response.contacts() {
            // `<sip:3@127.0.0.1:7777>;v=17;expires=2999`
            let number = |before: &str| -> u32 {
                let (_, rest) = contact.split_once(before).unwrap();
                rest.split(['@', ';']).next().unwrap().parse().unwrap()
            };
            let name = u64::from(number("<sip:"));
            assert_eq!(bindings.insert(name, number(";v=")), None, "twice: {contact}");
            left.insert(name, number(";expires="));
        }
        Self { bindings, left }
    }
}

impl Aor {
    pub(crate) fn new(name: &str) -> Self {
        let now = Instant::now();
        let (name, call_id) = (name.to_owned(), format!("changes-{name}"));
        Self { name, call_id, sent: vec![now], answered: vec![(now, Bindings::new())], open: None }
    }

    pub(crate) fn question(&self) -> Request {
        Request::register(&format!("sip:{}", self.name))
    }

    /// The next change; none while one is on its way.
    pub(crate) fn change(&mut self, dice: &mut Dice) -> Option<Request> {
        if self.open.is_some() {
            return None;
        }
        let cseq = u32::try_from(self.sent.len()).unwrap();
        let (_, now) = self.answered.last().unwrap();
        let mut then = now.clone();
        let one = dice.roll(0..CONTACTS);
        let other = (one + 1) % CONTACTS;
        let mut request = Request { call_id: self.call_id.clone(), cseq, ..self.question() };
        let uri = |contact| format!("<sip:{contact}@127.0.0.1:7777>");
        match dice.roll(0..10) {
            0 => {
                then.clear();
                request = request.contact("*").expires(0);
            }
            // One comes or is renewed and the other goes, together.
            1..4 => {
                then.insert(one, cseq);
                then.remove(&other);
                let going = format!("{};expires=0", uri(other));
                request = request.contact(&format!("{};v={cseq}", uri(one))).contact(&going).expires(EXPIRES);
            }
            roll => {
                let both = [one, other];
                for contact in both.into_iter().take(if roll < 7 { 2 } else { 1 }) {
                    then.insert(contact, cseq);
                    request = request.contact(&format!("{};v={cseq}", uri(contact)));
                }
                request = request.expires(EXPIRES);
            }
        }
        self.sent.push(Instant::now());
        self.open = Some(then);
        Some(request)
    }

    pub(crate) fn is_answered(&mut self, response: &Response) {
        let open = self.open.take().unwrap();
        let cseq = self.sent.len() - 1;
        assert!(response.header("CSeq").starts_with(&format!("{cseq} ")), "{}", response.text());
        assert_eq!(Found::read(response).bindings, open, "{}: {}", self.name, response.text());
        self.answered.push((Instant::now(), open));
    }

    /// Compares what is found after a start with what may be, and takes it as the truth from now on.
    pub(crate) fn is_found(&mut self, found: &Found, died: Option<Instant>, may_lose: Duration, sum: &mut Sum) {
        // How long before the end each state was known to be kept.
        let age = |at: Instant| died.map_or(Duration::ZERO, |died| died.saturating_duration_since(at));
        let newest = self.answered.len() - 1;
        if self.open.as_ref() == Some(&found.bindings) && self.answered[newest].1 != found.bindings {
            sum.unanswered += 1;
        } else {
            let at = self.answered.iter().rposition(|(_, bindings)| *bindings == found.bindings);
            let at = at.unwrap_or_else(|| panic!("{found:?} was never so: {self:#?}"));
            if let Some((first_lost, _)) = self.answered.get(at + 1) {
                let oldest = age(*first_lost);
                assert!(
                    oldest <= may_lose && may_lose > Duration::ZERO,
                    "answered {oldest:?} before and lost: {found:?} {self:#?}"
                );
                sum.lost += newest - at;
                sum.oldest = sum.oldest.max(oldest);
            }
        }
        for (contact, left) in &found.left {
            let sent = self.sent[usize::try_from(found.bindings[contact]).unwrap()];
            assert!(expected(sent).contains(left), "{contact} expires in {left} s: {self:#?}");
        }
        self.answered = vec![(Instant::now(), found.bindings.clone())];
        self.open = None;
    }
}

/// How many seconds a binding has left that was asked for at `sent`: neither more nor less for any start in between. A
/// second for the answer to that request, which may have been late, and one for rounding.
fn expected(sent: Instant) -> RangeInclusive<u32> {
    let passed = u32::try_from(sent.elapsed().as_secs()).unwrap();
    EXPIRES - passed - 2..=EXPIRES - passed + 1
}

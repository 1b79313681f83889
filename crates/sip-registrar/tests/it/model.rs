//! A registrar does what a naive reading of RFC 3261 §10.3 and RFC 5626 §7 does, whatever comes in whatever order.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use sip_registrar::location::TableConfig;
use sip_registrar::{Aor, Eviction, MemoryLocation, Registrar};
use sip_transport::{Flow, FlowEvent, Transport};

use crate::harness::{Server, local_peer, register};

const USERS: [&str; 2] = ["alice", "bob"];
const URIS: [&str; 6] =
    ["sip:a@h.invalid", "sip:%61@H.invalid", "sip:a@h.invalid;x=1", "sip:a@h.invalid;x=2", "sip:b@h.invalid", "tel:+1"];
const INSTANCES: [&str; 2] = ["<urn:x:1>", "<urn:x:2>"];
const MIN: u32 = 30;
const MAX: u32 = 300;
const MAX_CONTACTS: usize = 3;
const GRACE: u64 = 5;

/// RFC 3261 §19.1.4, for the URIs above: the first is equivalent to the next three, the last two of which differ.
fn equivalent(a: usize, b: usize) -> bool {
    a == b || (a < 4 && b < 4 && (a, b) != (2, 3) && (a, b) != (3, 2))
}

#[derive(Clone, Debug)]
struct Contact {
    uri: usize,
    instance: Option<usize>,
    reg_id: Option<u32>,
    q: Option<u16>,
    expires: Option<u32>,
}

#[derive(Clone, Debug)]
enum Step {
    Register {
        user: usize,
        call_id: usize,
        cseq: u32,
        contacts: Vec<Contact>,
        expires: Option<u32>,
    },
    Star {
        user: usize,
        call_id: usize,
        cseq: u32,
        expires: Option<u32>,
    },
    /// What comes next comes over a new connection with this number, or as datagrams.
    Connect(Option<u32>),
    /// The connection with this number ends, if it is there.
    Cut(u32),
    Pass(u64),
    Sweep,
}

impl Contact {
    fn text(&self) -> String {
        let Self { uri, instance, reg_id, q, .. } = self;
        let instance = instance.map_or(String::new(), |at| format!(";+sip.instance=\"{}\"", INSTANCES[at]));
        let reg_id = reg_id.map_or(String::new(), |id| format!(";reg-id={id}"));
        let q = q.map_or(String::new(), |q| format!(";q=0.{q}"));
        format!("<{}>{q}{instance}{reg_id}", URIS[*uri])
    }

    /// §5626 and the house: reg-id on either side, an instance on both, else the URI.
    fn is_same(&self, other: &Self) -> bool {
        let reg_id = |contact: &Self| contact.reg_id.filter(|_| contact.instance.is_some());
        if reg_id(self).is_some() || reg_id(other).is_some() {
            return reg_id(self) == reg_id(other) && self.instance == other.instance;
        }
        if self.instance.is_some() && other.instance.is_some() {
            return self.instance == other.instance;
        }
        equivalent(self.uri, other.uri)
    }
}

#[derive(Clone, Debug)]
struct Stored {
    contact: Contact,
    expires_at: u64,
    call_id: usize,
    cseq: u32,
    /// The connection it lives by: its number, and how many had it before.
    flow: Option<(u32, u32)>,
    is_suspect: bool,
}

/// The bindings of each user.
#[derive(Default)]
struct Model {
    users: BTreeMap<usize, Vec<Stored>>,
    now: u64,
    eviction: Eviction,
    /// By which way requests come.
    way: Option<(u32, u32)>,
}

impl Model {
    fn live(&self, user: usize) -> Vec<Stored> {
        let all = self.users.get(&user).cloned().unwrap_or_default();
        all.into_iter().filter(|stored| stored.expires_at > self.now).collect()
    }

    fn reachable(&self, user: usize) -> Vec<Stored> {
        self.live(user).into_iter().filter(|stored| !stored.is_suspect).collect()
    }

    /// A connection ends.
    fn cut(&mut self, flow: (u32, u32)) {
        for stored in self.users.values_mut().flatten() {
            if stored.flow == Some(flow) && !stored.is_suspect && stored.expires_at > self.now {
                stored.is_suspect = true;
                stored.expires_at = stored.expires_at.min(self.now + GRACE);
            }
        }
    }

    /// Gives the code of the answer.
    fn star(&mut self, user: usize, call_id: usize, cseq: u32, expires: Option<u32>) -> u16 {
        if expires != Some(0) {
            return 400;
        }
        if self.live(user).iter().any(|stored| stored.call_id == call_id && stored.cseq >= cseq) {
            return 500;
        }
        self.users.remove(&user);
        200
    }

    /// Gives the code of the answer.
    fn register(
        &mut self,
        user: usize,
        call_id: usize,
        cseq: u32,
        contacts: &[Contact],
        header: Option<u32>,
    ) -> Vec<u16> {
        let wanted = |contact: &Contact| contact.expires.or(header).unwrap_or(MAX);
        let stays = |contact: &Contact| wanted(contact) > 0;
        let mut refusals = Vec::new();
        if contacts.iter().any(|contact| (1..MIN).contains(&wanted(contact))) {
            refusals.push(423);
        }
        if contacts.iter().filter(|contact| stays(contact)).count() > MAX_CONTACTS {
            refusals.push(403);
        }
        for (at, a) in contacts.iter().enumerate() {
            for b in &contacts[..at] {
                let both_stay = stays(a) && stays(b);
                let one_stays = stays(a) != stays(b) && equivalent(a.uri, b.uri);
                if (both_stay || one_stays) && a.is_same(b) {
                    refusals.push(400);
                }
            }
        }
        if !refusals.is_empty() {
            return refusals;
        }

        let stored = self.live(user);
        let claim = |stored: &Stored| {
            let same = |contact: &&Contact| contact.is_same(&stored.contact);
            contacts.iter().filter(|c| stays(c)).find(same).or(contacts.iter().filter(|c| !stays(c)).find(same))
        };
        let is_old = |stored: &Stored| claim(stored).is_some() && stored.call_id == call_id && stored.cseq >= cseq;
        let is_repeat = |stored: &Stored| {
            stored.cseq == cseq
                && claim(stored).is_some_and(|contact| stays(contact) && contact.text() == stored.contact.text())
        };
        let new = |contact: &&Contact| {
            stays(contact) && !stored.iter().any(|s| claim(s).is_some_and(|c| std::ptr::eq(c, *contact)))
        };
        if stored.iter().any(is_old) {
            let all_repeat = stored.iter().filter(|stored| claim(stored).is_some()).all(|s| is_old(s) && is_repeat(s));
            if !all_repeat || contacts.iter().any(|contact| new(&contact)) {
                return vec![500];
            }
            let is_elsewhere = |stored: &Stored| self.way.is_some() && self.way != stored.flow;
            if !stored.iter().any(|s| claim(s).is_some() && (s.is_suspect || is_elsewhere(s))) {
                return vec![200];
            }
            // What is where it was stays as it is; the rest goes on below.
        }

        let fresh = |contact: &Contact| Stored {
            contact: contact.clone(),
            expires_at: self.now + u64::from(wanted(contact).min(MAX)),
            call_id,
            cseq,
            flow: self.way,
            is_suspect: false,
        };
        let stays_put =
            |stored: &Stored| is_old(stored) && !stored.is_suspect && (self.way.is_none() || self.way == stored.flow);
        let mut next: Vec<(bool, Stored)> = Vec::new();
        let mut used: Vec<*const Contact> = Vec::new();
        for stored in &stored {
            match claim(stored) {
                None => next.push((false, stored.clone())),
                Some(_) if stays_put(stored) => next.push((true, stored.clone())),
                Some(contact) if stays(contact) && !used.contains(&std::ptr::from_ref(contact)) => {
                    used.push(contact);
                    next.push((true, fresh(contact)));
                }
                Some(_) => {}
            }
        }
        let added: Vec<_> = contacts.iter().filter(new).map(|contact| (true, fresh(contact))).collect();
        let adds = !added.is_empty();
        next.extend(added);
        while adds && next.len() > MAX_CONTACTS {
            let others = next.iter().enumerate().filter(|(_, (own, _))| !own);
            let first = others.min_by_key(|(at, (_, stored))| (!stored.is_suspect, stored.expires_at, *at));
            let Some((at, (_, stored))) = first else {
                return vec![403];
            };
            if self.eviction == Eviction::Refuse && !stored.is_suspect {
                return vec![403];
            }
            next.remove(at);
        }
        self.users.insert(user, next.into_iter().map(|(_, stored)| stored).collect());
        vec![200]
    }
}

fn contact() -> impl Strategy<Value = Contact> {
    let expires =
        option::weighted(0.7, prop_oneof![3 => Just(0u32), 1 => Just(10), 4 => 30u32..200, 1 => Just(100_000)]);
    let reg_id = option::weighted(0.3, 1u32..3);
    let instance = option::weighted(0.3, 0..INSTANCES.len());
    (0..URIS.len(), instance, reg_id, option::weighted(0.2, 1u16..3), expires)
        .prop_map(|(uri, instance, reg_id, q, expires)| Contact { uri, instance, reg_id, q, expires })
}

fn step() -> impl Strategy<Value = Step> {
    let who = || (prop_oneof![3 => Just(0usize), 1 => Just(1)], 0usize..2, 1u32..9);
    let header = || option::weighted(0.5, prop_oneof![2 => Just(0u32), 6 => 30u32..200]);
    prop_oneof![
        12 => (who(), vec(contact(), 0..4), header()).prop_map(|((user, call_id, cseq), contacts, expires)| {
            Step::Register { user, call_id, cseq, contacts, expires }
        }),
        1 => (who(), header()).prop_map(|((user, call_id, cseq), expires)| Step::Star { user, call_id, cseq, expires }),
        4 => prop_oneof![0u64..100, 0u64..7].prop_map(Step::Pass),
        3 => option::weighted(0.8, 0u32..2).prop_map(Step::Connect),
        3 => (0u32..2).prop_map(Step::Cut),
        2 => Just(Step::Sweep),
    ]
}

fn check(steps: &[Step], eviction: Eviction) {
    let location = MemoryLocation::new(TableConfig { shards: 1, ..TableConfig::default() });
    let registrar = Registrar::builder().min_expires(MIN).max_expires(MAX).jitter(0);
    let registrar = registrar.max_contacts(MAX_CONTACTS).eviction(eviction).location(Arc::new(location));
    let mut server = Server::new(registrar);
    let mut model = Model { eviction, ..Model::default() };
    let start = server.now.at;
    // How many connections each number has had, and whether the last is there.
    let mut connections = [(0u32, false); 2];
    for step in steps {
        let (call_id, user, request, expected) = match step.clone() {
            Step::Pass(seconds) => {
                model.now += seconds;
                server.pass(seconds);
                continue;
            }
            Step::Connect(None) => {
                model.way = None;
                server.peer = local_peer();
                continue;
            }
            Step::Connect(Some(slot)) => {
                let (count, is_open) = &mut connections[slot as usize];
                if !std::mem::replace(is_open, true) {
                    *count += 1;
                }
                model.way = Some((slot, *count));
                server.connect(Transport::Tcp, Flow { worker: 0, slot, generation: *count });
                continue;
            }
            Step::Cut(slot) => {
                let (count, is_open) = &mut connections[slot as usize];
                if std::mem::replace(is_open, false) {
                    server.flow(Flow { worker: 0, slot, generation: *count }, FlowEvent::Closed);
                    model.cut((slot, *count));
                }
                // What comes over it all the same, nobody would read the answer of.
                if model.way == Some((slot, *count)) {
                    model.way = None;
                    server.peer = local_peer();
                }
                continue;
            }
            Step::Sweep => {
                server.tick();
                server.registrar.expire(server.now);
                continue;
            }
            Step::Register { user, call_id, cseq, contacts, expires } => {
                let mut request = register(&call_id.to_string()).cseq(cseq);
                for contact in &contacts {
                    let expires = contact.expires.map_or(String::new(), |expires| format!(";expires={expires}"));
                    request = request.contact(&format!("{}{expires}", contact.text()));
                }
                if let Some(expires) = expires {
                    request = request.expires(&expires.to_string());
                }
                let expected = if contacts.is_empty() {
                    vec![200]
                } else {
                    model.register(user, call_id, cseq, &contacts, expires)
                };
                (call_id, user, request, expected)
            }
            Step::Star { user, call_id, cseq, expires } => {
                let mut request = register(&call_id.to_string()).cseq(cseq).contact("*");
                if let Some(expires) = expires {
                    request = request.expires(&expires.to_string());
                }
                (call_id, user, request, vec![model.star(user, call_id, cseq, expires)])
            }
        };
        let request = request.to(&format!("<sip:{}@example.com>", USERS[user]));
        let response = server.send(&request);
        assert!(expected.contains(&response.code()), "{step:?}: {expected:?} expected\n{response:?}");
        if response.code() == 200 {
            let told = response.contacts().len();
            assert_eq!(told, model.reachable(user).len(), "{step:?} {call_id}: {response:?}");
        }

        for (user, name) in USERS.iter().enumerate() {
            let mut buffer = Vec::new();
            let aor = Aor::parse(&format!("{name}@example.com"), &mut buffer).unwrap();
            let record = server.record_of(&aor);
            let found: Vec<_> = record
                .iter()
                .flat_map(|record| record.live(server.now.at))
                .map(|b| {
                    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                    (text(b.contact), text(b.call_id), b.cseq, b.expires_at.millis_since(start) / 1000)
                })
                .collect();
            let expected: Vec<_> = model
                .reachable(user)
                .iter()
                .map(|s| (s.contact.text(), s.call_id.to_string(), s.cseq, s.expires_at))
                .collect();
            assert_eq!(found, expected, "{name} after {step:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn bindings_are_those_of_the_model(steps in vec(step(), 1..40), refuse: bool) {
        check(&steps, if refuse { Eviction::Refuse } else { Eviction::SoonestToExpire });
    }
}

//! What a registrar does for each request, from the bytes of a datagram to those of its answer, and its two parts that
//! every store uses: the decision and the codec.
#![expect(clippy::unwrap_used, reason = "a bench may fail by panicking")]

mod served;

use std::hash::RandomState;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use served::{START, Served, peer};
use sip_dispatch::Link;
use sip_dispatch::links::{Fallback, Sanity};
use sip_message::{Framing, Index};
use sip_registrar::{Aor, FlowRules, Limits, Plan, Record, RegisterRequest, Registrar, decide};
use sip_transport::Now;

fn request(user: u32, cseq: u32, contact: &str) -> String {
    format!(
        "REGISTER sip:example.com SIP/2.0\r\n\
         Via: SIP/2.0/UDP 127.0.0.1:40000;rport;branch=z9hG4bKPjf795e753-80a5-41ba-{user}-{cseq}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:{user}@example.com>;tag=df556cad-30b2-4e22-b1f4-6c56166289d1\r\n\
         To: <sip:{user}@example.com>\r\nCall-ID: 28fa7e35-3d75-4100-af2b-4b47423d3939\r\nCSeq: {cseq} REGISTER\r\n\
         User-Agent: PJSUA/v2.17-dev Linux-6.1 x86_64 glibc-2.36\r\nSupported: outbound, path\r\n{contact}\
         Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

const CONTACT: &str = "Contact: <sip:alice@127.0.0.1:40000;ob>\r\nExpires: 120\r\n";

fn served() -> Served {
    let registrar = Registrar::builder().domains(["example.com"]).build().unwrap();
    Served::by([
        Link::from(Sanity { supported: Some(&["path"]), ..Sanity::default() }),
        registrar.into(),
        Fallback { allow: &["REGISTER"] }.into(),
    ])
}

fn answer(served: &mut Served, bytes: &str) {
    served.hand_in(bytes);
    served.send();
}

/// Requests that are not each other's repetitions; they are written outside of what is timed.
fn requests(c: &mut Criterion) {
    let mut group = c.benchmark_group("request");
    group.throughput(Throughput::Elements(1));
    for (name, contact, is_refresh) in [("refresh", CONTACT, true), ("new", CONTACT, false), ("query", "", true)] {
        let mut served = served();
        let mut n = 0;
        answer(&mut served, &request(0, 1, CONTACT));
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || {
                    n += 1;
                    if is_refresh { request(0, n + 1, contact) } else { request(n, 1, contact) }
                },
                |text| answer(&mut served, text),
                criterion::BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn parts(c: &mut Criterion) {
    let (mut index, mut text, mut again) = (Index::new(), Vec::new(), Index::new());
    let (first, second) = (request(0, 1, CONTACT), request(0, 2, CONTACT));
    let (keys, now, aor) = (RandomState::new(), Now::from_millis(START), Aor::from_canonical(b"sip:0@example.com"));
    let message = index.read(first.as_bytes(), Framing::Datagram).unwrap();
    let asked = RegisterRequest::read(message, peer()).unwrap();
    let plan = Plan::read(asked, Limits::default(), FlowRules::default(), None, &keys, &mut text).unwrap();
    let mut scratch = Vec::new();
    let record = decide(None, &plan, now).unwrap().apply(&aor, None, &plan, now, &mut scratch).unwrap().unwrap();

    let mut next_text = Vec::new();
    let message = again.read(second.as_bytes(), Framing::Datagram).unwrap();
    c.bench_function("plan", |bencher| {
        bencher.iter(|| {
            let asked = RegisterRequest::read(message, peer()).unwrap();
            let plan = Plan::read(asked, Limits::default(), FlowRules::default(), None, &keys, &mut next_text);
            black_box(plan.is_ok())
        });
    });
    let asked = RegisterRequest::read(message, peer()).unwrap();
    let next = Plan::read(asked, Limits::default(), FlowRules::default(), None, &keys, &mut next_text).unwrap();
    c.bench_function("decide and apply a refresh", |bencher| {
        bencher.iter(|| {
            let changes = decide(Some(black_box(&record)), &next, now).unwrap();
            changes.apply(&aor, Some(&record), &next, now, &mut scratch).unwrap()
        });
    });
    c.bench_function("codec/from_bytes", |bencher| {
        bencher.iter(|| Record::from_bytes(black_box(record.as_bytes())).unwrap());
    });
    c.bench_function("codec/bindings", |bencher| bencher.iter(|| black_box(&record).bindings().count()));
}

criterion_group!(benches, requests, parts);
criterion_main!(benches);

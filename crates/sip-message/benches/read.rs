//! How long reading and answering a REGISTER of 600 bytes takes.
#![expect(clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sip_message::frame::{FrameLimits, Framer};
use sip_message::header::{
    CSeq, CallId, ContactValue, ContentLength, Expires, From, MaxForwards, To, Token, UserAgent, Via,
};
use sip_message::{Framing, HeaderId, Index, Message, ResponseWriter, TopVia, Uri};

const REGISTER: &[u8] = include_bytes!("../examples/register.sip");

fn typed(message: &Message<'_>) {
    let _ = black_box(Uri::parse(message.request().unwrap().uri));
    message.list::<Via<'_>>(HeaderId::Via).for_each(|via| _ = black_box(via));
    let _ = black_box(message.header::<From<'_>>());
    let _ = black_box(message.header::<To<'_>>());
    message.list::<ContactValue<'_>>(HeaderId::Contact).for_each(|contact| _ = black_box(contact));
    let _ = black_box(message.header::<CallId<'_>>());
    let _ = black_box(message.header::<CSeq<'_>>());
    let _ = black_box(message.header::<Expires>());
    let _ = black_box(message.header::<MaxForwards>());
    message.list::<Token<'_>>(HeaderId::Supported).for_each(|token| _ = black_box(token));
    let _ = black_box(message.header::<UserAgent<'_>>());
    let _ = black_box(message.header::<ContentLength>());
}

fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("register");
    group.throughput(Throughput::Bytes(REGISTER.len() as u64));
    let mut index = Index::new();
    group.bench_function("index", |bencher| {
        bencher.iter(|| black_box(index.read(black_box(REGISTER), Framing::Datagram).unwrap().fault()));
    });
    group.bench_function("index and typed headers", |bencher| {
        bencher.iter(|| typed(&index.read(black_box(REGISTER), Framing::Datagram).unwrap()));
    });
    group.bench_function("frame", |bencher| {
        bencher.iter(|| black_box(Framer::new(FrameLimits::default()).next(black_box(REGISTER))));
    });
    let request = index.read(REGISTER, Framing::Datagram).unwrap();
    let mut buffer = Vec::with_capacity(1400);
    let via = request.top_via().unwrap();
    let top = TopVia { via: &via, received: Some([192, 0, 2, 1].into()), rport: Some(5070) };
    group.bench_function("write the answer", |bencher| {
        bencher.iter(|| {
            buffer.clear();
            let mut writer = ResponseWriter::answering(&mut buffer, 1400, request, (200, "OK"), &top, b"a1b2c3d4");
            writer.list(HeaderId::Contact, [("<sip:alice@192.0.2.4:5060;ob>", ";expires=", 120u32)]);
            black_box(writer.finish(b"").unwrap())
        });
    });
    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);

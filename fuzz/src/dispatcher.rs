//! A dispatcher gives at most one final answer to any bytes; the answer is well-formed, repeats what identifies its
//! request, and does not change when the request is repeated.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use sip_dispatch::links::{Fallback, Options, Sanity};
use sip_dispatch::{
    Answer, Config, Dispatcher, Exchange, Link, Reason, ReasonText, ReceiveChain, Receiver, Share, Status, Verdict,
};
use sip_message::header::To;
use sip_message::{Fault, Framing, HeaderId, Index, Message, Method};
use sip_transport::{Destination, Flow, Inbound, Ingress, LegId, Now, Outbox, Peer, Transport};

/// Sends `data` twice as a datagram and once on a stream.
pub fn check(data: &[u8]) {
    let datagram = Peer {
        leg: LegId(1),
        transport: Transport::Udp,
        remote: ([192, 0, 2, 4], 40000).into(),
        local: ([192, 0, 2, 1], 5060).into(),
        flow: None,
    };
    let flow = Flow { worker: 0, slot: 1, generation: 2 };
    let stream = Peer { transport: Transport::Tcp, flow: Some(flow), ..datagram };
    let mut dispatcher = dispatcher();
    let first = answers(&mut dispatcher, data, datagram);
    assert_eq!(first, answers(&mut dispatcher, data, datagram), "a repetition is answered with the same bytes");
    for (to, answer) in &first {
        assert!(matches!(to, Destination::Datagram { leg: LegId(1), remote } if remote.ip() == datagram.remote.ip()));
        check_answer(data, answer, Framing::Datagram);
    }
    for (to, answer) in &answers(&mut dispatcher, data, stream) {
        assert_eq!(*to, Destination::Stream(flow));
        check_answer(data, answer, Framing::Stream);
    }
}

fn dispatcher() -> Dispatcher {
    const ALLOW: &[&str] = &["OPTIONS", "INFO"];
    let chain = ReceiveChain::new([
        Sanity { supported: Some(&["path"]), ..Sanity::default() }.into(),
        Options { allow: ALLOW, supported: &["path"] }.into(),
        Link::new(Slow).methods(&[Method::Info]),
        Fallback { allow: ALLOW }.into(),
    ]);
    // Little memory for answers, since it is cleared for every input.
    Dispatcher::new(chain, Config { absorb_bytes: 1 << 16, ..Config::default() }, Share::WHOLE)
}

/// Waits, and then refuses what has a Subject and passes the rest.
struct Slow;

const SLOW: Reason = Reason::of(&ReasonText::new("slow", "It has a subject."));

impl Receiver for Slow {
    fn receive(&self, ex: &mut Exchange<'_>) -> Verdict {
        ex.when(Answer::Later(Box::pin(async {})), &(), |(), ex, ()| match ex.message().value(HeaderId::Subject) {
            Some(_) => Verdict::Handled(ex.refuse(Status::FORBIDDEN, SLOW)),
            None => Verdict::Pass,
        })
    }
}

/// All that leaves because of one message.
fn answers(dispatcher: &mut Dispatcher, bytes: &[u8], peer: Peer) -> Vec<(Destination, Vec<u8>)> {
    let now = Now::from_millis(1);
    let mut out = Outbox::new();
    let mut pending = dispatcher.on_message(Inbound { bytes, peer, now }, &mut out);
    while let Some(waiting) = pending {
        assert!(out.is_empty(), "who waits has no answer");
        let Poll::Ready(done) = pin!(waiting).poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("the store has answered")
        };
        pending = dispatcher.resume(done, now, &mut out);
    }
    assert!(out.len() <= 1, "{} answers", out.len());
    out.iter().map(|(to, answer)| (to, answer.to_vec())).collect()
}

fn check_answer(request: &[u8], answer: &[u8], framing: Framing) {
    let (mut of_request, mut of_answer) = (Index::new(), Index::new());
    let request = of_request.read(request, framing).expect("what is answered is not too long");
    let answer = of_answer.read(answer, Framing::Stream).expect("an answer is not too long");
    assert!(!request.looks_like_response(), "a response is not answered");
    assert!(request.request().is_none_or(|line| line.method != Method::Ack), "an ACK is not answered");
    // An answer that repeats nearly as many Via lines as a message may have headers has more than those.
    let crowded = request.lines(HeaderId::Via).count() + 20 > Index::MAX_HEADERS;
    assert!(answer.fault().is_none_or(|fault| crowded && fault == Fault::TooManyHeaders), "{:?}", answer.fault());
    assert!(answer.response().is_some_and(|line| line.version_2 && (200..700).contains(&line.code)));
    let lower = |message: Message<'_>| message.lines(HeaderId::Via).skip(1).map(as_written).collect::<Vec<_>>();
    assert_eq!(lower(answer), lower(request));
    if crowded {
        return;
    }
    for id in [HeaderId::From, HeaderId::CallId, HeaderId::CSeq] {
        assert_eq!(answer.value(id).map(as_written), request.value(id).map(as_written), "{id:?}");
    }
    if request.fault().is_some() {
        return;
    }
    match (request.header::<To<'_>>(), answer.header::<To<'_>>()) {
        (Ok(Some(To(asked))), Ok(Some(To(answered)))) => {
            assert!(asked.tag.is_none_or(|tag| answered.tag == Some(tag)) && answered.tag.is_some())
        }
        (Ok(None), Ok(None)) | (Err(_), _) => {}
        (asked, answered) => panic!("{asked:?} was answered with {answered:?}"),
    }
}

/// As a writer writes it: a fold, with the white space behind it, is one space, and a control character is a question
/// mark.
fn as_written(value: &[u8]) -> Vec<u8> {
    let mut written = Vec::new();
    let mut rest = value;
    while let Some(fold) = rest.windows(2).position(|two| two == b"\r\n") {
        written.extend_from_slice(&rest[..fold]);
        written.push(b' ');
        rest = &rest[fold + 2..];
        rest = &rest[rest.iter().take_while(|&&byte| matches!(byte, b' ' | b'\t')).count()..];
    }
    written.extend_from_slice(rest);
    written.iter().map(|&byte| if byte.is_ascii_control() && byte != b'\t' { b'?' } else { byte }).collect()
}

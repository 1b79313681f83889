//! Answers N requests that wait for a store, in groups of 100, for counting instructions: from the bytes of a datagram to
//! those of its answer, and all that waiting adds.
//!
//! `valgrind --tool=callgrind target/release/examples/later --repeat 1200`
#![expect(clippy::print_stdout, reason = "a command-line example")]

use std::error::Error;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use sip_dispatch::links::{Fallback, Sanity};
use sip_dispatch::{
    Answer, Config, Dispatcher, Exchange, Pending, Reason, ReasonText, ReceiveChain, Receiver, Share, Status, Verdict,
};
use sip_transport::{Inbound, Ingress, LegId, Now, Outbox, Peer, Transport};

const GROUP: u32 = 100;
const SETTLED: Reason = Reason::of(&ReasonText::new("settled", "The store has it."));

/// Answers when its group is settled.
struct Store {
    settled: Arc<AtomicUsize>,
}

impl Receiver for Store {
    fn receive(&self, ex: &mut Exchange<'_>) -> Verdict {
        let settled = Arc::clone(&self.settled);
        let group = settled.load(Ordering::Relaxed);
        let answer = Answer::Later(Box::pin(poll_fn(move |_| {
            if settled.load(Ordering::Relaxed) > group { Poll::Ready(()) } else { Poll::Pending }
        })));
        ex.when(answer, &(), |(), ex, ()| Verdict::Handled(ex.refuse(Status::OK, SETTLED)))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let times: u32 = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => 1,
        [name, times] if name == "--repeat" => times.parse()?,
        _ => return Err("usage: [--repeat N]".into()),
    };
    let settled = Arc::<AtomicUsize>::default();
    let chain = ReceiveChain::new([
        Sanity::default().into(),
        Store { settled: Arc::clone(&settled) }.into(),
        Fallback { allow: &["REGISTER"] }.into(),
    ]);
    let mut dispatcher = Dispatcher::new(chain, Config::default(), Share::WHOLE);
    let (remote, local) = ("127.0.0.1:40000".parse()?, "127.0.0.1:5060".parse()?);
    let peer = Peer { leg: LegId(0), transport: Transport::Udp, remote, local, flow: None };
    let (mut out, mut waiting, mut answered) = (Outbox::new(), Vec::new(), 0);
    for n in 0..times {
        let now = Now::from_millis(u64::from(n));
        let request = register(n);
        waiting.extend(dispatcher.on_message(Inbound { bytes: request.as_bytes(), peer, now }, &mut out));
        if waiting.len() == GROUP as usize || n + 1 == times {
            settled.fetch_add(1, Ordering::Relaxed);
            waiting.drain(..).for_each(|pending| finish(&mut dispatcher, pending, now, &mut out));
            answered += out.len();
            out.clear();
        }
    }
    println!("{answered} of {times} answered");
    Ok(())
}

fn finish(dispatcher: &mut Dispatcher, pending: Pending, now: Now, out: &mut Outbox) {
    if let Poll::Ready(done) = pin!(pending).poll(&mut Context::from_waker(Waker::noop())) {
        drop(dispatcher.resume(done, now, out));
    }
}

fn register(n: u32) -> String {
    format!(
        "REGISTER sip:example.com;transport=udp SIP/2.0\r\n\
         Via: SIP/2.0/UDP 127.0.0.1:40000;rport;branch=z9hG4bKPjf795e753-80a5-41ba-af18-{n:010}\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:alice@example.com>;tag=df556cad-30b2-4e22-b1f4-6c56166289d1\r\n\
         To: <sip:alice@example.com>\r\n\
         Call-ID: 28fa7e35-3d75-4100-af2b-4b47423d3939\r\n\
         CSeq: {n:010} REGISTER\r\n\
         User-Agent: PJSUA/v2.17-dev Linux-6.1 x86_64 glibc-2.36\r\n\
         Contact: <sip:alice@127.0.0.1:40000;ob>\r\n\
         Expires: 120\r\n\
         Content-Length:  0\r\n\r\n"
    )
}

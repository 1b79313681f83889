//! How often memory is taken on the way of a request, from the bytes of a datagram to those of its answer.
#![expect(unsafe_code, reason = "a counting allocator cannot be written without")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "all of it is test")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hash::RandomState;

use md5::{Digest, Md5};
use sip_dispatch::links::{Fallback, Sanity};
use sip_dispatch::{Answer, Config, Dispatcher, Link, ReceiveChain, Share};
use sip_message::{Framing, Index};
use sip_registrar::auth::{Account, Authorize, UserTable};
use sip_registrar::{
    Aor, FlowRules, Limits, LocationService, MemoryLocation, Plan, Redirect, RegisterRequest, Registrar, Removal,
};
use sip_transport::{Inbound, Ingress, LegId, Now, Outbox, Peer, Transport};

struct Counting;

thread_local! {
    static TAKEN: Cell<usize> = const { Cell::new(0) };
    /// Bytes that this thread has taken and not given back.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    TAKEN.with(|taken| taken.set(taken.get() + 1));
}

fn hold(more: usize, less: usize) {
    HELD.with(|held| held.set(held.get().wrapping_add(more).wrapping_sub(less)));
}

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        hold(layout.size(), 0);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        hold(0, layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        hold(size, layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Server {
    dispatcher: Dispatcher,
    outbox: Outbox,
    now: Now,
    /// The last.
    answer: String,
}

impl Server {
    fn new() -> Self {
        Self::behind(ReceiveChain::default())
    }

    /// A registrar behind these links.
    fn behind(guards: ReceiveChain) -> Self {
        let registrar = Registrar::builder().domains(["example.com"]).build().unwrap();
        let chain = ReceiveChain::new([
            Link::from(Sanity { supported: Some(&["path"]), ..Sanity::default() }),
            Link::from(guards),
            Link::from(registrar.clone()),
            Link::from(Redirect::new(registrar)),
            Link::from(Fallback { allow: &["REGISTER"] }),
        ]);
        // So little that the ring has gone round before anything is counted.
        let config = Config { absorb_bytes: 64 << 10, ..Config::default() };
        let dispatcher = Dispatcher::new(chain, config, Share::WHOLE);
        let now = Now::from_millis(1_700_000_000_000);
        Self { dispatcher, outbox: Outbox::new(), now, answer: String::new() }
    }

    /// How often memory is taken for this request, and the code of its answer.
    fn takes(&mut self, text: &str) -> (usize, String) {
        let peer = Peer {
            leg: LegId(0),
            transport: Transport::Udp,
            remote: ([127, 0, 0, 1], 40_000).into(),
            local: ([127, 0, 0, 1], 5060).into(),
            flow: None,
        };
        let before = TAKEN.get();
        let rx = Inbound { bytes: text.as_bytes(), peer, now: self.now };
        assert!(self.dispatcher.on_message(rx, &mut self.outbox).is_none());
        let taken = TAKEN.get() - before;
        let (_, answer) = self.outbox.last().unwrap();
        let code = String::from_utf8_lossy(&answer[8..11]).into_owned();
        self.answer = String::from_utf8_lossy(answer).into_owned();
        self.outbox.clear();
        (taken, code)
    }
}

/// A request of alice as a phone writes it; each has another branch.
fn request(method: &str, cseq: u32, headers: &str) -> String {
    let uri = if method == "REGISTER" { "sip:example.com" } else { "sip:alice@example.com" };
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:40000;rport;branch=z9hG4bK{cseq}{method}{length}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=1\r\nTo: <sip:alice@example.com>\r\nCall-ID: call\r\n\
         CSeq: {cseq} {method}\r\nUser-Agent: phone/1.0\r\n{headers}Content-Length: 0\r\n\r\n",
        length = headers.len(),
    )
}

const CONTACT: &str = "Contact: <sip:alice@127.0.0.1:40000;ob>;+sip.instance=\"<urn:uuid:00000000-0000-0000-0000-0000a30f0000>\"\r\n\
                       Expires: 120\r\n";

/// A server that has served so many requests of each kind that all its buffers have their size.
fn warm() -> (Server, u32) {
    let mut server = Server::new();
    let mut cseq = 0;
    for _ in 0..500 {
        cseq += 1;
        server.takes(&request("REGISTER", cseq, CONTACT));
        server.takes(&request("REGISTER", cseq, ""));
        server.takes(&request("REGISTER", cseq, "Contact: <sip:x@h>;expires=1\r\n"));
        server.takes(&request("INVITE", cseq, ""));
        server.now = Now::from_millis(server.now.wall + 1000);
        server.dispatcher.on_tick(server.now, &mut server.outbox);
    }
    (server, cseq)
}

fn check(method: &str, headers: &str, code: &str, at_most: usize) {
    let (mut server, mut cseq) = warm();
    for _ in 0..1000 {
        cseq += 1;
        let text = request(method, cseq, headers);
        let (taken, answered) = server.takes(&text);
        assert_eq!(answered, code);
        assert!(taken <= at_most, "{taken} times");
        assert_eq!(server.takes(&text), (0, answered), "a retransmission");
    }
}

#[test]
fn a_refresh_takes_memory_once_for_its_record() {
    check("REGISTER", CONTACT, "200", 1);
}

#[test]
fn a_query_takes_none() {
    check("REGISTER", "", "200", 0);
}

#[test]
fn a_423_takes_none() {
    check("REGISTER", "Contact: <sip:x@h>;expires=1\r\n", "423", 0);
}

#[test]
fn a_removal_of_what_is_not_there_takes_none() {
    check("REGISTER", "Contact: <sip:x@h>;expires=0\r\n", "200", 0);
}

#[test]
fn a_redirect_takes_none() {
    check("INVITE", "", "302", 0);
}

/// A server that asks for alice's password.
fn guarded() -> Server {
    let mut users = UserTable::new();
    users.insert(b"example.com", Account::new(*b"alice", *b"example.com").password(b"secret"));
    let link = Authorize::builder().credentials(users).domains(["example.com"]).build().unwrap();
    let mut server = Server::behind(ReceiveChain::new([link.into()]));
    for n in 0..500 {
        server.takes(&request("REGISTER", n, CONTACT));
    }
    server
}

/// Alice's answer to the last challenge.
fn credentials(server: &Server, count: u32) -> String {
    let hash = |text: String| -> String { Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect() };
    let nonce = server.answer.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap();
    let [a1, a2] = ["alice:example.com:secret", "REGISTER:sip:example.com"].map(|text| hash(text.to_owned()));
    let response = hash(format!("{a1}:{nonce}:{count:08x}:c:auth:{a2}"));
    format!(
        "Authorization: Digest username=\"alice\", realm=\"example.com\", nonce=\"{nonce}\", uri=\"sip:example.com\", \
         response=\"{response}\", qop=auth, nc={count:08x}, cnonce=\"c\"\r\n"
    )
}

#[test]
fn a_challenge_takes_none() {
    let mut server = guarded();
    for cseq in 1000..2000 {
        assert_eq!(server.takes(&request("REGISTER", cseq, CONTACT)), (0, "401".to_owned()));
    }
}

#[test]
fn a_wrong_password_and_an_unknown_user_take_none() {
    let mut server = guarded();
    for cseq in 1000..1009 {
        let wrong = credentials(&server, cseq).replace("response=\"", "response=\"0").replace("0\"", "\"");
        for headers in [wrong.clone(), wrong.replace("alice", "erich")] {
            let (taken, code) = server.takes(&request("REGISTER", cseq, &(headers + CONTACT)));
            assert_eq!((taken, code.as_str()), (0, "401"));
        }
    }
}

#[test]
fn an_authenticated_refresh_takes_memory_once_for_its_record() {
    let mut server = guarded();
    server.takes(&request("REGISTER", 1000, CONTACT));
    let challenge = server.answer.clone();
    for count in 1..1000 {
        server.answer.clone_from(&challenge);
        let headers = credentials(&server, count) + CONTACT;
        let (taken, code) = server.takes(&request("REGISTER", 1000 + count, &headers));
        assert_eq!(code, "200");
        // The first ones find buffers that are still too small.
        assert!(taken <= 1 || count < 200, "{taken} times at {count}");
    }
}

const NOW: Now = Now::from_millis(1_700_000_000_000);

/// Registers one of many users.
fn register(table: &MemoryLocation, n: u32, contact: &str) {
    let request = format!(
        "REGISTER sip:example.com SIP/2.0\r\nCall-ID: {n}\r\nCSeq: 1 REGISTER\r\nContact: <sip:{contact}>\r\nExpires: {}\r\n\r\n",
        300 + n % 3000
    );
    let here = ([192, 0, 2, 1], 5060).into();
    let peer = Peer { leg: LegId(0), transport: Transport::Udp, remote: here, local: here, flow: None };
    let (mut index, mut text, mut buffer) = (Index::new(), Vec::new(), Vec::new());
    let message = index.read(request.as_bytes(), Framing::Datagram).unwrap();
    let rules = FlowRules::default();
    let plan = Plan::read(
        RegisterRequest::read(message, peer).unwrap(),
        Limits::default(),
        rules,
        None,
        &RandomState::new(),
        &mut text,
    )
    .unwrap();
    let aor = format!("sip:user{n}@example.com");
    let Answer::Now(done) = table.register(&Aor::parse(&aor, &mut buffer).unwrap(), &plan, NOW) else {
        unreachable!("it is in memory")
    };
    done.unwrap();
}

#[test]
fn it_says_what_it_has_taken_also_after_changes_and_removals() {
    let before = HELD.get();
    let table = MemoryLocation::default();
    let is_right = |what: &str| {
        let (taken, says) = (HELD.get() - before, table.memory());
        assert!(taken.abs_diff(says) < taken / 50, "{what}: {taken} bytes taken, and it says {says}");
    };
    is_right("empty");
    (0..20_000).for_each(|n| register(&table, n, "u@192.0.2.7"));
    is_right("full");
    (0..20_000).for_each(|n| register(&table, n, "somebody-with-a-longer-name@192.0.2.7:5070;transport=udp"));
    is_right("with longer records");
    let mut buffer = Vec::new();
    for n in 0..15_000 {
        let aor = format!("sip:user{n}@example.com");
        let Answer::Now(done) = table.remove(&Aor::parse(&aor, &mut buffer).unwrap(), Removal::All, NOW) else {
            unreachable!("it is in memory")
        };
        drop(done.unwrap());
    }
    drop(buffer);
    is_right("with a quarter left");
    let later = Now::from_millis(NOW.at.0 + 10_000_000);
    for _ in 0..600 {
        table.sweep(later, Share { index: 0, of: 1 }, 100_000, &mut |_, _| {});
    }
    assert_eq!(table.bindings(), 0);
    is_right("with nothing left");
}

//! Refreshes of phones chosen at random, many at a time as a socket gives them: each as it comes, and after the batch was
//! announced. What one saves over the other are ways to memory.
#![expect(clippy::unwrap_used, reason = "a bench may fail by panicking")]

mod served;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use md5::{Digest, Md5};
use served::Served;
use sip_dispatch::Link;
use sip_dispatch::links::{Fallback, Sanity};
use sip_message::header::Algorithm;
use sip_registrar::Registrar;
use sip_registrar::auth::{Account, Algorithms, Authorize, Ha1, HashFunction, Policy, UserTable};
use sip_transport::Ingress;

/// As many as a socket gives at once.
const BATCH: u32 = 32;

/// A registrar and its phones.
struct Server {
    served: Served,
    phones: u32,
    /// For REGISTER of each phone, and of all phones one after the other.
    cseq: u32,
    random: u64,
    nonce: Option<String>,
}

impl Server {
    fn new(phones: u32, asks: bool) -> Self {
        let mut links = vec![Link::from(Sanity::default())];
        if asks {
            let mut users = UserTable::new();
            for n in 0..phones {
                let name = name(n);
                let ha1 = Ha1::of(HashFunction::Md5, name.as_bytes(), b"example.com", b"secret");
                users.insert(b"example.com", Account::new(name, *b"example.com").ha1(ha1));
            }
            let policy = Policy { algorithms: Algorithms::new([Algorithm::Md5]), ..Policy::default() };
            let builder = Authorize::builder().domains(["example.com"]).policy(policy).credentials(users);
            links.push(builder.build().unwrap().into());
        }
        links.push(Registrar::builder().domains(["example.com"]).build().unwrap().into());
        links.push(Fallback { allow: &["REGISTER"] }.into());
        let mut server = Self { served: Served::by(links), phones, cseq: 0, random: 1, nonce: None };
        if asks {
            let request = server.request(0);
            server.served.hand_in(&request);
            let answer =
                server.served.outbox.iter().next().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned());
            let nonce = answer.unwrap().split("nonce=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
            server.nonce = Some(nonce);
            server.served.outbox.clear();
        }
        for phone in 0..phones {
            let request = server.request(phone);
            server.served.hand_in(&request);
            assert!(server.served.outbox.iter().all(|(_, bytes)| bytes.starts_with(b"SIP/2.0 200 ")));
            server.served.outbox.clear();
        }
        server
    }

    fn request(&mut self, phone: u32) -> String {
        self.cseq += 1;
        let (cseq, name) = (self.cseq, name(phone));
        let credentials = self.nonce.as_ref().map(|nonce| credentials(&name, nonce, cseq)).unwrap_or_default();
        format!(
            "REGISTER sip:example.com SIP/2.0\r\n\
             Via: SIP/2.0/UDP 127.0.0.1:40000;rport;branch=z9hG4bKPjf795e753-80a5-41ba-{cseq}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{name}@example.com>;tag=df556cad-30b2-4e22-b1f4-6c56166289d1\r\n\
             To: <sip:{name}@example.com>\r\nCall-ID: 28fa7e35-3d75-4100-af2b-{phone:012}\r\nCSeq: {cseq} REGISTER\r\n\
             User-Agent: PJSUA/v2.17-dev Linux-6.1 x86_64 glibc-2.36\r\nSupported: outbound, path\r\n\
             Contact: <sip:{name}@127.0.0.1:40000;ob>\r\nExpires: 120\r\n{credentials}Content-Length: 0\r\n\r\n"
        )
    }

    fn batch(&mut self) -> Vec<String> {
        let phones: Vec<u32> = (0..BATCH).map(|_| self.any()).collect();
        phones.into_iter().map(|phone| self.request(phone)).collect()
    }

    /// A phone at random.
    fn any(&mut self) -> u32 {
        // Knuth's MMIX.
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.random >> 33) % u64::from(self.phones)) as u32
    }

    fn serve_all(&mut self, batch: &[String], announced: bool) {
        if announced {
            let messages: Vec<&[u8]> = batch.iter().map(String::as_bytes).collect();
            self.served.dispatcher.prepare(&messages);
        }
        batch.iter().for_each(|request| self.served.hand_in(request));
        self.served.send();
    }
}

fn name(phone: u32) -> String {
    format!("user{phone}")
}

fn credentials(name: &str, nonce: &str, count: u32) -> String {
    let hex = |text: String| Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (ha1, ha2) = (hex(format!("{name}:example.com:secret")), hex("REGISTER:sip:example.com".to_owned()));
    let response = hex(format!("{ha1}:{nonce}:{count:08x}:0a4f113b:auth:{ha2}"));
    format!(
        "Authorization: Digest username=\"{name}\", realm=\"example.com\", nonce=\"{nonce}\", uri=\"sip:example.com\", \
         response=\"{response}\", algorithm=MD5, cnonce=\"0a4f113b\", qop=auth, nc={count:08x}\r\n"
    )
}

fn batches(c: &mut Criterion) {
    for (phones, asks) in [(10_000, false), (1_000_000, false), (10_000, true), (1_000_000, true)] {
        let passwords = if asks { " with passwords" } else { "" };
        let mut group = c.benchmark_group(format!("one of {phones}{passwords}"));
        group.throughput(Throughput::Elements(BATCH.into()));
        let server = std::cell::RefCell::new(Server::new(phones, asks));
        for (name, announced) in [("as it comes", false), ("announced", true)] {
            group.bench_function(name, |bencher| {
                bencher.iter_batched_ref(
                    || server.borrow_mut().batch(),
                    |batch| server.borrow_mut().serve_all(batch, announced),
                    BatchSize::PerIteration,
                );
            });
        }
        group.finish();
    }
}

criterion_group!(benches, batches);
criterion_main!(benches);

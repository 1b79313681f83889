//! One who is told of events, and does not always take them.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver as Posts, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::harness::PATIENCE;

/// The key as it stands in the configuration, behind `whsec_`.
pub(super) const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwa2V5IG9mIHRlc3Q=";

/// How it answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mood {
    Takes,
    /// After so long.
    Slow(Duration),
    /// With this status line.
    Refuses(&'static str),
}

/// What it was sent.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) id: String,
    pub(super) body: Value,
    /// Whether it took it.
    pub(super) taken: bool,
}

pub(super) struct Receiver {
    pub(super) addr: SocketAddr,
    mood: Arc<Mutex<Mood>>,
    posts: Posts<Post>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// On this port; 0: on a free one.
    pub(super) fn start(port: u16, mood: Mood) -> Self {
        Self::behind(port, mood, None)
    }

    /// The same over TLS.
    pub(super) fn secured(mood: Mood, config: Arc<ServerConfig>) -> Self {
        Self::behind(0, mood, Some(config))
    }

    fn behind(port: u16, mood: Mood, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let addr = listener.local_addr().unwrap();
        let (mood, ends) = (Arc::new(Mutex::new(mood)), Arc::new(AtomicBool::new(false)));
        let (sender, posts) = channel();
        let (its_mood, end) = (Arc::clone(&mood), Arc::clone(&ends));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let stream = stream.unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                match &tls {
                    None => take(stream, &its_mood, &sender),
                    Some(tls) => {
                        let session = ServerConnection::new(Arc::clone(tls)).unwrap();
                        take(StreamOwned::new(session, stream), &its_mood, &sender);
                    }
                }
            }
        });
        Self { addr, mood, posts, ends, thread: Some(thread) }
    }

    pub(super) fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// The next that it was sent.
    pub(super) fn post(&self) -> Post {
        self.posts.recv_timeout(PATIENCE * 2).expect("a delivery")
    }

    /// The events of the next deliveries that it takes, so many or a few more.
    pub(super) fn events(&self, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        while events.len() < count {
            let post = self.post();
            if post.taken {
                events.extend(post.body["events"].as_array().unwrap().iter().cloned());
            }
        }
        events
    }

    /// Is gone: nobody listens there any more. Gives what it was sent and nobody has looked at.
    pub(super) fn stop(mut self) -> Vec<Post> {
        self.end();
        self.posts.try_iter().collect()
    }

    fn end(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.addr));
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
        }
    }
}

/// One delivery for each connection.
fn take(stream: impl Read + Write, mood: &Mutex<Mood>, posts: &Sender<Post>) {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        match reader.read_line(&mut line) {
            Ok(0) => return,
            // It does not trust us, too.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::InvalidData) => return,
            read => drop(read.unwrap()),
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    assert_eq!(head[0], "POST /hooks/17 HTTP/1.1");
    let header = |name: &str| {
        let mut values = head.iter().filter_map(|line| line.split_once(": ").filter(|(at, _)| *at == name));
        values.next().unwrap_or_else(|| panic!("no {name} in {head:?}")).1.to_owned()
    };
    let mut body = vec![0; header("content-length").parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let signed = [format!("{id}.{timestamp}.").as_bytes(), &body].concat();
    assert_eq!(header("webhook-signature"), format!("v1,{}", STANDARD.encode(hmac(&signed))));
    let sent = Duration::from_secs(timestamp.parse().unwrap());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert!(now.abs_diff(sent) < Duration::from_secs(60), "{timestamp}");
    let mood = *mood.lock().unwrap();
    let status = match mood {
        Mood::Takes => "204 No Content",
        Mood::Slow(pause) => {
            std::thread::park_timeout(pause);
            "200 OK\r\nContent-Length: 0"
        }
        Mood::Refuses(status) => status,
    };
    let taken = status.starts_with('2');
    // The test may have seen enough.
    drop(posts.send(Post { id, body: serde_json::from_slice(&body).unwrap(), taken }));
    let stream = reader.get_mut();
    drop(write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n\r\n"));
    drop(stream.flush());
}

/// HMAC-SHA256 (RFC 2104), written without the code under test.
fn hmac(text: &[u8]) -> [u8; 32] {
    let mut key = STANDARD.decode(SECRET).unwrap();
    key.resize(64, 0);
    let pad = |with: u8| key.iter().map(|byte| byte ^ with).collect::<Vec<_>>();
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(pad(0x5C)).chain_update(inner).finalize().into()
}

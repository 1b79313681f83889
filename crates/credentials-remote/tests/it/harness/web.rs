//! A web service that answers as a test wants.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

/// What becomes of a request.
pub(crate) enum Reply {
    /// All bytes of the answer; then the connection is kept.
    Send(String),
    /// The same; then it is closed without a word about it.
    SendAndClose(String),
    /// It is closed.
    Close,
    /// Nothing, until the service ends.
    Hang,
}

impl Reply {
    pub(crate) fn json(body: &str) -> Self {
        Self::status("200 OK", body)
    }

    pub(crate) fn status(status: &str, body: &str) -> Self {
        Self::Send(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
    }
}

/// On a port of the loopback, until it is dropped.
pub(crate) struct WebService {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    answer: Box<dyn Fn(&str) -> Reply + Send + Sync>,
    requests: AtomicUsize,
    /// Those it has, to be closed at the end.
    connections: Mutex<Vec<TcpStream>>,
    ended: AtomicBool,
    end: (Mutex<bool>, Condvar),
}

impl WebService {
    /// `answer` gets the whole request, head and body.
    pub(crate) fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), answer)
    }

    pub(crate) fn start_at(address: SocketAddr, answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            answer: Box::new(answer),
            requests: AtomicUsize::new(0),
            connections: Mutex::default(),
            ended: AtomicBool::new(false),
            end: (Mutex::new(false), Condvar::new()),
        });
        let here = shared.clone();
        let thread = std::thread::spawn(move || here.accept(&listener));
        Self { address, shared, thread: Some(thread) }
    }

    pub(crate) fn requests(&self) -> usize {
        self.shared.requests.load(SeqCst)
    }

    /// Closes its connections, and takes others.
    pub(crate) fn close_connections(&self) {
        self.shared.close_connections();
    }
}

impl Drop for WebService {
    fn drop(&mut self) {
        self.shared.ended.store(true, SeqCst);
        *self.shared.end.0.lock().unwrap() = true;
        self.shared.end.1.notify_all();
        // It waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        let mut threads = Vec::new();
        for stream in listener.incoming() {
            if self.ended.load(SeqCst) {
                break;
            }
            let stream = stream.unwrap();
            self.connections.lock().unwrap().push(stream.try_clone().unwrap());
            let this = self.clone();
            threads.push(std::thread::spawn(move || this.serve(stream)));
        }
        self.close_connections();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }

    fn close_connections(&self) {
        for connection in self.connections.lock().unwrap().drain(..) {
            // The other side may have been faster.
            let _ = connection.shutdown(std::net::Shutdown::Both);
        }
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut input = BufReader::new(stream.try_clone().unwrap());
        while let Some(request) = read(&mut input) {
            self.requests.fetch_add(1, SeqCst);
            let (reply, keep) = match (self.answer)(&request) {
                Reply::Send(reply) => (reply, true),
                Reply::SendAndClose(reply) => (reply, false),
                Reply::Close => (String::new(), false),
                Reply::Hang => {
                    let ended = self.end.1.wait_while(self.end.0.lock().unwrap(), |ended| !*ended);
                    drop(ended.unwrap());
                    (String::new(), false)
                }
            };
            // Who asked may have gone.
            if stream.write_all(reply.as_bytes()).is_err() || !keep {
                break;
            }
        }
        let _ = stream.shutdown(std::net::Shutdown::Both);
    }
}

/// A whole request; `None` at the end of the connection.
fn read(input: &mut impl BufRead) -> Option<String> {
    let mut request = String::new();
    let mut length = 0;
    loop {
        let start = request.len();
        // TLS is no text.
        if input.read_line(&mut request).ok()? == 0 {
            return None;
        }
        let line = request.get(start..)?.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    request.push_str(&String::from_utf8(body).ok()?);
    Some(request)
}

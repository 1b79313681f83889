//! HTTP as a client of bare sockets speaks it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;

use serde_json::Value;

use crate::harness::PATIENCE;

/// Where an API is.
#[derive(Clone)]
pub(super) enum Api {
    Unix(String),
    Tcp(SocketAddr),
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Api {
    /// Sends a request with these header lines beside, and reads the whole answer.
    pub(super) fn ask(&self, method: &str, path: &str, headers: &[&str]) -> Answered {
        let mut answer = String::new();
        let mut stream = self.send(method, path, &[headers, &["Connection: close"]].concat());
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        let body = if chunked { joined(body) } else { body.to_owned() };
        Answered { status: head[9..12].parse().unwrap(), head: head.to_owned(), body }
    }

    pub(super) fn get(&self, path: &str) -> Value {
        let answered = self.ask("GET", path, &[]);
        assert_eq!(answered.status, 200, "{answered:?}");
        answered.json()
    }

    /// Lines of an answer that does not end, each as soon as it comes.
    pub(super) fn lines(&self, path: &str) -> impl Iterator<Item = String> + use<> {
        self.lines_with(path, &[])
    }

    /// The same with these header lines beside.
    pub(super) fn lines_with(&self, path: &str, headers: &[&str]) -> impl Iterator<Item = String> + use<> {
        BufReader::new(self.send("GET", path, headers)).lines().map(|line| line.expect("a line in time"))
    }

    fn send(&self, method: &str, path: &str, headers: &[&str]) -> Box<dyn Stream> {
        let mut stream: Box<dyn Stream> = match self {
            Self::Unix(path) => {
                let stream = UnixStream::connect(path).unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                Box::new(stream)
            }
            Self::Tcp(addr) => {
                let stream = TcpStream::connect(addr).unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                Box::new(stream)
            }
        };
        let host = if headers.iter().any(|line| line.starts_with("Host:")) { "" } else { "Host: localhost\r\n" };
        let headers: String = headers.iter().flat_map(|line| [*line, "\r\n"]).collect();
        stream.write_all(format!("{method} {path} HTTP/1.1\r\n{host}{headers}\r\n").as_bytes()).unwrap();
        stream
    }
}

impl Answered {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The stable code of a refusal.
    pub(super) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap().to_owned()
    }
}

/// A body that comes in chunks.
fn joined(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        body += &after[..size];
        rest = after[size..].strip_prefix("\r\n").unwrap();
        if size == 0 {
            break;
        }
    }
    body
}

//! Web sites whose pages may register, and one whose pages may not.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;

use nix::sys::signal::Signal;

use super::{Browser, DATA, PAGES};
use crate::harness::{Registrar, Room, contacts_of, wait_until_contacts};

const PAGE: &str = "jssip.html";
const LIBRARY: &str = "jssip-3.13.8.min.js";
const ALICE: &str = "sip:alice@example.com";

/// A web site with the page and its library, for a few requests.
fn site() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().flatten().take(20).for_each(answer));
    address
}

fn answer(mut stream: TcpStream) {
    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let path = lines.next().unwrap_or_default();
    lines.for_each(drop);
    let (folder, file, kind) = match path.split([' ', '?']).nth(1) {
        Some("/jssip.html") => (PAGES, PAGE, "text/html"),
        Some("/jssip-3.13.8.min.js") => (DATA, LIBRARY, "text/javascript"),
        // Browsers ask for an icon as well.
        _ => {
            return drop(stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
        }
    };
    let body = std::fs::read(Path::new(folder).join(file)).unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    // Whoever asked may have gone.
    let _ = stream.write_all(&[head.as_bytes(), &body].concat());
}

#[test]
fn pages_of_the_sites_that_are_named_register_and_those_of_others_do_not() {
    let (ours, foreign) = (site(), site());
    let room = Room::new();
    let settings = format!(
        "listen = ['udp:127.0.0.1:0', 'ws:127.0.0.1:0']\n[websocket]\norigins = 'http://{ours}'\n[flows]\ngrace = 0\n"
    );
    let registrar = Registrar::run(&["serve", "--config", &room.file("registrar.toml", &settings)]);
    let open = |site: SocketAddr| {
        let server = registrar.legs()[1].addr;
        Browser::at(&format!("http://{site}/{PAGE}?server=ws://{server}&address=alice@example.com&password=secret"))
    };
    let mut refused = open(foreign);
    refused.process.wait_for("\"disconnected 1006");
    assert!(contacts_of(registrar.udp(), ALICE).is_empty());
    let mut welcome = open(ours);
    welcome.process.wait_for("\"registered ");
    assert_eq!(contacts_of(registrar.udp(), ALICE).len(), 1);
    welcome.kill();
    wait_until_contacts(registrar.udp(), ALICE, <[_]>::is_empty);
    // It tries over and over, and never gets in.
    refused.process.signal(Signal::SIGKILL);
    let said = refused.process.finish().err;
    assert!(said.contains("\"disconnected 1006") && !said.contains("\"connected"), "{said}");
    registrar.stop();
}

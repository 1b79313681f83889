//! A disk with no room left: what cannot be kept is refused, all else goes on, and it recovers by itself.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::harness::{PATIENCE, Phone, Process, Registrar, Request, Response, Room, contacts_of};

/// Contacts of one user, each long: not many users fill a disk.
const CONTACTS: usize = 8;
/// So many users while there is room.
const BEFORE: usize = 30;
/// So many users at most until the disk is full.
const USERS: usize = 4000;

/// How the room for the file is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disk {
    /// A file system of its own, in memory, that only the registrar sees.
    Small,
    /// No file may become longer than this one is.
    Limited,
}

/// A registrar whose disk can be full.
struct House {
    disk: Disk,
    room: Room,
    registrar: Registrar,
}

impl House {
    fn new(disk: Disk) -> Self {
        let room = Room::new();
        fs::create_dir(room.path("data")).unwrap();
        let config = room.file(
            "registrar.toml",
            &format!(
                "listen = 'udp:127.0.0.1:0'\n[registrar]\nredirect = true\nmax_expires = 3600\n[location]\ndirectory = '{}'\n",
                room.path("data")
            ),
        );
        let mut command = match disk {
            Disk::Small => {
                let mut command = Command::new("unshare");
                let script = "mount -t tmpfs -o size=8m,mode=700 tmpfs \"$1\" && exec \"$2\" serve --config \"$3\"";
                command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh", &room.path("data")]);
                command
            }
            Disk::Limited => {
                let mut command = Command::new("sh");
                // The signal that tells of the limit is ignored: writing fails instead.
                command.args(["-c", "trap '' XFSZ; exec \"$2\" serve --config \"$3\"", "sh", ""]);
                command
            }
        };
        let registrar =
            Registrar::from_process(Process::start(command.args([env!("CARGO_BIN_EXE_registrar"), &config])));
        Self { disk, room, registrar }
    }

    /// Takes all the room there is.
    fn fill(&self) {
        match self.disk {
            Disk::Small => {
                let mut ballast =
                    OpenOptions::new().create_new(true).append(true).open(self.inside("ballast")).unwrap();
                // In pieces as small as a page, so that nothing is left.
                let full = (0..100_000).find_map(|_| ballast.write_all(&[1; 4096]).err()).unwrap();
                assert_eq!(full.kind(), ErrorKind::StorageFull);
            }
            Disk::Limited => self.limit(&fs::metadata(self.inside("location.redb")).unwrap().len().to_string()),
        }
    }

    fn make_room(&self) {
        match self.disk {
            Disk::Small => fs::remove_file(self.inside("ballast")).unwrap(),
            Disk::Limited => self.limit("unlimited"),
        }
    }

    fn limit(&self, bytes: &str) {
        let pid = self.registrar.pid().to_string();
        let limit = format!("--fsize={bytes}:unlimited");
        let status = Command::new("prlimit").args(["--pid", &pid, &limit]).status().unwrap();
        assert!(status.success(), "prlimit (Debian package util-linux) {status}");
    }

    /// A file in the data directory, as the registrar sees it.
    fn inside(&self, name: &str) -> PathBuf {
        let path = format!("{}/{name}", self.room.path("data"));
        match self.disk {
            Disk::Small => format!("/proc/{}/root{path}", self.registrar.pid()).into(),
            Disk::Limited => path.into(),
        }
    }

    /// Halts it, takes what its file holds at this moment, and starts another registrar on that.
    fn after_a_crash(self) -> (Registrar, Room) {
        self.registrar.signal(Signal::SIGSTOP);
        let room = Room::new();
        fs::create_dir(room.path("data")).unwrap();
        fs::copy(self.inside("location.redb"), room.path("data/location.redb")).unwrap();
        self.registrar.signal(Signal::SIGKILL);
        self.registrar.finish();
        (Registrar::run(&["--listen", "udp:127.0.0.1:0", "--data-dir", &room.path("data")]), room)
    }
}

fn aor(user: usize) -> String {
    format!("sip:user{user}@example.com")
}

/// Registers a user with many contacts.
fn register(user: usize) -> Request {
    let uri = |n| format!("<sip:{n}@127.0.0.1:7777;x={}>", "x".repeat(400));
    (0..CONTACTS).fold(Request::register(&aor(user)).expires(3600), |request, n| request.contact(&uri(n)))
}

fn assert_refused(response: &Response) {
    assert_eq!((response.status(), response.header("Retry-After")), (503, "10"), "{}", response.text());
}

fn a_full_disk(disk: Disk) {
    let mut house = House::new(disk);
    let registrar = house.registrar.udp();
    let mut phone = Phone::udp(registrar);
    let first = register(0);
    assert_eq!(phone.ask(&first).contacts().len(), CONTACTS);
    for user in 1..BEFORE {
        assert_eq!(phone.ask(&register(user)).contacts().len(), CONTACTS);
    }

    house.fill();
    let mut kept = BEFORE;
    let refused = loop {
        assert!(kept < USERS, "{disk:?} is never full");
        let response = phone.ask(&register(kept));
        if response.status() == 503 {
            break response;
        }
        assert_eq!(response.contacts().len(), CONTACTS);
        kept += 1;
    };
    assert_refused(&refused);
    println!("{disk:?}: full after {kept} users");
    house.registrar.wait_for("bindings cannot be written to disk");
    // The directory is still its own.
    let mut other = Command::new(env!("CARGO_BIN_EXE_registrar"));
    let other = other.args(["location", "verify", "--data-dir"]).arg(house.inside("")).output().unwrap();
    assert_eq!(other.status.code(), Some(69), "{}", String::from_utf8_lossy(&other.stderr));

    // Neither an addition nor a renewal nor a removal is taken, and none of them has happened.
    assert_refused(&phone.ask(&register(kept + 1)));
    assert_refused(&phone.ask(&Request { more: register(0).more, ..first.next() }));
    assert_refused(&phone.ask(&first.next().contact("*").expires(0)));
    let counts = |registrar, users: std::ops::Range<usize>| -> Vec<usize> {
        users.map(|user| contacts_of(registrar, &aor(user)).len()).collect()
    };
    assert_eq!(counts(registrar, 0..kept), vec![CONTACTS; kept], "what was acknowledged is there");
    assert_eq!(counts(registrar, kept..kept + 2), [0, 0], "what was refused is not");
    // What changes nothing is served: a redirection, and what is wrong in itself.
    let call = Request::new("INVITE", &aor(0), &aor(0));
    assert_eq!(phone.ask(&call).contacts().len(), CONTACTS);
    assert_eq!(phone.ask(&register(9).next().contact("<sip:9@127.0.0.1>").expires(1)).status(), 423);

    house.make_room();
    let deadline = Instant::now() + PATIENCE;
    // The first that succeeds is another user, so that the refused ones stay as they are.
    let late = kept + 2;
    loop {
        let response = phone.ask(&register(late));
        if response.status() == 200 {
            break;
        }
        assert_refused(&response);
        assert!(Instant::now() < deadline, "{disk:?} has room, and is not used again");
        std::thread::park_timeout(Duration::from_millis(100));
    }
    house.registrar.wait_for("bindings are written to disk again");
    let wanted: Vec<_> = (0..=late).map(|user| if user < kept || user == late { CONTACTS } else { 0 }).collect();
    assert_eq!(counts(registrar, 0..late + 1), wanted);
    assert_eq!(phone.ask(&first.next().contact("*").expires(0)).contacts().len(), 0);

    // The file says the same.
    let (after, _room) = house.after_a_crash();
    let wanted: Vec<_> =
        wanted.into_iter().enumerate().map(|(user, count)| if user == 0 { 0 } else { count }).collect();
    assert_eq!(counts(after.udp(), 0..late + 1), wanted);
    after.stop();
}

#[test]
fn a_full_disk_refuses_what_it_cannot_keep_and_recovers_without_a_restart() {
    let namespaces = Command::new("unshare").args(["--map-root-user", "--mount", "true"]).output();
    let allowed = namespaces.is_ok_and(|output| output.status.success());
    if allowed {
        a_full_disk(Disk::Small);
    } else {
        // Some containers forbid it. The test below shows the same with another bound.
        assert!(std::env::var_os("CI").is_none(), "the CI needs unshare --map-root-user --mount");
        println!("NOT TESTED on a file system of its own: unshare --map-root-user --mount is not allowed here");
    }
}

#[test]
fn a_file_that_may_not_grow_refuses_what_it_cannot_keep_and_recovers_without_a_restart() {
    a_full_disk(Disk::Limited);
}

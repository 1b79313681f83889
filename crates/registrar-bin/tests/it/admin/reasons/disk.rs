//! A disk that keeps nothing, and one that does not come back.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::ptrace;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use sip_dispatch::reason;
use sip_registrar::reason as registrations;

use super::super::Administered;
use super::House;
use super::house::{ALICE, register};
use crate::harness::{PATIENCE, Request};

pub(super) fn a_disk_that_fails() -> Vec<&'static str> {
    let mut house = House::of(Administered::on_disk(""));
    let file = house.registrar.room.path("data/location.redb");
    house.registrar.limit_files(&fs::metadata(file).unwrap().len().to_string());
    let long = |n: usize| format!("<sip:{n}@192.0.2.7;x={}>", "x".repeat(900));
    let fills = (0..4000).find(|n| {
        let other = Request::register(&format!("sip:user{n}@example.com")).contact(&long(*n));
        house.phone.ask(&other).status() == 503
    });
    assert!(fills.is_some(), "the disk is never full");
    house.ends(registrations::STORE_UNAVAILABLE, &register());
    house.registrar.limit_files("unlimited");
    house.told()
}

pub(super) fn a_disk_that_hangs() -> Vec<&'static str> {
    let mut house = House::of(Administered::on_disk(""));
    assert_eq!(house.phone.ask(&Request::register(ALICE)).status(), 200);
    let process = house.registrar.registrar.pid();
    let writer = Halted::new(process, thread(process, "location"));
    let text = house.phone.text(&register());
    house.phone.send(text.as_bytes());
    house.tells(reason::PENDING_LOST);
    assert_eq!(house.phone.receive().status(), 500);
    drop(writer);
    house.told()
}

/// The thread of this name.
fn thread(process: Pid, name: &str) -> Pid {
    let mut threads = fs::read_dir(format!("/proc/{process}/task")).unwrap().map(|entry| entry.unwrap().path());
    let is_it = |path: &Path| fs::read_to_string(path.join("comm")).unwrap().trim_end() == name;
    let path = threads.find(|path| is_it(path)).unwrap();
    Pid::from_raw(path.file_name().unwrap().to_str().unwrap().parse().unwrap())
}

/// Waits until a thread sleeps: halted while it works it could hold what all others need, as the allocator's lock.
fn wait_until_idle(process: Pid, thread: Pid) {
    let deadline = Instant::now() + PATIENCE;
    let sleeps = || {
        let stat = fs::read_to_string(format!("/proc/{process}/task/{thread}/stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.starts_with('S')
    };
    // More than once: it may sleep for a moment in the middle of its work.
    let mut times = 0;
    while times < 5 {
        assert!(Instant::now() < deadline, "it never sleeps");
        times = if sleeps() { times + 1 } else { 0 };
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// A thread that stands still as long as this lives, as one does that waits for a disk.
struct Halted(Pid);

impl Halted {
    /// `process`: whose thread it is.
    fn new(process: Pid, thread: Pid) -> Self {
        wait_until_idle(process, thread);
        ptrace::seize(thread, ptrace::Options::empty()).unwrap();
        ptrace::interrupt(thread).unwrap();
        waitpid(thread, Some(nix::sys::wait::WaitPidFlag::__WALL)).unwrap();
        Self(thread)
    }
}

impl Drop for Halted {
    fn drop(&mut self) {
        ptrace::detach(self.0, None).unwrap();
    }
}

//! A database server started by a test. It does not outlive it.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, chown, geteuid};

use super::PATIENCE;

pub(crate) struct Server {
    command: Command,
    /// What it prints when it is ready.
    ready: &'static str,
    child: Child,
    lines: Receiver<String>,
}

impl Server {
    /// Starts it, and waits until it says that it is ready.
    pub(crate) fn start(mut command: Command, ready: &'static str) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let (child, lines) = spawn(&mut command);
        let mut server = Self { command, ready, child, lines };
        server.wait_until_ready();
        server
    }

    /// Once more, after it was stopped.
    pub(crate) fn start_again(&mut self) {
        (self.child, self.lines) = spawn(&mut self.command);
        self.wait_until_ready();
    }

    /// Lets it end in its own way.
    pub(crate) fn stop(&mut self, signal: Signal) {
        self.signal(signal);
        self.child.wait().unwrap();
    }

    /// It and its processes are gone at once.
    pub(crate) fn kill(&mut self) {
        self.signal_all(Signal::SIGKILL);
        self.child.wait().unwrap();
    }

    /// Sends it to all its processes.
    pub(crate) fn signal_all(&self, signal: Signal) {
        let children = children(self.child.id());
        self.signal(signal);
        for child in children {
            // One that ended meanwhile is as wanted.
            let _ = kill(child, signal);
        }
    }

    fn signal(&self, signal: Signal) {
        kill(pid(self.child.id()), signal).unwrap();
    }

    fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        let mut printed = String::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else { panic!("{:?}\n{printed}", self.command) };
            if line.contains(self.ready) {
                return;
            }
            printed.push_str(&line);
            printed.push('\n');
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal_all(Signal::SIGCONT);
            self.kill();
        }
    }
}

fn spawn(command: &mut Command) -> (Child, Receiver<String>) {
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (sender, lines) = channel();
    let output = BufReader::new(child.stderr.take().unwrap());
    // Ends with the output, be it that nobody listens to it any more.
    std::thread::spawn(move || output.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
    (child, lines)
}

fn children(process: u32) -> Vec<Pid> {
    let list = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    list.split_whitespace().map(|child| pid(child.parse().unwrap())).collect()
}

fn pid(process: u32) -> Pid {
    Pid::from_raw(process.try_into().unwrap())
}

/// Database servers refuse to be root's: then it is somebody else's, and so is the folder.
pub(crate) fn as_ordinary_user(command: &mut Command, folder: &Path) {
    if geteuid().is_root() {
        let user = User::from_name("nobody").unwrap().unwrap();
        chown(folder, Some(user.uid), Some(user.gid)).unwrap();
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command.current_dir(folder);
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let printed = [output.stdout, output.stderr].map(|printed| String::from_utf8_lossy(&printed).into_owned());
    assert!(output.status.success(), "{command:?}\n{}", printed.concat());
}

/// A port of the loopback that nobody uses.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

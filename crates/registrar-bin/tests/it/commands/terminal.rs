//! Commands on a terminal: colours, widths, and the live view.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::fake::Fake;
use crate::harness::PATIENCE;

/// A program on a terminal of 80 columns and 24 lines.
pub(super) struct OnTerminal {
    child: Child,
    keyboard: Arc<PtyMaster>,
    shown: Receiver<Vec<u8>>,
    screen: String,
}

impl OnTerminal {
    /// Starts `registrar` with these words, as a shell reads them.
    pub(super) fn start(words: &str, change: impl FnOnce(&mut Command)) -> Self {
        let (keyboard, slave) = terminal();
        let mut command = Command::new("setsid");
        let script = format!("stty rows 24 cols 80; exec {} {words}", env!("CARGO_BIN_EXE_registrar"));
        command.args(["--ctty", "--wait", "sh", "-c", &script]).env("TERM", "xterm").env_remove("NO_COLOR");
        let again = slave.try_clone().unwrap();
        command.stdin(Stdio::from(slave)).stdout(Stdio::from(again)).stderr(Stdio::null());
        change(&mut command);
        let child = command.spawn().unwrap();
        let (keyboard, (sender, shown)) = (Arc::new(keyboard), channel());
        let screen = Arc::clone(&keyboard);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // When the program has ended nobody has the other end any more, and reading ends with an error.
            while let Ok(n @ 1..) = (&*screen).read(&mut bytes) {
                if sender.send(bytes[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keyboard, shown, screen: String::new() }
    }

    /// Waits until this has been shown. What is drawn leaves out blanks, so it has to be one word.
    pub(super) fn wait_for(&mut self, word: &str) {
        while !self.screen.contains(word) {
            let more = self.shown.recv_timeout(PATIENCE);
            let more = more.unwrap_or_else(|error| panic!("no {word:?} ({error}): {:?}", self.screen));
            self.screen += &String::from_utf8_lossy(&more);
        }
    }

    pub(super) fn type_in(&self, keys: &str) {
        (&*self.keyboard).write_all(keys.as_bytes()).unwrap();
    }

    /// Its exit code and all that it has shown.
    pub(super) fn finish(mut self) -> (Option<i32>, String) {
        loop {
            match self.shown.recv_timeout(PATIENCE) {
                Ok(more) => self.screen += &String::from_utf8_lossy(&more),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end: {:?}", self.screen),
            }
        }
        (self.child.wait().unwrap().code(), std::mem::take(&mut self.screen))
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        // setsid, whose terminal goes with it, and the program with that.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn terminal() -> (PtyMaster, File) {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname_r(&master).unwrap();
    let slave = OpenOptions::new().read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits()).open(name);
    (master, slave.unwrap())
}

/// The text without what commands the terminal.
fn plain(screen: &str) -> String {
    let mut text = String::new();
    let mut rest = screen;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        text += before;
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').get(1..).unwrap_or_default();
    }
    text + rest
}

#[test]
fn tables_fit_it_and_have_colours_unless_these_are_not_wanted() {
    let fake = Fake::start();
    let words = format!("list --socket {}", fake.socket);
    let (code, coloured) = OnTerminal::start(&words, |_| {}).finish();
    assert_eq!(code, Some(0));
    assert!(coloured.contains("\u{1b}["), "{coloured:?}");
    let text = plain(&coloured);
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let (code, without) = OnTerminal::start(&words, |command| {
        command.env("NO_COLOR", "1");
    })
    .finish();
    assert_eq!(code, Some(0));
    assert!(!without.contains('\u{1b}'), "{without:?}");
    // Behind the last heading the one has a blank more.
    let trimmed = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(trimmed(&without), trimmed(&text));
}

/// What takes and gives back the screen.
const TAKES: &str = "\u{1b}[?1049h";
const GIVES_BACK: &str = "\u{1b}[?1049l";

#[test]
fn the_live_view_is_shown_until_q_is_typed() {
    let fake = Fake::start();
    let mut top = OnTerminal::start(&format!("top --every 0.05 --socket {}", fake.socket), |_| {});
    top.wait_for("serving");
    top.wait_for("wrong-password");
    top.type_in("x");
    top.type_in("q");
    let (code, screen) = top.finish();
    assert_eq!(code, Some(0));
    let (before, after) = screen.split_once(TAKES).expect("the screen");
    assert!(before.is_empty() && after.contains(GIVES_BACK), "{screen:?}");
}

#[test]
fn the_live_view_gives_the_screen_back_on_every_way_out() {
    for (keys, signal) in [("\u{3}", None), ("\u{1b}", None), ("", Some(Signal::SIGTERM)), ("", Some(Signal::SIGHUP))] {
        let fake = Fake::start();
        let mut top = OnTerminal::start(&format!("top --socket {}", fake.socket), |_| {});
        top.wait_for("quits");
        match signal {
            None => top.type_in(keys),
            // setsid waits for the program, which is its child.
            Some(signal) => kill(child_of(top.child.id()), signal).unwrap(),
        }
        let (code, screen) = top.finish();
        assert_eq!(code, Some(0), "{keys:?} {signal:?}");
        assert!(screen.contains(GIVES_BACK), "{screen:?}");
    }
}

fn child_of(parent: u32) -> Pid {
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
    let child = children.split_whitespace().next().map(|pid| pid.parse().unwrap());
    Pid::from_raw(child.unwrap_or_else(|| parent.try_into().unwrap()))
}

#[test]
fn without_a_terminal_there_is_no_live_view() {
    let fake = Fake::start();
    let finished = super::run(&["top", "--socket", &fake.socket]);
    assert_eq!(finished.code, Some(69), "{finished:?}");
    assert!(finished.err.contains("registrar status is for scripts"), "{finished:?}");
}

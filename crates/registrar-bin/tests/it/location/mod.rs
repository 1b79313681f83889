//! The table on disk, and `registrar location`.

mod export;
mod import;
mod restart;
mod upkeep;

use std::fs::{self, File};

use crate::harness::{Finished, Registrar, Room, command};

/// A data directory of a test's own.
struct Table {
    room: Room,
    directory: String,
}

impl Table {
    /// There is nothing yet.
    fn new() -> Self {
        let room = Room::new();
        let directory = room.path("data");
        Self { room, directory }
    }

    /// A registrar on it.
    fn serve(&self) -> Registrar {
        Registrar::run(&["--listen", "udp:127.0.0.1:0", "--listen", "tcp:127.0.0.1:0", "--data-dir", &self.directory])
    }

    /// A registrar on it with these settings in its file.
    fn serve_with(&self, settings: &str) -> Registrar {
        let text = format!("listen = 'udp:127.0.0.1:0'\n[location]\ndirectory = '{}'\n{settings}\n", self.directory);
        Registrar::run(&["--config", &self.room.file("registrar.toml", &text)])
    }

    /// `registrar location ARGS --data-dir DIR`, with this on standard input.
    fn run(&self, args: &[&str], input: &str) -> Finished {
        let input = File::open(self.room.file("input", input)).unwrap();
        let mut command = command();
        command.arg("location").args(args).args(["--data-dir", &self.directory]).stdin(input);
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Finished { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The same, expecting that it succeeds.
    fn done(&self, args: &[&str], input: &str) -> Finished {
        let finished = self.run(args, input);
        assert_eq!(finished.code, Some(0), "{args:?}: {}", finished.err);
        finished
    }

    /// The same, expecting that it fails with this code, says this, prints nothing and changes nothing.
    fn refused(&self, args: &[&str], input: &str, code: i32, said: &[&str]) {
        let before = self.bytes();
        let finished = self.run(args, input);
        assert_eq!((finished.code, finished.out.as_str()), (Some(code), ""), "{args:?}: {}", finished.err);
        for part in said {
            assert!(finished.err.contains(part), "{args:?}: no {part:?} in {}", finished.err);
        }
        assert!(self.bytes() == before, "{args:?} changed something");
    }

    /// The file; `None` if there is none.
    fn bytes(&self) -> Option<Vec<u8>> {
        fs::read(self.file()).ok()
    }

    fn file(&self) -> String {
        format!("{}/location.redb", self.directory)
    }

    /// What is exported, in the order of the addresses.
    fn exported(&self) -> Vec<serde_json::Value> {
        let out = self.done(&["export"], "").out;
        let mut lines: Vec<_> = out.lines().collect();
        lines.sort_unstable();
        lines.into_iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The lines without the times at which they end, and those in milliseconds of their day.
fn without_ends(lines: &[serde_json::Value]) -> (Vec<serde_json::Value>, Vec<i64>) {
    let (mut lines, mut ends) = (lines.to_vec(), Vec::new());
    for binding in lines.iter_mut().flat_map(|line| line["bindings"].as_array_mut().unwrap()) {
        let end = binding.as_object_mut().unwrap().remove("expires_at").unwrap();
        let (_, time) = end.as_str().unwrap().split_once('T').unwrap();
        let number = |text: &str| text.parse::<i64>().unwrap();
        let seconds = number(&time[..2]) * 3600 + number(&time[3..5]) * 60 + number(&time[6..8]);
        ends.push(seconds * 1000 + number(&time[9..12]));
    }
    (lines, ends)
}

//! `registrar user`, and a registrar whose users change.

mod edit;
mod import;
mod reload;
mod terminal;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;

use crate::harness::{Finished, Room, command};

/// MD5 of alice:example.com:secret.
const ALICE: &str = "md5 = \"b1726872c344b6dc8365b774f8fd6412\"";

/// A users file in a room of its own.
struct Users {
    room: Room,
    path: String,
}

impl Users {
    /// There is no file yet.
    fn none() -> Self {
        let room = Room::new();
        let path = room.path("users.toml");
        Self { room, path }
    }

    fn with(text: &str) -> Self {
        let users = Self::none();
        users.write(text);
        users
    }

    fn write(&self, text: &str) {
        fs::write(&self.path, text).unwrap();
        fs::set_permissions(&self.path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }

    fn mode(&self) -> u32 {
        fs::metadata(&self.path).unwrap().permissions().mode() & 0o777
    }

    /// `registrar user ARGS --file FILE`, with this on standard input.
    fn run(&self, args: &[&str], input: &str) -> Finished {
        run(&[&["user"], args, &["--file", &self.path]].concat(), &self.room, input)
    }

    /// The same, expecting that it succeeds; what it prints.
    fn done(&self, args: &[&str], input: &str) -> String {
        let finished = self.run(args, input);
        assert_eq!(finished.code, Some(0), "{args:?}: {}", finished.err);
        finished.out
    }

    /// The same, expecting that it fails with this code, says this, prints nothing and changes nothing.
    fn refused(&self, args: &[&str], input: &str, code: i32, said: &[&str]) {
        let before = fs::read(&self.path).ok();
        let finished = self.run(args, input);
        assert_eq!((finished.code, finished.out.as_str()), (Some(code), ""), "{args:?}: {}", finished.err);
        for part in said {
            assert!(finished.err.contains(part), "{args:?}: no {part:?} in {}", finished.err);
        }
        assert_eq!(fs::read(&self.path).ok(), before, "{args:?}");
    }

    /// The addresses in the file, in its order.
    fn addresses(&self) -> Vec<String> {
        let list: serde_json::Value = serde_json::from_str(&self.done(&["list", "--json"], "")).unwrap();
        let list = list.as_array().unwrap();
        list.iter().map(|user| user["address"].as_str().unwrap().to_owned()).collect()
    }
}

fn run(args: &[&str], room: &Room, input: &str) -> Finished {
    let input = File::open(room.file("input", input)).unwrap();
    let output = command().args(args).stdin(input).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Finished { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

//! What is imported, read bit by bit.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Failure;
use crate::location::progress::Bar;
use crate::time::WallMillis;

/// A file, or standard input.
pub(super) struct Input {
    pub(super) name: String,
    /// When a file was written last.
    pub(super) written_at: Option<WallMillis>,
    reader: BufReader<Counted>,
}

struct Counted {
    inner: Box<dyn Read>,
    bar: Bar,
}

impl Input {
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let (name, length, written_at, inner): (_, _, _, Box<dyn Read>) = match path {
            Some(path) if path != Path::new("-") => {
                let name = path.display().to_string();
                let file = File::open(path).map_err(|error| unreadable(&name, &error))?;
                let found = file.metadata().map_err(|error| unreadable(&name, &error))?;
                let length = found.is_file().then_some(found.len());
                (name, length, found.modified().ok().and_then(millis), Box::new(file))
            }
            _ => ("standard input".to_owned(), None, None, Box::new(io::stdin().lock())),
        };
        let reader = BufReader::with_capacity(1 << 16, Counted { inner, bar: Bar::bytes("reading", length) });
        Ok(Self { name, written_at, reader })
    }

    /// What comes next, without taking it: at least a whole line, as long as one fits into the buffer. Nothing at the end.
    pub(super) fn peek(&mut self) -> Result<&[u8], Failure> {
        let name = &self.name;
        self.reader.fill_buf().map_err(|error| unreadable(name, &error))
    }

    pub(super) fn reader(&mut self) -> &mut impl BufRead {
        &mut self.reader
    }

    /// Gives each line without its end, with its number.
    pub(super) fn for_each_line(&mut self, mut each: impl FnMut(u64, &[u8])) -> Result<(), Failure> {
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            // No line is longer than what it says of 255 bindings; more is no line.
            let limited = &mut (&mut self.reader).take(MAX_LINE);
            if limited.read_until(b'\n', &mut line).map_err(|error| unreadable(&self.name, &error))? == 0 {
                break;
            }
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            each(number, text.strip_suffix(b"\r").unwrap_or(text));
        }
        Ok(())
    }
}

/// More than a line of 255 bindings with the longest texts has.
const MAX_LINE: u64 = 16 << 20;

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.bar.add(n);
        Ok(n)
    }
}

pub(super) fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::Machine(format!("error: cannot read {name}: {error}"))
}

fn millis(time: SystemTime) -> Option<WallMillis> {
    u64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

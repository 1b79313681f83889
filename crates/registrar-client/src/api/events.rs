//! Server-sent events (HTML Living Standard §9.2.6), as far as the API sends them.

use registrar_api::{Event, EventKind, Missed};

use super::Error;
use super::lines::RawLines;

/// Which events are told: all that fit everything that is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Empty: all kinds.
    pub kinds: Vec<EventKind>,
    /// The domain: whole.
    pub domain: Option<String>,
    /// The address of record.
    pub aor: Option<String>,
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Something happened.
    Event(Box<Event>),
    /// This reader was too slow.
    Missed(Missed),
}

/// Events as they happen.
pub struct Events(RawLines);

impl Events {
    pub(super) fn new(raw: RawLines) -> Self {
        Self(raw)
    }

    /// The next; `None` when the registrar has ended the stream.
    ///
    /// # Errors
    /// The connection broke, or what came is no event.
    pub async fn next(&mut self) -> Result<Option<Told>, Error> {
        let target = self.0.target().to_owned();
        let (mut name, mut data) = (Vec::new(), Vec::new());
        loop {
            let Some(line) = self.0.next().await? else { return Ok(None) };
            if line.is_empty() {
                // An empty line ends an event; without data there was none, but a comment or a name.
                if !data.is_empty() {
                    return read(&name, &data)
                        .map(Some)
                        .map_err(|error| Error::Strange { target, what: error.to_string() });
                }
                name.clear();
            } else if let Some(value) = field(line, b"data") {
                if !data.is_empty() {
                    data.push(b'\n');
                }
                data.extend_from_slice(value);
            } else if let Some(value) = field(line, b"event") {
                name = value.to_vec();
            }
        }
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Events").field(&self.0.target()).finish()
    }
}

fn read(name: &[u8], data: &[u8]) -> serde_json::Result<Told> {
    if name == b"missed" {
        serde_json::from_slice(data).map(Told::Missed)
    } else {
        serde_json::from_slice(data).map(Told::Event)
    }
}

/// The value of a line if it is of this field. One space behind the colon does not count.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let value = line.strip_prefix(name)?.strip_prefix(b":")?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}

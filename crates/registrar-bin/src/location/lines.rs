//! A record as a line of JSON: what `export` writes and `import` reads.
//!
//! What can be read from the contact (its URI, instance, reg-id and q) is not repeated beside it.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use sip_registrar::{Aor, Binding, CodecError, Record, RecordBuilder, Tie};
use sip_transport::{Flow, LegId, Now, Timestamp, Transport};

use super::bindings::{ContactParts, Texts};
use super::bytes;
use crate::time;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    aor: String,
    bindings: Vec<BindingLine>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BindingLine {
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_base64: Option<String>,
    expires_at: String,
    granted: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_id_base64: Option<String>,
    cseq: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent_base64: Option<String>,
    source: String,
    leg: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow: Option<String>,
    /// Only if it is not what the flow and the path let expect.
    #[serde(skip_serializing_if = "Option::is_none")]
    tie: Option<String>,
}

/// The line of a record with its end; `None` if nothing in it is left.
///
/// # Errors
/// It cannot be written as JSON.
pub(super) fn write(record: &Record, now: Now) -> serde_json::Result<Option<String>> {
    let bindings: Vec<_> = record.live(now.at).map(|binding| write_binding(&binding, now)).collect();
    let line = Line { aor: record.aor().to_string(), bindings };
    (!line.bindings.is_empty()).then(|| serde_json::to_string(&line).map(|line| line + "\n")).transpose()
}

fn write_binding(binding: &Binding<'_>, now: Now) -> BindingLine {
    let (contact, contact_base64) = bytes::to_json(binding.contact);
    let some = |text: &[u8]| if text.is_empty() { (None, None) } else { bytes::to_json(text) };
    let (call_id, call_id_base64) = some(binding.call_id);
    let (path, path_base64) = some(binding.path);
    let (user_agent, user_agent_base64) = some(binding.user_agent);
    BindingLine {
        contact,
        contact_base64,
        expires_at: time::rfc3339(now.wall.saturating_add(binding.expires_at.millis_since(now.at))),
        granted: binding.granted,
        call_id,
        call_id_base64,
        cseq: binding.cseq,
        path,
        path_base64,
        user_agent,
        user_agent_base64,
        source: format!("{}:{}", binding.transport.name().to_lowercase(), binding.source),
        leg: binding.leg.0,
        flow: binding.flow.map(|flow| flow.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect()),
        tie: (binding.tie != Tie::of_old(binding.flow, binding.path)).then(|| tie_name(binding.tie).to_owned()),
    }
}

/// What a line says.
pub(super) struct Read {
    /// `None`: everything in it has expired.
    pub(super) record: Option<Record>,
    /// Bindings that have expired, and are left out.
    pub(super) expired: usize,
}

/// A record whose versions begin anew.
///
/// # Errors
/// What is wrong with the line.
pub(super) fn read(line: &[u8], now: Now) -> Result<Read, String> {
    let line: Line = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let (mut canonical, mut scratch) = (Vec::new(), Vec::new());
    let aor = Aor::parse(&line.aor, &mut canonical).map_err(|error| format!("aor {:?}: {error}", line.aor))?;
    let mut builder = RecordBuilder::new(&mut scratch, &aor, 1);
    let expected = line.bindings.len();
    let mut expired = 0;
    for binding in line.bindings {
        expired += usize::from(!push(&mut builder, binding, now)?);
    }
    match builder.finish() {
        Ok(record) => Ok(Read { record: Some(record), expired }),
        Err(CodecError::Empty) if expected > 0 => Ok(Read { record: None, expired }),
        Err(CodecError::Empty) => Err(format!("{} has no bindings", line.aor)),
        Err(error) => Err(format!("{}: {error}", line.aor)),
    }
}

/// Gives whether it has not expired.
fn push(builder: &mut RecordBuilder<'_>, line: BindingLine, now: Now) -> Result<bool, String> {
    let contact = bytes::from_json("contact", line.contact, line.contact_base64)?.ok_or("a binding without contact")?;
    let parts = ContactParts::read(&contact)?;
    let texts = Texts {
        call_id: bytes::from_json("call_id", line.call_id, line.call_id_base64)?.unwrap_or_default(),
        path: bytes::from_json("path", line.path, line.path_base64)?.unwrap_or_default(),
        user_agent: bytes::from_json("user_agent", line.user_agent, line.user_agent_base64)?.unwrap_or_default(),
    };
    let texts = texts.checked()?;
    let (transport, source) = read_source(&line.source)
        .ok_or_else(|| format!("source {:?} is none, such as udp:192.0.2.1:5060", line.source))?;
    let flow =
        line.flow.map(|hex| read_flow(&hex).ok_or_else(|| format!("flow {hex:?} is none of 20 hexadecimal digits")));
    let flow = flow.transpose()?;
    let tie = match line.tie {
        None => Tie::of_old(flow, &texts.path),
        Some(name) => read_tie(&name).ok_or_else(|| format!("tie {name:?} is none of none, follows, suspect"))?,
    };
    let expires_at = time::from_rfc3339(&line.expires_at)
        .ok_or_else(|| format!("expires_at {:?} is no time, such as 2026-11-23T21:00:00.000Z", line.expires_at))?;
    let Some(left) = expires_at.checked_sub(now.wall).filter(|left| *left > 0) else { return Ok(false) };
    let binding = Binding {
        contact: &contact,
        uri: parts.uri.as_bytes(),
        instance: parts.instance,
        reg_id: parts.reg_id,
        q: parts.q,
        // No clock makes it last longer than it was granted.
        expires_at: Timestamp(now.at.plus_millis(left).0.min(now.at.plus_seconds(line.granted.into()).0)),
        granted: line.granted,
        call_id: &texts.call_id,
        cseq: line.cseq,
        path: &texts.path,
        user_agent: &texts.user_agent,
        source,
        transport,
        leg: LegId(line.leg),
        flow,
        tie,
    };
    let is_live = binding.is_live(now.at);
    if is_live {
        builder.push(&binding);
    }
    Ok(is_live)
}

fn tie_name(tie: Tie) -> &'static str {
    match tie {
        Tie::None => "none",
        Tie::Follows => "follows",
        Tie::Suspect => "suspect",
    }
}

fn read_tie(name: &str) -> Option<Tie> {
    [Tie::None, Tie::Follows, Tie::Suspect].into_iter().find(|tie| tie_name(*tie) == name)
}

/// As in `udp:192.0.2.1:5060`.
fn read_source(text: &str) -> Option<(Transport, SocketAddr)> {
    let (name, address) = text.split_once(':')?;
    Some((transport(name)?, address.parse().ok()?))
}

/// By its name in any case.
pub(super) fn transport(name: &str) -> Option<Transport> {
    let all = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];
    all.into_iter().find(|transport| transport.name().eq_ignore_ascii_case(name))
}

fn read_flow(hex: &str) -> Option<Flow> {
    let mut digits = hex.chars().map(|digit| digit.to_digit(16));
    let mut bytes = [0; 10];
    for byte in &mut bytes {
        *byte = u8::try_from(digits.next()?? * 16 + digits.next()??).ok()?;
    }
    digits.next().is_none().then(|| Flow::from_bytes(bytes))
}

#[cfg(test)]
mod tests;

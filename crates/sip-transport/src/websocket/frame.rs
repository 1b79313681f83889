//! Frames (RFC 6455 §5): reading their headers as a server must, and writing them.

use std::io::Cursor;

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};

use super::Fault;

/// RFC 6455 §5.5: the longest payload of a control frame.
const LONGEST_CONTROL: u64 = 125;

/// The header of a frame that a client may send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) opcode: OpCode,
    pub(super) is_final: bool,
    /// Length of the payload.
    pub(super) payload: usize,
    /// Length of the header itself.
    header: usize,
    mask: [u8; 4],
}

impl Header {
    /// `None` as long as it is not whole.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<Self>, Fault> {
        let mut cursor = Cursor::new(bytes);
        let Some((header, payload)) = FrameHeader::parse(&mut cursor).map_err(|_| Fault::Protocol)? else {
            return Ok(None);
        };
        // A client masks, and no extension has been agreed to that would use the reserved bits.
        let (Some(mask), false) = (header.mask, header.rsv1 || header.rsv2 || header.rsv3) else {
            return Err(Fault::Protocol);
        };
        // The length must be written in as few bytes as it needs.
        if u64::try_from(header.len(payload)) != Ok(cursor.position()) {
            return Err(Fault::Protocol);
        }
        let (opcode, is_final) = (header.opcode, header.is_final);
        if matches!(opcode, OpCode::Control(_)) && (payload > LONGEST_CONTROL || !is_final) {
            return Err(Fault::Protocol);
        }
        let header = header.len(payload);
        let payload = usize::try_from(payload).map_err(|_| Fault::TooLong)?;
        Ok(Some(Self { opcode, is_final, payload, header, mask }))
    }

    /// Length of the frame, header and payload.
    pub(super) fn length(&self) -> usize {
        self.header.saturating_add(self.payload)
    }

    /// The payload, unmasked where it stands; `None` as long as it is not whole.
    pub(super) fn payload_mut<'b>(&self, bytes: &'b mut [u8]) -> Option<&'b [u8]> {
        let payload = bytes.get_mut(self.header..self.length())?;
        let (quads, rest) = payload.as_chunks_mut::<4>();
        let mask = u32::from_ne_bytes(self.mask);
        for quad in quads {
            *quad = (u32::from_ne_bytes(*quad) ^ mask).to_ne_bytes();
        }
        rest.iter_mut().zip(self.mask).for_each(|(byte, mask)| *byte ^= mask);
        Some(payload)
    }
}

/// RFC 6455 §5.5.1, §7.4: nothing, or a status code that may be sent and a reason in UTF-8.
pub(super) fn check_close(payload: &[u8]) -> Result<(), Fault> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Ok(()) } else { Err(Fault::Protocol) };
    };
    if !CloseCode::from(u16::from_be_bytes(*code)).is_allowed() {
        return Err(Fault::Protocol);
    }
    std::str::from_utf8(reason).map(|_| ()).map_err(|_| Fault::NotUtf8)
}

/// Appends one SIP message as one frame: text, or binary if it is no UTF-8 (RFC 7118 §5).
pub fn write_message(sip: &[u8], out: &mut Vec<u8>) {
    let data = if std::str::from_utf8(sip).is_ok() { Data::Text } else { Data::Binary };
    write(OpCode::Data(data), sip, out);
}

/// Appends a ping, which is answered with a pong that carries the same payload.
pub fn write_ping(payload: [u8; 8], out: &mut Vec<u8>) {
    write(OpCode::Control(Control::Ping), &payload, out);
}

/// Appends a Close with a status code of RFC 6455 §7.4.1 and no reason. Nothing may follow it.
pub fn write_close(code: u16, out: &mut Vec<u8>) {
    write(OpCode::Control(Control::Close), &code.to_be_bytes(), out);
}

/// Appends a frame as a server sends it: whole and unmasked.
pub(super) fn write(opcode: OpCode, payload: &[u8], out: &mut Vec<u8>) {
    let header = FrameHeader { opcode, ..FrameHeader::default() };
    // Writing to memory does not fail.
    let _ = header.format(u64::try_from(payload.len()).unwrap_or(u64::MAX), out);
    out.extend_from_slice(payload);
}

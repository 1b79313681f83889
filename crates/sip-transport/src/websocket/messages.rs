//! Frames become messages (RFC 6455 §5.4), and control frames are answered (§5.5).

use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::frame::{Header, check_close, write, write_message};
use super::{End, Fault, Step};

/// What is held between two frames: a message of which not all fragments have come, or one that has just been handed out.
#[derive(Debug, Default)]
pub(super) struct Messages(Option<Box<Assembly>>);

/// The fragments of a message one behind the other.
#[derive(Debug)]
struct Assembly {
    is_text: bool,
    is_whole: bool,
    bytes: Vec<u8>,
}

impl Messages {
    pub(super) fn is_within(&self) -> bool {
        self.0.as_ref().is_some_and(|assembly| !assembly.is_whole)
    }

    /// Takes the next frame if it is whole; refuses it by its header if it may not stand here.
    pub(super) fn next<'b>(
        &'b mut self,
        bytes: &'b mut [u8],
        max_message: usize,
        out: &mut Vec<u8>,
    ) -> Result<Step<'b>, Fault> {
        self.0.take_if(|assembly| assembly.is_whole);
        let Some(header) = Header::read(bytes)? else { return Ok(Step::NeedMore) };
        if let OpCode::Data(data) = header.opcode {
            if (data == Data::Continue) != self.0.is_some() {
                return Err(Fault::Protocol);
            }
            let held = self.0.as_ref().map_or(0, |assembly| assembly.bytes.len());
            if header.payload > max_message.saturating_sub(held) {
                return Err(Fault::TooLong);
            }
        }
        let consumed = header.length();
        let Some(payload) = header.payload_mut(bytes) else { return Ok(Step::NeedMore) };
        match header.opcode {
            OpCode::Data(data) => self.data(consumed, data, header.is_final, payload, out),
            OpCode::Control(Control::Close) => {
                check_close(payload)?;
                write(header.opcode, payload, out);
                Ok(Step::End(End::Closed))
            }
            OpCode::Control(Control::Pong) => Ok(Step::Pong { consumed, payload }),
            OpCode::Control(_) => {
                write(OpCode::Control(Control::Pong), payload, out);
                Ok(Step::Control { consumed })
            }
        }
    }

    fn data<'b>(
        &'b mut self,
        consumed: usize,
        data: Data,
        is_final: bool,
        payload: &'b [u8],
        out: &mut Vec<u8>,
    ) -> Result<Step<'b>, Fault> {
        if self.0.is_none() && !is_final {
            let bytes = payload.to_vec();
            self.0 = Some(Box::new(Assembly { is_text: data == Data::Text, is_whole: false, bytes }));
            return Ok(Step::Control { consumed });
        }
        let (is_text, message) = match &mut self.0 {
            None => (data == Data::Text, payload),
            Some(assembly) => {
                assembly.bytes.extend_from_slice(payload);
                assembly.is_whole = is_final;
                if !is_final {
                    return Ok(Step::Control { consumed });
                }
                (assembly.is_text, assembly.bytes.as_slice())
            }
        };
        if is_text && std::str::from_utf8(message).is_err() {
            return Err(Fault::NotUtf8);
        }
        let bytes = without_leading_line_ends(message);
        if !bytes.is_empty() {
            return Ok(Step::Message { consumed, bytes });
        }
        // RFC 5626 §4.4.1, which RFC 7118 §6 lets in: a double CRLF is answered with one.
        if message.len() >= 4 {
            write_message(b"\r\n", out);
        }
        Ok(Step::Control { consumed })
    }
}

fn without_leading_line_ends(mut bytes: &[u8]) -> &[u8] {
    while let [b'\r', b'\n', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

//! Reads a REGISTER and prints what a registrar wants to know of it.
//!
//! ```text
//! cargo run -p sip-message --example read_register                 the one beside this file
//! cargo run -p sip-message --example read_register -- FILE         another
//! cargo run -p sip-message --example read_register -- --repeat N   reads it N times, for counting instructions
//! ```
#![expect(clippy::print_stdout, reason = "a command-line example")]

use std::error::Error;
use std::hint::black_box;

use sip_message::header::{
    CSeq, CallId, ContactValue, ContentLength, Expires, From, MaxForwards, To, Token, UserAgent, Via,
};
use sip_message::{Fault, Framing, HeaderId, Index, Message, Method, ParseError, TooLong, Uri};

/// 600 bytes without credentials.
const REGISTER: &[u8] = include_bytes!("register.sip");

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut index = Index::new();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => print(&read_register(&mut index, REGISTER)?),
        ["--repeat", times] => {
            for _ in 0..times.parse()? {
                black_box(read_register(&mut index, black_box(REGISTER))?);
            }
        }
        [file] => print(&read_register(&mut index, &std::fs::read(file)?)?),
        _ => return Err("usage: read_register [FILE | --repeat N]".into()),
    }
    Ok(())
}

/// What a registrar reads; it borrows the bytes.
#[derive(Debug)]
struct Register<'a> {
    uri: Uri<'a>,
    via: Via<'a>,
    from: From<'a>,
    to: To<'a>,
    call_id: CallId<'a>,
    cseq: CSeq<'a>,
    max_forwards: Option<MaxForwards>,
    expires: Option<Expires>,
    content_length: Option<ContentLength>,
    user_agent: Option<UserAgent<'a>>,
    contact: Option<ContactValue<'a>>,
    contacts: usize,
    outbound: bool,
}

#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    TooLong(#[from] TooLong),
    #[error("the message is refused: {0}")]
    Fault(Fault),
    #[error("not a REGISTER request of SIP/2.0")]
    NotRegister,
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error(transparent)]
    Parse(#[from] ParseError),
}

/// One way through a message; what `cargo xtask instructions` counts.
#[inline(never)]
fn read_register<'a>(index: &'a mut Index, bytes: &'a [u8]) -> Result<Register<'a>, ReadError> {
    let message = index.read(bytes, Framing::Datagram)?;
    if let Some(fault) = message.fault() {
        return Err(ReadError::Fault(fault));
    }
    let request = message.request().filter(|request| request.method == Method::Register && request.version_2);
    let request = request.ok_or(ReadError::NotRegister)?;
    let mut contacts = message.list::<ContactValue<'_>>(HeaderId::Contact);
    let contact = contacts.next().transpose()?;
    Ok(Register {
        uri: Uri::parse(request.uri)?,
        via: message.list(HeaderId::Via).next().ok_or(ReadError::Missing("Via"))??,
        from: message.header()?.ok_or(ReadError::Missing("From"))?,
        to: message.header()?.ok_or(ReadError::Missing("To"))?,
        call_id: message.header()?.ok_or(ReadError::Missing("Call-ID"))?,
        cseq: message.header()?.ok_or(ReadError::Missing("CSeq"))?,
        max_forwards: message.header()?,
        expires: message.header()?,
        content_length: message.header()?,
        user_agent: message.header()?,
        contacts: contacts.try_fold(usize::from(contact.is_some()), |count, next| next.map(|_| count + 1))?,
        contact,
        outbound: supports(&message, b"outbound")?,
    })
}

fn supports(message: &Message<'_>, option: &[u8]) -> Result<bool, ParseError> {
    let mut found = false;
    for token in message.list::<Token<'_>>(HeaderId::Supported) {
        found |= token?.0.eq_ignore_ascii_case(option);
    }
    Ok(found)
}

fn print(register: &Register<'_>) {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    println!("registrar     {}", register.uri);
    println!("user          {}", register.to.0.uri);
    println!("registered by {} (tag {})", register.from.0.uri, text(register.from.0.tag.unwrap_or_default()));
    println!("call          {} {}", text(register.call_id.0), register.cseq.number);
    println!("comes by      {} from {}", text(register.via.transport), text(register.via.sent_by));
    println!("branch        {}", text(register.via.branch.unwrap_or_default()));
    match register.contact {
        None => println!("contacts      none: only asks who is registered"),
        Some(ContactValue::Star) => println!("contacts      *: all are to be removed"),
        Some(ContactValue::Addr(contact)) => {
            println!("contacts      {}, the first: {}", register.contacts, contact.uri);
            let expires = contact.expires.or(register.expires.map(|expires| expires.0));
            println!("for           {} s", expires.map_or("the usual number of".into(), |seconds| seconds.to_string()));
            println!("phone         {}", text(contact.instance.unwrap_or(b"does not say which one it is")));
        }
    }
    println!("outbound      {}", register.outbound);
    println!("software      {}", text(register.user_agent.map_or(b"not said".as_slice(), |agent| agent.0)));
    println!("hops left     {}", register.max_forwards.map_or("not said".into(), |hops| hops.0.to_string()));
    println!("body          {} bytes", register.content_length.map_or(0, |length| length.0));
}

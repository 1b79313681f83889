//! Reading allocates nothing: counted, not believed.
#![expect(unsafe_code, reason = "a global allocator cannot be written without it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use sip_message::frame::{FrameLimits, Framer};
use sip_message::header::{
    CSeq, CallId, ContactValue, ContentLength, ContentType, Credentials, Date, Expires, From, MaxForwards, NameAddr,
    To, Token, UserAgent, Via,
};
use sip_message::{Framing, HeaderId, Index, ResponseWriter, TopVia, Uri};

/// Counts for each thread apart, so that the test harness does not disturb.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is left to `System`; the counter is no allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}

/// Everything typed that a registrar may ask for.
fn read_all(index: &mut Index, bytes: &[u8]) {
    let Ok(message) = index.read(bytes, Framing::Datagram) else { return };
    black_box(message.fault());
    if let Some(request) = message.request() {
        black_box(Uri::parse(request.uri).is_ok());
    }
    let _ = black_box((message.header::<From<'_>>(), message.header::<To<'_>>(), message.header::<CSeq<'_>>()));
    let _ = black_box((message.header::<CallId<'_>>(), message.header::<MaxForwards>(), message.header::<Expires>()));
    let _ = black_box((message.header::<ContentLength>(), message.header::<UserAgent<'_>>(), message.header::<Date>()));
    let _ = black_box(message.header::<ContentType<'_>>());
    black_box(message.list::<Via<'_>>(HeaderId::Via).count());
    black_box(message.list::<ContactValue<'_>>(HeaderId::Contact).count());
    black_box(message.list::<NameAddr<'_>>(HeaderId::Route).count());
    black_box(message.list::<Token<'_>>(HeaderId::Supported).count());
    for line in message.lines(HeaderId::Authorization) {
        black_box(Credentials::parse(line).and_then(|credentials| credentials.digest()).is_ok());
    }
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(Box::new(1)))), 1);
    assert_eq!(allocations(|| ()), 0);
}

#[test]
fn reading_any_message_of_the_test_data_allocates_nothing() {
    let mut index = Index::new();
    let mut seen = 0;
    for folder in ["captures", "rfc4475", "rfc5118"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(allocations(|| read_all(&mut index, &bytes)), 0, "{}", path.display());
            let mut framer = Framer::new(FrameLimits::default());
            assert_eq!(allocations(|| _ = black_box(framer.next(&bytes))), 0, "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 100);
}

#[test]
fn an_answer_is_written_into_a_buffer_that_is_large_enough_without_allocating() {
    let mut index = Index::new();
    let bytes = include_bytes!("../examples/register.sip");
    let request = index.read(bytes, Framing::Datagram).unwrap();
    let mut buffer = Vec::with_capacity(1400);
    let via = request.top_via().unwrap();
    let top = TopVia { via: &via, received: Some([2001, 0xdb8, 0, 0, 0, 0, 0, 1].into()), rport: Some(5070) };
    let count = allocations(|| {
        let mut writer = ResponseWriter::answering(&mut buffer, 1400, request, (200, "OK"), &top, b"a1b2");
        writer.list(HeaderId::Contact, [("<sip:alice@192.0.2.4>", ";expires=", 60u32)]);
        writer.header(HeaderId::Date, Date(0).to_bytes());
        assert!(writer.finish(b"").is_ok());
    });
    assert_eq!(count, 0);
}

//! Path is stored with the binding and told in the answer (RFC 3327 §5.3).

use sip_message::HeaderId;

use crate::harness::{Server, builder, register};

#[test]
fn path_is_stored_in_order_and_copied_into_the_answer() {
    let mut server = Server::new(builder());
    let request = register("a").contact("<sip:a@h>");
    let request = request.header("Path: <sip:p3.example.com;lr>,<sip:p2;lr>").header("Path: <sip:p1;lr>;x=1");
    let response = server.send(&request);
    assert_eq!(response.lines(HeaderId::Path), ["<sip:p3.example.com;lr>,<sip:p2;lr>", "<sip:p1;lr>;x=1"]);
    let stored = b"<sip:p3.example.com;lr>,<sip:p2;lr>, <sip:p1;lr>;x=1";
    assert_eq!(server.record().unwrap().bindings().next().unwrap().path, stored);
    // A refresh brings its own.
    server.registers(&register("a").cseq(2).contact("<sip:a@h>").header("Path: <sip:p;lr>"));
    assert_eq!(server.record().unwrap().bindings().next().unwrap().path, b"<sip:p;lr>");
    server.registers(&register("a").cseq(3).contact("<sip:a@h>"));
    assert_eq!(server.record().unwrap().bindings().next().unwrap().path, b"");
}

#[test]
fn a_malformed_path_is_refused() {
    let mut server = Server::new(builder());
    for path in ["", "<sip:p", "p1", "<sip:p>,"] {
        let request = register("a").contact("<sip:a@h>").header(&format!("Path: {path}"));
        assert_eq!(server.refuses(&request), ("400 Bad Contact".to_owned(), "bad-contact"), "{path:?}");
    }
}

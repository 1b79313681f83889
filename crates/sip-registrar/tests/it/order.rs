//! Requests of one Call-ID in the order of their CSeq, each whole or not at all (RFC 3261 §10.3 step 7).

use crate::harness::{Server, builder, register};

const OUT_OF_ORDER: (&str, &str) = ("500 CSeq Out Of Order", "out-of-order");

fn refuses(server: &mut Server, request: &crate::harness::Request) {
    let (status, reason) = server.refuses(request);
    assert_eq!((status.as_str(), reason), OUT_OF_ORDER, "{}", request.text(0));
}

#[test]
fn bindings_that_a_request_does_not_name_stay() {
    let mut server = Server::new(builder());
    server.registers(&register("a").contact("<sip:a@h>").expires("60"));
    server.registers(&register("b").contact("<sip:b@h>").expires("60"));
    server.pass(10);
    let contacts = server.registers(&register("b").cseq(2).contact("<sip:b@h>").expires("60"));
    assert_eq!(contacts, ["<sip:b@h>;expires=60", "<sip:a@h>;expires=50"]);
    assert_eq!(server.registers(&register("b").cseq(3).contact("<sip:b@h>").expires("0")), ["<sip:a@h>;expires=50"]);
}

#[test]
fn a_lower_cseq_for_the_same_call_id_is_refused() {
    let mut server = Server::new(builder());
    server.registers(&register("a").cseq(5).contact("<sip:a@h>"));
    refuses(&mut server, &register("a").cseq(4).contact("<sip:a@h>"));
    refuses(&mut server, &register("a").cseq(4).contact("<sip:a@h>").expires("0"));
    refuses(&mut server, &register("a").cseq(5).contact("<sip:a@h>").expires("0"));
    server.registers(&register("a").cseq(6).contact("<sip:a@h>"));
    assert_eq!(server.record().unwrap().bindings().next().unwrap().cseq, 6);
}

#[test]
fn another_call_id_begins_a_new_count() {
    let mut server = Server::new(builder());
    server.registers(&register("a").cseq(500).contact("<sip:a@h>"));
    assert_eq!(server.registers(&register("b").cseq(1).contact("<sip:a@h>")).len(), 1);
    // The binding belongs to the second Call-ID now.
    assert!(server.registers(&register("a").cseq(1).contact("<sip:a@h>").expires("0")).is_empty());
}

#[test]
fn the_same_request_once_more_is_answered_and_changes_nothing() {
    let mut server = Server::new(builder());
    let request = register("a").cseq(5).contact("<sip:a@h>;q=0.5, <sip:b@h>").expires("60");
    server.registers(&request);
    let record = server.record().unwrap();
    server.pass(20);
    assert_eq!(server.registers(&request), ["<sip:a@h>;q=0.5;expires=40", "<sip:b@h>;expires=40"]);
    assert_eq!((server.reason(), server.record()), ("repeated", Some(record)));
}

#[test]
fn a_used_cseq_with_other_contacts_is_refused() {
    let mut server = Server::new(builder());
    server.registers(&register("a").cseq(5).contact("<sip:a@h>;q=0.5"));
    server.registers(&register("b").cseq(5).contact("<sip:b@h>"));
    for contacts in [
        "<sip:a@h>",
        "<sip:a@h>;q=0.50",
        "<sip:a@h>;q=0.5, <sip:new@h>",
        "<sip:a@h>;q=0.5, <sip:b@h>",
        "<sip:a@h>;q=0.5, <sip:b@h>;expires=0",
        "<sip:b@h>, <sip:a@h>;q=0.5",
    ] {
        refuses(&mut server, &register("a").cseq(5).contact(contacts));
    }
}

#[test]
fn a_repeated_request_that_also_removed_is_a_repeat() {
    let mut server = Server::new(builder());
    server.registers(&register("a").cseq(1).contact("<sip:old@h>"));
    let request = register("a").cseq(2).contact("<sip:old@h>;expires=0, <sip:new@h>").expires("60");
    server.registers(&request);
    assert_eq!(server.registers(&request), ["<sip:new@h>;expires=60"]);
    assert_eq!(server.reason(), "repeated");
}

#[test]
fn a_removal_once_more_does_no_harm() {
    let mut server = Server::new(builder());
    server.registers(&register("a").cseq(1).contact("<sip:a@h>"));
    server.registers(&register("b").cseq(1).contact("<sip:b@h>"));
    let remove = register("a").cseq(2).contact("<sip:a@h>").expires("0");
    server.registers(&remove);
    let record = server.record();
    assert_eq!(server.registers(&remove), ["<sip:b@h>;expires=300"]);
    assert_eq!((server.reason(), server.record()), ("removed", record));
}

#[test]
fn one_contact_out_of_order_spoils_the_request() {
    let mut server = Server::new(builder());
    server.registers(&register("a").cseq(9).contact("<sip:a@h>"));
    server.registers(&register("b").cseq(1).contact("<sip:b@h>"));
    for contacts in ["<sip:new@h>, <sip:a@h>", "<sip:b@h>;expires=0, <sip:a@h>;expires=0", "<sip:b@h>;q=0.1, <sip:a@h>"]
    {
        refuses(&mut server, &register("a").cseq(8).contact(contacts));
    }
}

#[test]
fn an_expired_binding_has_no_order() {
    let mut server = Server::new(builder());
    server.registers(&register("a").cseq(9).contact("<sip:a@h>").expires("60"));
    server.pass(60);
    assert_eq!(server.registers(&register("a").cseq(1).contact("<sip:a@h>")).len(), 1);
    assert_eq!(server.reason(), "registered");
}

#[test]
fn q_can_be_changed_by_a_refresh() {
    let mut server = Server::new(builder());
    server.registers(&register("a").contact("<sip:a@h>;q=0.5"));
    server.registers(&register("a").cseq(2).contact("<sip:a@h>;q=0.125"));
    assert_eq!(server.record().unwrap().bindings().next().unwrap().q.thousandths(), 125);
}

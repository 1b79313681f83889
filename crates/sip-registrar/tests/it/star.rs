//! `Contact: *` (RFC 3261 §10.2.2, §10.3 step 6).

use crate::harness::{Server, builder, register};

fn with_two_bindings() -> Server {
    let mut server = Server::new(builder());
    server.registers(&register("a").cseq(5).contact("<sip:a@127.0.0.1:1>"));
    server.registers(&register("b").cseq(9).contact("<sip:b@127.0.0.1:2>"));
    server
}

#[test]
fn star_removes_every_binding() {
    let mut server = with_two_bindings();
    assert!(server.registers(&register("c").contact("*").expires("0")).is_empty());
    assert_eq!((server.reason(), server.record()), ("removed", None));
    // Once more does no harm.
    assert!(server.registers(&register("c").contact("*").expires("0")).is_empty());
}

#[test]
fn star_demands_a_zero_in_expires_and_no_other_contact() {
    let mut server = with_two_bindings();
    let star = || register("c").contact("*");
    for request in [
        star(),
        star().expires("1"),
        star().expires(""),
        star().expires("never"),
        star().expires("0x"),
        star().expires("-0"),
        star().expires("0").contact("<sip:a@127.0.0.1:1>"),
        register("c").contact("<sip:a@127.0.0.1:1>").contact("*").expires("0"),
        register("c").contact("<sip:a@127.0.0.1:1>, *").expires("0"),
        star().contact("*").expires("0"),
        register("c").contact("*, *").expires("0"),
    ] {
        assert_eq!(server.refuses(&request), ("400 Invalid Request".to_owned(), "star-misused"), "{}", request.text(0));
    }
    let request = register("c").contact("*;expires=0").expires("0");
    assert_eq!(server.refuses(&request).1, "bad-contact");
    assert!(server.registers(&star().expires("00")).is_empty());
}

#[test]
fn star_demands_a_higher_cseq_of_every_binding_with_its_call_id() {
    let mut server = with_two_bindings();
    for cseq in [1, 9] {
        let request = register("b").cseq(cseq).contact("*").expires("0");
        assert_eq!(server.refuses(&request), ("500 CSeq Out Of Order".to_owned(), "out-of-order"), "{cseq}");
    }
    assert!(server.registers(&register("b").cseq(10).contact("*").expires("0")).is_empty());
}

#[test]
fn star_is_not_kept_from_its_work_by_a_binding_that_has_expired() {
    let mut server = Server::new(builder());
    server.registers(&register("a").cseq(5).contact("<sip:a@127.0.0.1:1>").expires("60"));
    server.pass(60);
    assert!(server.registers(&register("a").cseq(4).contact("*").expires("0")).is_empty());
}

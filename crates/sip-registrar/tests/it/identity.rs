//! Which binding a contact renews: reg-id and instance (RFC 5626 §6), instance, the URI (RFC 3261 §19.1.4), or a
//! chosen parameter.

use crate::harness::{Server, builder, register};

const INSTANCE: &str = "+sip.instance=\"<urn:uuid:4644ed1c-c34f-edbe-6281-fadf2461fa86>\"";

/// How many bindings there are after these contacts, each registered under its own Call-ID.
fn bindings_after(server: &mut Server, contacts: &[&str]) -> usize {
    let mut bindings = 0;
    for (n, contact) in contacts.iter().enumerate() {
        bindings = server.registers(&register(&format!("call{n}")).contact(contact)).len();
    }
    bindings
}

fn check(contacts: &[&str], expected: usize) {
    let contacts: Vec<_> = contacts.iter().map(|contact| contact.replace("INSTANCE", INSTANCE)).collect();
    let contacts: Vec<_> = contacts.iter().map(String::as_str).collect();
    assert_eq!(bindings_after(&mut Server::new(builder()), &contacts), expected, "{contacts:#?}");
}

#[test]
fn without_instances_the_uris_are_compared() {
    check(&["<sip:a@h>", "<sip:a@h>"], 1);
    check(&["<sip:%61@h;x=1>", "sip:a@H"], 1);
    check(&["<sip:a@h>", "<sip:a@h;transport=udp>"], 2);
    check(&["<sip:a@h>", "<sip:a@h:5060>"], 2);
    check(&["<sip:a@h>", "<sip:A@h>"], 2);
    check(&["<tel:+49-30>", "<tel:+4930>"], 1);
}

#[test]
fn an_instance_on_one_side_only_does_not_count() {
    check(&["<sip:a@h>", "<sip:a@h>;INSTANCE"], 1);
    check(&["<sip:a@h>;INSTANCE", "<sip:a@h>"], 1);
    check(&["<sip:a@h>;INSTANCE", "<sip:b@h>"], 2);
}

#[test]
fn an_instance_on_both_sides_decides() {
    // A phone that comes back with a new address replaces itself.
    check(&["<sip:a@h:1>;INSTANCE", "<sip:a@h:2>;INSTANCE", "<sip:b@g>;INSTANCE"], 1);
    check(&["<sip:a@h>;INSTANCE", "<sip:a@h>;+sip.instance=\"<urn:uuid:other>\""], 2);
    check(&["<sip:a@h>;INSTANCE", "<sip:b@h>;+sip.instance=\"<URN:UUID:4644ED1C-c34f-edbe-6281-fadf2461fa86>\""], 1);
    check(&["<sip:a@h>;+sip.instance=\"<urn:x:a>\"", "<sip:b@h>;+sip.instance=\"<urn:x:A>\""], 2);
}

#[test]
fn a_reg_id_on_either_side_demands_the_same_instance_and_reg_id() {
    check(&["<sip:a@h:1>;INSTANCE;reg-id=1", "<sip:a@h:2>;reg-id=1;INSTANCE"], 1);
    check(&["<sip:a@h>;INSTANCE;reg-id=1", "<sip:a@h>;INSTANCE;reg-id=2"], 2);
    check(&["<sip:a@h>;INSTANCE;reg-id=1", "<sip:a@h>;INSTANCE"], 2);
    check(&["<sip:a@h>;INSTANCE", "<sip:a@h>;INSTANCE;reg-id=1"], 2);
    check(&["<sip:a@h>;INSTANCE;reg-id=1", "<sip:a@h>"], 2);
}

#[test]
fn a_reg_id_without_an_instance_is_ignored() {
    check(&["<sip:a@h>;reg-id=1", "<sip:a@h>;reg-id=2"], 1);
    check(&["<sip:a@h>;reg-id=1", "<sip:b@h>;reg-id=1"], 2);
}

#[test]
fn a_contact_that_is_the_same_as_two_bindings_takes_the_place_of_both() {
    let mut server = Server::new(builder());
    // Neither of the first two is equivalent to the other, and the third to both: the comparison is not transitive.
    let contacts = ["<sip:c@h;x=on>", "<sip:c@h;x=off>", "<sip:z@h>"];
    assert_eq!(bindings_after(&mut server, &contacts), 3);
    let told = server.registers(&register("new").contact("<sip:c@h>").expires("60"));
    assert_eq!(told, ["<sip:c@h>;expires=60", "<sip:z@h>;expires=300"]);
}

#[test]
fn a_phone_that_moves_may_remove_its_old_address_in_the_same_request() {
    let mut server = Server::new(builder());
    let old = format!("<sip:a@h:1>;{INSTANCE};reg-id=1");
    let new = format!("<sip:a@h:2>;{INSTANCE};reg-id=1");
    server.registers(&register("a").contact(&old).expires("60"));
    for (cseq, contacts) in [(2, format!("{old};expires=0, {new}")), (3, format!("{new}, {old};expires=0"))] {
        let told = server.registers(&register("a").cseq(cseq).contact(&contacts).expires("60"));
        assert_eq!(told, [format!("{new};expires=60")]);
    }
}

#[test]
fn a_chosen_parameter_marks_a_phone_of_a_user() {
    let marked = || Server::new(builder().identity_param("rinstance"));
    for (contacts, expected) in [
        (&["<sip:a@h:1;rinstance=x>", "<sip:a@h:2;rinstance=x>"], 1),
        (&["<sip:a@h:1;rinstance=x>", "<sip:a@h:2;rinstance=y>"], 2),
        (&["<sip:a@h:1;rinstance=x>", "<sip:b@h:2;rinstance=x>"], 2),
        (&["<sip:a@h:1;rinstance>", "<sip:a@h:2;rinstance>"], 2),
        (&["<sip:a@h:1>", "<sip:a@h:2>"], 2),
        (&["<sip:a@h:1>", "<sip:a@h:1;rinstance=x>"], 1),
    ] {
        assert_eq!(bindings_after(&mut marked(), contacts), expected, "{contacts:?}");
    }
    assert_eq!(bindings_after(&mut Server::new(builder()), &["<sip:a@h:1;rinstance=x>", "<sip:a@h:2;rinstance=x>"]), 2);
    let twice = register("a").contact("<sip:a@h:1;rinstance=x>, <sip:a@h:2;rinstance=x>");
    assert_eq!(marked().refuses(&twice).1, "duplicate-contact");
}

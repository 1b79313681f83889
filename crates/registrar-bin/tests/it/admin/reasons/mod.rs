//! Every reason is provoked through the wire, and told with its sentence.

mod disk;
mod house;
mod proofs;
mod registrations;
mod requests;
mod users;

use std::collections::BTreeSet;

use house::House;
use sip_dispatch::reason as general;

/// Those that nobody outside can provoke in the program.
const NOT_FROM_OUTSIDE: [(sip_dispatch::Reason, &str); 2] = [
    (general::THROTTLED, "the program's budgets drop a message before it is read: it is only counted"),
    (general::UNANSWERED, "the program's chain ends with a link that answers everything"),
];

/// Each with registrars of its own.
const PROVOCATIONS: [fn() -> Vec<&'static str>; 11] = [
    requests::what_is_wrong_in_itself,
    requests::what_is_not_for_a_registrar,
    requests::what_is_too_long_to_be_answered,
    registrations::what_becomes_of_bindings,
    registrations::what_is_wrong_with_contacts,
    registrations::what_connections_and_operators_do,
    registrations::a_full_table,
    proofs::who_does_not_prove_who_it_is,
    users::a_store_that_is_down_or_hangs,
    disk::a_disk_that_fails,
    disk::a_disk_that_hangs,
];

#[test]
fn every_reason_is_provoked_and_told_with_its_sentence() {
    let told: BTreeSet<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = PROVOCATIONS.iter().map(|provoke| scope.spawn(provoke)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let all = sip_dispatch::reason::ALL.iter().chain(sip_registrar::reason::ALL);
    let not_told: Vec<_> = all.map(|reason| reason.code()).filter(|code| !told.contains(code)).collect();
    assert_eq!(not_told, NOT_FROM_OUTSIDE.map(|(reason, _)| reason.code()), "these are not provoked");
}

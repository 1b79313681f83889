//! Why a registration ended as it did.

use sip_dispatch::reasons;

reasons! {
    REGISTERED "registered" (200) "A new binding was added. There is nothing to do.";
    REFRESHED "refreshed" (200) "Bindings that were there were renewed or replaced. There is nothing to do.";
    EVICTED "registered-evicting" (200) "A new binding was added, and one that would have expired soonest made room for it; raise max_contacts if the user has that many phones.";
    REMOVED "removed" (200) "The bindings that the request named were removed. A phone does so when it is switched off; it is back when it registers again.";
    QUERIED "queried" (200) "The current bindings were asked for, and nothing was changed. A phone that does nothing else is not told to register: look at its configuration.";
    REPEATED "repeated" (200) "The same request came again; nothing was changed. If it goes on, answers do not reach the phone: look at packet filters and NAT.";
    FOREIGN_DOMAIN "foreign-domain" (404) "The Request-URI or To names a domain that is not served here; add it to domains if it should be.";
    NOT_AN_AOR "not-an-aor" (404) "To is no sip: or sips: address, so nothing can be registered for it. Look at the user and the domain that the phone was told.";
    BAD_CONTACT "bad-contact" (400) "A Contact is malformed or has a scheme other than sip, sips or tel; nothing was changed. Look at the phone's configuration.";
    CONTACT_TOO_LONG "contact-too-long" (400) "A Contact, Path, Call-ID or address is longer than allowed; nothing was changed. Look at what the phone, or a proxy on the way, adds to it.";
    DUPLICATE_CONTACT "duplicate-contact" (400) "The request names the same contact twice, or adds and removes it; nothing was changed. Look at the phone's firmware.";
    CONTACT_LOOPS "contact-loops" (403) "A Contact is this server's own address, so calls to it would come back here; nothing was changed. Look at the phone's configuration.";
    STAR_MISUSED "star-misused" (400) "Contact: * goes with Expires: 0 and with no other Contact; nothing was changed. Look at the phone's firmware.";
    SIPS_REQUIRED "sips-required" (400) "A sips: Contact needs a sips: Request-URI and sips: Path (RFC 5630 section 5.2); nothing was changed. Tell the phone its registrar as sips:, or have it use sip: in its Contact.";
    SIPS_WITHOUT_TLS "sips-without-tls" (400) "A sips: Request-URI came over a transport without TLS, and along no sips: Path (RFC 3261 section 26.2.2); nothing was changed. Have the phone use TLS, or tell it its registrar as sip:.";
    TOO_BRIEF "interval-too-brief" (423) "The phone asked for less than min_expires; Min-Expires in the answer tells it how long it may ask for. If it does not heed that, set a longer time in the phone, or lower min_expires.";
    TOO_MANY_CONTACTS "too-many-contacts" (403) "More contacts than max_contacts; nothing was changed. Remove those that are not used, or raise max_contacts.";
    OUT_OF_ORDER "out-of-order" (500) "CSeq is not higher than that of an earlier request with the same Call-ID; nothing was changed. A phone that restarted should use a new Call-ID.";
    TABLE_FULL "table-full" (503) "The location table holds as many bindings as it may; raise max_bindings or add memory.";
    STORE_UNAVAILABLE "store-unavailable" (503) "The location store keeps nothing now; the phone was told to try again. Look at the disk: the log and status say what fails.";
    REDIRECTED "redirected" (302) "The caller was told where the user can be reached. There is nothing to do.";
    NOT_REGISTERED "not-registered" (480) "Nobody is registered under this address now. See that the phone is switched on; why tells how its last requests ended.";
    NO_CREDENTIALS "no-credentials" (401) "The request came without credentials for this realm and was challenged. Every phone's first request does; one that goes on so has no password.";
    NOT_OFFERED "not-offered" (401) "The credentials use an algorithm, a userhash or an opaque that this user was not offered; the phone was challenged again. Look at algorithms.";
    BAD_CREDENTIALS "bad-credentials" (400) "The credentials break a rule of RFC 7616, which the phrase of the answer names. Look at the phone's firmware.";
    DIGEST_URI "digest-uri" (400) "The credentials were made for another Request-URI. If the phone is right in all else, set uri_may_differ.";
    STALE_NONCE "stale-nonce" (401) "The nonce is too old, or was not made here; the phone was challenged again and needs nobody's help.";
    USED_NONCE "used-nonce" (401) "The password is right, but the nonce was used before: a repetition that came late, or somebody who has captured a request. The phone was challenged again and needs nobody's help; if it goes on, look who sends from that source.";
    WRONG_PASSWORD "wrong-password" (401) "The user exists and the password is wrong; the phone was challenged again, as every stranger is. Type the password anew in the phone.";
    UNKNOWN_USER "unknown-user" (401) "There is no such user; the answer was the same as to a wrong password. Mend the name in the phone, or add the user.";
    TOO_MANY_FAILURES "too-many-failures" (480) "This source has sent too many wrong passwords for this user and has to wait; others with the same user do not. Mend the password in the phone, then wait as long as Retry-After says.";
    CREDENTIALS_UNAVAILABLE "credentials-unavailable" (503) "The store of users cannot be asked now; the phone was told when to try again. Look at the database or web service: the log says what fails.";
    NOT_YOUR_ADDRESS "not-your-address" (403) "The password is right, but To is another user's address. If this user may register it, say so in its may_register.";
    FILTERED "filtered" (403) "The password is right, but a filter of the operator refuses the request. Look at filter in the configuration if it should not.";
    EXPIRED "expired" "A binding was not refreshed in time. See that the phone is switched on, and that its requests get through.";
    SUSPECT "suspect" "The connection of a binding has ended; nobody is sent there, and it is removed unless its phone is back soon. If it happens often, look at the network, and at the timeouts of NAT and balancers.";
    LOST "lost" "A binding was removed: its connection had ended, and its phone did not come back in time. See that the phone is switched on and has a network.";
    ADDED_BY_OPERATOR "added-by-operator" "A binding was added or renewed by the operator; no phone has to renew it. Remove it when it is not wanted any more.";
    REMOVED_BY_OPERATOR "removed-by-operator" "A binding was removed by a command. Its phone is back when it registers again.";
}

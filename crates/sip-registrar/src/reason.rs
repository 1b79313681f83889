//! Why a registration ended as it did.

use sip_dispatch::reasons;

reasons! {
    REGISTERED "registered" "A new binding was added.";
    REFRESHED "refreshed" "Bindings that were there were renewed or replaced.";
    EVICTED "registered-evicting" "A new binding was added, and one that would have expired soonest made room for it; raise max_contacts if the user has that many phones.";
    REMOVED "removed" "The bindings that the request named were removed.";
    QUERIED "queried" "The current bindings were asked for.";
    REPEATED "repeated" "The same request came again; nothing was changed.";
    FOREIGN_DOMAIN "foreign-domain" "The Request-URI or To names a domain that is not served here; add it to domains if it should be.";
    NOT_AN_AOR "not-an-aor" "To is no sip: or sips: address, so nothing can be registered for it.";
    BAD_CONTACT "bad-contact" "A Contact is malformed or has a scheme other than sip, sips or tel; nothing was changed. Look at the phone's configuration.";
    CONTACT_TOO_LONG "contact-too-long" "A Contact, Path, Call-ID or address is longer than allowed; nothing was changed.";
    DUPLICATE_CONTACT "duplicate-contact" "The request names the same contact twice, or adds and removes it; nothing was changed.";
    CONTACT_LOOPS "contact-loops" "A Contact is this server's own address, so calls to it would come back here; nothing was changed. Look at the phone's configuration.";
    STAR_MISUSED "star-misused" "Contact: * goes with Expires: 0 and with no other Contact; nothing was changed.";
    SIPS_REQUIRED "sips-required" "A sips: Contact needs a sips: Request-URI and sips: Path (RFC 5630 section 5.2); nothing was changed.";
    SIPS_WITHOUT_TLS "sips-without-tls" "A sips: Request-URI came over a transport without TLS, and along no sips: Path (RFC 3261 section 26.2.2); nothing was changed.";
    TOO_BRIEF "interval-too-brief" "The phone asked for less than min_expires; Min-Expires in the answer tells it how long it may ask for.";
    TOO_MANY_CONTACTS "too-many-contacts" "More contacts than max_contacts; nothing was changed.";
    OUT_OF_ORDER "out-of-order" "CSeq is not higher than that of an earlier request with the same Call-ID; nothing was changed. A phone that restarted should use a new Call-ID.";
    TABLE_FULL "table-full" "The location table holds as many bindings as it may; raise max_bindings or add memory.";
    STORE_UNAVAILABLE "store-unavailable" "The location store cannot be reached; the phone was told to try again.";
    REDIRECTED "redirected" "The caller was told where the user can be reached.";
    NOT_REGISTERED "not-registered" "Nobody is registered under this address now.";
    NO_CREDENTIALS "no-credentials" "The request came without credentials for this realm and was challenged. Every phone's first request does; one that goes on so has no password.";
    NOT_OFFERED "not-offered" "The credentials use an algorithm, a userhash or an opaque that this user was not offered; the phone was challenged again. Look at algorithms.";
    BAD_CREDENTIALS "bad-credentials" "The credentials break a rule of RFC 7616, which the phrase of the answer names. Look at the phone's firmware.";
    DIGEST_URI "digest-uri" "The credentials were made for another Request-URI. If the phone is right in all else, set uri_may_differ.";
    STALE_NONCE "stale-nonce" "The nonce is too old, or was not made here; the phone was challenged again and needs nobody's help.";
    USED_NONCE "used-nonce" "The password is right, but the nonce was used before: a repetition that came late, or somebody who has captured a request. The phone was challenged again.";
    WRONG_PASSWORD "wrong-password" "The user exists and the password is wrong; the phone was challenged again, as every stranger is.";
    UNKNOWN_USER "unknown-user" "There is no such user; the answer was the same as to a wrong password.";
    TOO_MANY_FAILURES "too-many-failures" "This source has sent too many wrong passwords for this user and has to wait; others with the same user do not.";
    CREDENTIALS_UNAVAILABLE "credentials-unavailable" "The store of users cannot be asked now; the phone was told when to try again.";
    NOT_YOUR_ADDRESS "not-your-address" "The password is right, but To is another user's address. If this user may register it, say so in its may_register.";
    FILTERED "filtered" "The password is right, but a filter of the operator refuses the request.";
    EXPIRED "expired" "A binding was not refreshed in time.";
    SUSPECT "suspect" "The connection of a binding has ended; nobody is sent there, and it is removed unless its phone is back soon.";
    LOST "lost" "A binding was removed: its connection had ended, and its phone did not come back in time.";
    ADDED_BY_OPERATOR "added-by-operator" "A binding was added or renewed by the operator; no phone has to renew it.";
    REMOVED_BY_OPERATOR "removed-by-operator" "A binding was removed by a command.";
}

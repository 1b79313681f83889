//! The link: no request passes whose sender has not proved who it is.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::hint::black_box;
use std::net::IpAddr;
use std::sync::Arc;

use sip_dispatch::budget::{Budget, source_of};
use sip_dispatch::{Answer, Coming, Exchange, Identity, Reason, Receiver, Status, Verdict};
use sip_message::uri::escape::unescape_into;
use sip_message::uri::{Host, SipUri, equivalent};
use sip_message::{HeaderId, Method, Uri};

use super::attempt::{Attempt, Unfit};
use super::challenge::Challenge;
use super::digest::response;
use super::filter::{Filter, is_user};
use super::nonce::Origin;
use super::uses::{Use, Uses};
use super::{
    Account, Algorithms, AuthorizeBuilder, Credentials, Found, Ha1, HashFunction, NonceKeys, Policy, Unavailable,
    UriMayDiffer, Wanted,
};
use crate::scratch::with_scratch;
use crate::{Aor, Domains, reason};

/// A wrong password costs a source so many seconds before it may try again with that name, once its first few are
/// spent.
pub(super) const FAILURE_SECONDS: u32 = 10;

/// A link that lets requests pass whose senders have proved who they are, and challenges the others. Put it in front
/// of the links that it guards. Cheap to clone; the clones are one link.
///
/// - Requests for domains that are not served pass: the links behind refuse them.
/// - Requests whose sender another link vouches for ([`Exchange::vouch`]) pass.
/// - A REGISTER passes if To is the address of who has proved to have sent it, or one that is granted to it; else it
///   is answered 403.
/// - ACK and CANCEL cannot be challenged (RFC 3261 §22.1). They pass with right credentials, also those of the INVITE
///   they belong to; else an ACK is ignored, and a CANCEL answered 481, as if there were nothing to cancel.
///
/// Unknown users and wrong passwords get the same answer, made with the same work.
#[derive(Clone)]
pub struct Authorize {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    /// Whose users are asked.
    pub(super) domains: Domains,
    pub(super) credentials: Arc<dyn Credentials>,
    /// The first whose domains match counts.
    pub(super) policies: Vec<(Domains, Policy)>,
    /// For all other domains.
    pub(super) policy: Policy,
    pub(super) opaque: Option<String>,
    pub(super) proxy: bool,
    pub(super) any_address: bool,
    pub(super) filters: Vec<Filter>,
    pub(super) keys: Arc<NonceKeys>,
    /// Whether others may have their secrets, too.
    pub(super) shared: bool,
    pub(super) life: u32,
    pub(super) bind_source: bool,
    pub(super) next_nonce: bool,
    pub(super) uses: Arc<Uses>,
    /// How many nonces are remembered.
    pub(super) nonces: usize,
    pub(super) failures: Option<Arc<Budget>>,
    /// How many wrong passwords are free.
    pub(super) burst: u32,
    /// A user who does not exist, for the work that is done for one who does.
    pub(super) nobody: Account,
    /// Makes the purposes of answers without qop.
    pub(super) prints: RandomState,
}

/// In whose name a request is sent.
struct Home<'a> {
    policy: &'a Policy,
    /// Canonical.
    domain: &'a [u8],
    realm: &'a [u8],
    /// What whoever it is may answer with.
    offered: Algorithms,
}

impl Authorize {
    /// A link that knows no user yet.
    pub fn builder() -> AuthorizeBuilder {
        AuthorizeBuilder::default()
    }

    pub(super) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// Finds out in whose name the request is sent, and checks that.
    fn authorize(&self, ex: &mut Exchange<'_>, known: Option<Found>) -> Verdict {
        let inner = &*self.inner;
        let Some(uri) = Inner::home(ex, &inner.domains) else { return Verdict::Pass };
        with_scratch(|scratch| {
            let (domain, name) = (&mut scratch.domain, &mut scratch.name);
            domain.clear();
            uri.host().write_canonical(domain);
            if domain.ends_with(b".") {
                domain.pop();
            }
            name.clear();
            unescape_into(uri.user().unwrap_or_default(), name);
            let policy = inner.policy(&uri.host());
            let realm = policy.realm.as_ref().map_or(&**domain, String::as_bytes);
            let offered = inner.credentials.algorithms(&Wanted { name, domain, realm }, policy.algorithms);
            self.check(ex, &Home { policy, domain, realm, offered }, known)
        })
    }

    /// Reads what the sender shows, asks who that may be, and judges it.
    fn check(&self, ex: &mut Exchange<'_>, home: &Home<'_>, known: Option<Found>) -> Verdict {
        let inner = &*self.inner;
        let Home { policy, domain, realm, offered } = *home;
        let attempt = match Attempt::read(ex, inner.header(), realm, inner.opaque.as_deref(), policy, offered) {
            Ok(attempt) => attempt,
            Err(Unfit::Missing) => {
                // Nothing is kept of who has shown nothing.
                ex.answer_statelessly();
                return inner.challenge(ex, home, false, reason::NO_CREDENTIALS);
            }
            Err(Unfit::NotOffered) => return inner.challenge(ex, home, false, reason::NOT_OFFERED),
            Err(Unfit::Malformed(phrase)) => return bad(ex, phrase, reason::BAD_CREDENTIALS),
        };
        if !is_for(ex, &attempt, policy) {
            return bad(ex, "Digest uri Is Not the Request-URI", reason::DIGEST_URI);
        }
        let name = bare_name(&attempt.username, domain);
        let guess = (source_of(ex.peer().remote.ip()), name, attempt.userhash, domain);
        if inner.failures.as_ref().is_some_and(|failures| !failures.has_left(&guess, ex.now().at)) {
            return later(
                ex,
                Status::TEMPORARILY_UNAVAILABLE.saying("Too Many Wrong Passwords"),
                reason::TOO_MANY_FAILURES,
                FAILURE_SECONDS,
            );
        }
        let origin = inner.keys.read(&attempt.answered.nonce, realm, inner.source(ex), inner.life, ex.now().at);
        let found = match known.map_or_else(|| inner.find(&attempt, name, home), Answer::Now) {
            Answer::Now(found) => found,
            // For a nonce that is not ours nobody is kept waiting, and no store is asked.
            _ if origin == Origin::Foreign => {
                return inner.challenge(ex, home, false, reason::STALE_NONCE);
            }
            answer => {
                return ex.when(answer, self, |this, ex, found| this.authorize(ex, Some(found)));
            }
        };
        let account = match found {
            Ok(account) => account,
            Err(Unavailable { retry_after }) => {
                return later(ex, Status::SERVICE_UNAVAILABLE, reason::CREDENTIALS_UNAVAILABLE, retry_after);
            }
        };
        let usual = attempt.userhash.is_some() || *name == *attempt.username;
        let account = match (inner.is_right(ex, &attempt, usual, account.as_deref()), account) {
            (true, Some(account)) => account,
            (_, account) => {
                if let Some(failures) = &inner.failures {
                    // Whether any are left is asked at the next attempt.
                    let _ = failures.spend(&guess, ex.now().at);
                }
                let why = if account.is_some() { reason::WRONG_PASSWORD } else { reason::UNKNOWN_USER };
                return inner.challenge(ex, home, false, why);
            }
        };
        if !account.offered().is_empty() && !account.offered().contains(attempt.algorithm) {
            return inner.challenge(ex, home, false, reason::NOT_OFFERED);
        }
        let Origin::Fresh(nonce) = origin else { return inner.challenge(ex, home, true, reason::STALE_NONCE) };
        let wanted = attempt.count.map_or_else(|| Use::For(inner.purpose(ex)), Use::Counted);
        // An ACK has the credentials of its INVITE, and a CANCEL may have them.
        if !is_unchallengeable(ex.method()) && !inner.uses.admit(nonce, wanted, ex.now().at) {
            return inner.challenge(ex, home, true, reason::USED_NONCE);
        }
        let name = match &attempt.username {
            _ if attempt.userhash.is_some() => Cow::Owned(account.name().to_vec()),
            Cow::Borrowed(username) => Cow::Borrowed(bare_name(username, domain)),
            Cow::Owned(username) => Cow::Owned(bare_name(username, domain).to_vec()),
        };
        inner.admit(ex, home, Identity { name, realm: attempt.realm }, &account)
    }
}

impl Inner {
    fn header(&self) -> HeaderId {
        if self.proxy { HeaderId::ProxyAuthorization } else { HeaderId::Authorization }
    }

    fn policy(&self, host: &Host<'_>) -> &Policy {
        self.policies.iter().find(|(domains, _)| domains.serves(host)).map_or(&self.policy, |(_, policy)| policy)
    }

    /// The source to which a nonce is bound, if it is.
    fn source(&self, ex: &Exchange<'_>) -> Option<IpAddr> {
        self.bind_source.then(|| ex.peer().remote.ip())
    }

    /// In whose name the request is sent: From, who is responsible for it (RFC 3261 §10.2), if that is one of ours;
    /// else To of a REGISTER, or where another request goes. `None` if it goes to none of ours.
    fn home<'e>(ex: &Exchange<'e>, domains: &Domains) -> Option<SipUri<'e>> {
        let ours = |uri: Uri<'e>| match uri {
            Uri::Sip(uri) if domains.serves(&uri.host()) => Some(uri),
            _ => None,
        };
        let target = match ex.method() {
            Method::Register => ex.to().ok()??.uri,
            _ => ex.uri().ok()?,
        };
        let target = ours(target)?;
        let from = ex.from().ok().flatten().and_then(|from| match from.uri {
            // Nearly always: who is asked for is who asks.
            Uri::Sip(uri) if uri.host() == target.host() => Some(uri),
            uri => ours(uri),
        });
        Some(from.unwrap_or(target))
    }

    fn find(&self, attempt: &Attempt<'_>, name: &[u8], home: &Home<'_>) -> Answer<Found> {
        let Home { domain, realm, .. } = *home;
        match &attempt.userhash {
            Some(userhash) => {
                let (function, _) = HashFunction::of(attempt.algorithm);
                self.credentials.find_hashed(function, userhash, domain, realm)
            }
            None => self.credentials.find(&Wanted { name, domain, realm }),
        }
    }

    /// Whether the answer is that of this user. The same work is done where there is none.
    ///
    /// `usual`: the username is the name itself. Another spelling has another hash, which takes the password to make.
    fn is_right(&self, ex: &Exchange<'_>, attempt: &Attempt<'_>, usual: bool, account: Option<&Account>) -> bool {
        let (function, _) = HashFunction::of(attempt.algorithm);
        let Self { nobody, .. } = self;
        let candidate = account.unwrap_or(nobody);
        let username = if attempt.userhash.is_some() { candidate.name() } else { &*attempt.username };
        let password = candidate.known_password();
        let make = || Ha1::of(function, username, &attempt.realm, password.unwrap_or_default());
        // Not left out by the compiler where it is not needed.
        let made = black_box((!usual).then(make));
        let stored = account.and_then(|account| match &made {
            Some(made) if password.is_some() => Some(made),
            _ => account.ha1_for(function, username, &attempt.realm),
        });
        let known = stored.is_some() && attempt.response.is_some();
        let Some(ha1) = stored.or_else(|| nobody.ha1_for(function, nobody.name(), nobody.realm())) else {
            return false;
        };
        let sent = attempt.response.unwrap_or_default();
        let is = |method: &[u8]| response(ha1, &attempt.answered, method, ex.message().body()).is(&sent);
        let right = match ex.method() {
            Method::Ack => is(b"INVITE"),
            Method::Cancel => is(b"CANCEL") | is(b"INVITE"),
            method => is(method.name()),
        };
        right && known
    }

    /// What an answer without qop serves for: in a REGISTER its contacts, how long they stay and by which way they are
    /// reached, for whoever sent it first; else all of it.
    fn purpose(&self, ex: &Exchange<'_>) -> u64 {
        let message = ex.message();
        let mut print = self.prints.build_hasher();
        ex.peer().remote.ip().hash(&mut print);
        if ex.method() != Method::Register {
            message.bytes().hash(&mut print);
            return print.finish();
        }
        for id in [HeaderId::To, HeaderId::Contact, HeaderId::Expires, HeaderId::Path] {
            for line in message.lines(id) {
                line.hash(&mut print);
            }
            print.write_u8(0);
        }
        print.finish()
    }

    /// Lets the request of a known sender pass, if the sender may send it.
    fn admit<'e>(&self, ex: &mut Exchange<'e>, home: &Home<'_>, identity: Identity<'e>, account: &Account) -> Verdict {
        if ex.method() == Method::Register && !self.any_address && !may_register(ex, home, &identity, account) {
            return Verdict::Handled(ex.refuse(Status::FORBIDDEN.saying("Not Your Address"), reason::NOT_YOUR_ADDRESS));
        }
        let mut filters = self.filters.iter().filter(|filter| *filter.method == *ex.method().name());
        if !filters.all(|filter| filter.holds(ex, &identity)) {
            return Verdict::Handled(ex.refuse(Status::FORBIDDEN, reason::FILTERED));
        }
        ex.identify(identity);
        // SIP has no such header for proxies.
        if self.next_nonce && !self.proxy {
            let nonce = self.keys.make(home.realm, self.source(ex), ex.now().at);
            let value = [b"nextnonce=\"".as_slice(), &nonce, b"\""].concat();
            ex.on_success(HeaderId::AuthenticationInfo, value);
        }
        Verdict::Pass
    }

    /// Asks for (other) credentials.
    fn challenge(&self, ex: &mut Exchange<'_>, home: &Home<'_>, stale: bool, why: Reason) -> Verdict {
        match ex.method() {
            Method::Ack => return Verdict::Handled(ex.ignore(why)),
            // For a stranger there is nothing to cancel.
            Method::Cancel => return Verdict::Handled(ex.refuse(Status::NO_SUCH_TRANSACTION, why)),
            _ => {}
        }
        let (status, header) = if self.proxy {
            (Status::PROXY_AUTHENTICATION_REQUIRED, HeaderId::ProxyAuthenticate)
        } else {
            (Status::UNAUTHORIZED, HeaderId::WwwAuthenticate)
        };
        let Home { policy, realm, offered, .. } = *home;
        let nonce = self.keys.make(realm, self.source(ex), ex.now().at);
        let opaque = self.opaque.as_deref();
        Verdict::Handled(ex.reply(status, why, |answer| {
            for (at, algorithm) in offered.iter().enumerate() {
                let challenge = Challenge { realm, nonce: &nonce, algorithm, opaque, policy, stale };
                if at == 0 {
                    answer.header(header, challenge);
                } else {
                    // Those that fit are as good as all: a phone takes one.
                    answer.header_if_room(header, challenge);
                }
            }
        }))
    }
}

impl Receiver for Authorize {
    fn receive(&self, ex: &mut Exchange<'_>) -> Verdict {
        if ex.is_vouched() { Verdict::Pass } else { self.authorize(ex, None) }
    }

    fn prepare(&self, coming: &Coming<'_>) {
        self.inner.credentials.prepare(coming);
    }
}

impl std::fmt::Debug for Authorize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Inner { policies, policy, .. } = &*self.inner;
        let mut shown = f.debug_struct("Authorize");
        shown
            .field("domains", &self.inner.domains)
            .field("policy", policy)
            .field("policies", policies)
            .finish_non_exhaustive()
    }
}

fn is_unchallengeable(method: Method<'_>) -> bool {
    matches!(method, Method::Ack | Method::Cancel)
}

fn bad(ex: &mut Exchange<'_>, phrase: &'static str, why: Reason) -> Verdict {
    Verdict::Handled(ex.refuse(Status::BAD_REQUEST.saying(phrase), why))
}

fn later(ex: &mut Exchange<'_>, status: Status, why: Reason, seconds: u32) -> Verdict {
    Verdict::Handled(ex.reply(status, why, |answer| {
        answer.header(HeaderId::RetryAfter, seconds);
    }))
}

/// The name in a username: some phones write `alice@example.com`, or `alice@`.
fn bare_name<'a>(username: &'a [u8], domain: &[u8]) -> &'a [u8] {
    match memchr::memrchr(b'@', username).and_then(|at| Some((username.get(..at)?, username.get(at + 1..)?))) {
        Some((name, host)) if !name.is_empty() && (host.is_empty() || host.eq_ignore_ascii_case(domain)) => name,
        _ => username,
    }
}

/// Whether the digest uri says where the request goes, or need not.
fn is_for(ex: &Exchange<'_>, attempt: &Attempt<'_>, policy: &Policy) -> bool {
    match policy.uri_may_differ {
        UriMayDiffer::Always => true,
        UriMayDiffer::InRegister if ex.method() == Method::Register => true,
        _ => {
            let (sent, wanted) = (&*attempt.answered.uri, ex.request().uri);
            sent == wanted || matches!((Uri::parse(sent), Uri::parse(wanted)), (Ok(a), Ok(b)) if equivalent(&a, &b))
        }
    }
}

/// Whether To is the sender's own address, or one that is granted to it.
fn may_register(ex: &Exchange<'_>, home: &Home<'_>, identity: &Identity<'_>, account: &Account) -> bool {
    let Some(to) = ex.to().ok().flatten() else { return false };
    let Uri::Sip(uri) = to.uri else { return false };
    let host = uri.host();
    let domain = home.domain;
    let is_home = matches!(host, Host::Name(name) if *name == *domain)
        || Host::parse(domain).is_ok_and(|home| home.matches(&without_root(host)));
    if is_home && is_user(&to, &identity.name) {
        return true;
    }
    let mut buffer = Vec::new();
    Aor::from_uri(&to.uri, &mut buffer).is_ok_and(|aor| account.is_granted(&aor, &host))
}

/// Without the dot of the DNS's root.
fn without_root(host: Host<'_>) -> Host<'_> {
    match host {
        Host::Name(name) => Host::Name(name.strip_suffix(b".").unwrap_or(name)),
        address => address,
    }
}

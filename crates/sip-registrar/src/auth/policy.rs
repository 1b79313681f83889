//! How the users of a domain are challenged.

use sip_message::header::Algorithm;

use super::{Algorithms, Qop};

/// When the digest uri may be another than the Request-URI. Some phones add a port or a transport to it, one sends no
/// URI at all. The answer is checked for the uri as it was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UriMayDiffer {
    /// In a REGISTER: what is registered follows from To and Contact, which a digest does not cover anyway. In other
    /// requests the Request-URI is where they go, and a captured answer must not send another request elsewhere.
    #[default]
    InRegister,
    /// Never: other uris are answered 400 (RFC 7616 §3.4.6).
    Never,
    /// Always.
    Always,
}

/// How the users of a domain are challenged. The default is what every phone can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The realm; `None`: the domain itself, in lower case.
    pub realm: Option<String>,
    /// One challenge for each, in this order, the best first (RFC 8760 §2.4). Default: MD5.
    pub algorithms: Algorithms,
    /// The qop values that are offered; none: a challenge as in RFC 2069. Default: `auth`.
    pub qops: Vec<Qop>,
    /// Whether an answer without qop is taken although one was offered; such a nonce serves for one set of contacts
    /// only. Default: yes.
    pub qop_may_be_missing: bool,
    /// Default: in REGISTER.
    pub uri_may_differ: UriMayDiffer,
    /// Whether phones may send a hash of the name in its place (RFC 7616 §3.4.4). Default: no.
    pub userhash: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            realm: None,
            algorithms: Algorithms::new([Algorithm::Md5]),
            qops: vec![Qop::Auth],
            qop_may_be_missing: true,
            uri_may_differ: UriMayDiffer::default(),
            userhash: false,
        }
    }
}

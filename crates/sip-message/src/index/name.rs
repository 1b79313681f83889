//! Header names as numbers.

macro_rules! header_ids {
    ($($variant:ident $name:literal $compact:literal $times:ident;)*) => {
        /// The header fields that have a number; all others are [`HeaderId::Other`] and found by their name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum HeaderId {
            /// Any other name.
            Other,
            $(#[doc = $name] $variant,)*
        }

        impl HeaderId {
            /// Every numbered name.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in its usual spelling; empty for [`HeaderId::Other`].
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    Self::Other => "",
                    $(Self::$variant => $name,)*
                }
            }

            /// The name with its colon and a space, as a line begins with it.
            pub(crate) const fn line_start(self) -> &'static str {
                match self {
                    Self::Other => ": ",
                    $(Self::$variant => concat!($name, ": "),)*
                }
            }

            /// The compact form (RFC 3261 §7.3.3 and the IANA registry), if there is one.
            #[must_use]
            pub const fn compact(self) -> Option<u8> {
                match match self { Self::Other => b' ', $(Self::$variant => $compact,)* } {
                    b' ' => None,
                    letter => Some(letter),
                }
            }

            /// Whether a second header of this name could be read in two ways, so that the message is refused.
            #[must_use]
            pub const fn is_single(self) -> bool {
                match self {
                    Self::Other => false,
                    $(Self::$variant => matches!(Times::$times, Times::Once),)*
                }
            }
        }
    };
}

enum Times {
    Once,
    Many,
}

header_ids! {
    Via "Via" b'v' Many;
    From "From" b'f' Once;
    To "To" b't' Once;
    CallId "Call-ID" b'i' Once;
    CSeq "CSeq" b' ' Once;
    MaxForwards "Max-Forwards" b' ' Once;
    Contact "Contact" b'm' Many;
    Expires "Expires" b' ' Once;
    MinExpires "Min-Expires" b' ' Once;
    ContentLength "Content-Length" b'l' Once;
    ContentType "Content-Type" b'c' Once;
    ContentEncoding "Content-Encoding" b'e' Many;
    ContentDisposition "Content-Disposition" b' ' Once;
    Route "Route" b' ' Many;
    RecordRoute "Record-Route" b' ' Many;
    Path "Path" b' ' Many;
    ServiceRoute "Service-Route" b' ' Many;
    Supported "Supported" b'k' Many;
    Require "Require" b' ' Many;
    ProxyRequire "Proxy-Require" b' ' Many;
    Unsupported "Unsupported" b' ' Many;
    Allow "Allow" b' ' Many;
    AllowEvents "Allow-Events" b'u' Many;
    Accept "Accept" b' ' Many;
    AcceptEncoding "Accept-Encoding" b' ' Many;
    AcceptLanguage "Accept-Language" b' ' Many;
    Authorization "Authorization" b' ' Many;
    ProxyAuthorization "Proxy-Authorization" b' ' Many;
    WwwAuthenticate "WWW-Authenticate" b' ' Many;
    ProxyAuthenticate "Proxy-Authenticate" b' ' Many;
    AuthenticationInfo "Authentication-Info" b' ' Many;
    UserAgent "User-Agent" b' ' Many;
    Server "Server" b' ' Many;
    Date "Date" b' ' Once;
    Event "Event" b'o' Once;
    SubscriptionState "Subscription-State" b' ' Once;
    FeatureCaps "Feature-Caps" b' ' Many;
    RetryAfter "Retry-After" b' ' Once;
    FlowTimer "Flow-Timer" b' ' Once;
    Subject "Subject" b's' Many;
    ReferTo "Refer-To" b'r' Once;
    ReferredBy "Referred-By" b'b' Once;
    SessionExpires "Session-Expires" b'x' Once;
    Warning "Warning" b' ' Many;
    AcceptContact "Accept-Contact" b'a' Many;
    RejectContact "Reject-Contact" b'j' Many;
    RequestDisposition "Request-Disposition" b'd' Many;
    Identity "Identity" b'y' Many;
    IdentityInfo "Identity-Info" b'n' Many;
}

impl HeaderId {
    /// The number of a name, long or compact, in any case.
    #[must_use]
    #[inline]
    pub fn from_name(name: &[u8]) -> Self {
        match name {
            [] => Self::Other,
            // The low bits of a letter are its place in the alphabet.
            [letter] if letter.is_ascii_alphabetic() => {
                COMPACT.get(usize::from(letter & 31)).copied().flatten().unwrap_or(Self::Other)
            }
            _ => match SLOTS.get(slot_of(name)) {
                Some(Some(id)) if id.name().as_bytes().eq_ignore_ascii_case(name) => *id,
                _ => Self::Other,
            },
        }
    }
}

/// Where a name stands, if it stands anywhere: from its length and three of its letters. The factors were searched for
/// so that no two names share a place; [`SLOTS`] does not compile if they do.
#[inline]
const fn slot_of(name: &[u8]) -> usize {
    let len = name.len();
    #[expect(clippy::indexing_slicing, reason = "names are not empty")]
    let (first, middle, last) = (name[0] | 32, name[len / 2] | 32, name[len - 1] | 32);
    let mixed = len.wrapping_mul(48) ^ (first as usize).wrapping_mul(54) ^ (middle as usize).wrapping_mul(30);
    (mixed ^ last as usize) % 128
}

static SLOTS: [Option<HeaderId>; 128] = {
    let mut slots = [None; 128];
    let mut i = 0;
    while i < HeaderId::ALL.len() {
        #[expect(clippy::indexing_slicing, reason = "constant evaluation")]
        {
            let id = HeaderId::ALL[i];
            let slot = slot_of(id.name().as_bytes());
            assert!(slots[slot].is_none(), "two names in one place: choose other factors");
            slots[slot] = Some(id);
        }
        i += 1;
    }
    slots
};

static COMPACT: [Option<HeaderId>; 32] = {
    let mut table = [None; 32];
    let mut i = 0;
    while i < HeaderId::ALL.len() {
        #[expect(clippy::indexing_slicing, reason = "constant evaluation")]
        if let Some(letter) = HeaderId::ALL[i].compact() {
            table[(letter & 31) as usize] = Some(HeaderId::ALL[i]);
        }
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_every_case_and_in_its_compact_form() {
        for &id in HeaderId::ALL {
            assert_eq!(HeaderId::from_name(id.name().as_bytes()), id);
            assert_eq!(HeaderId::from_name(id.name().to_uppercase().as_bytes()), id);
            assert_eq!(HeaderId::from_name(id.name().to_lowercase().as_bytes()), id);
            if let Some(letter) = id.compact() {
                assert_eq!(HeaderId::from_name(&[letter]), id);
                assert_eq!(HeaderId::from_name(&[letter.to_ascii_uppercase()]), id);
            }
        }
        for other in ["", "1", "\u{1}", "6", "z", "X-Via", "Via2", "Contacts", "Call-IE"] {
            assert_eq!(HeaderId::from_name(other.as_bytes()), HeaderId::Other, "{other:?}");
        }
    }

    #[test]
    fn a_seen_set_has_room_for_every_name() {
        assert!(HeaderId::ALL.len() < 64);
    }
}

//! Status codes (RFC 3261 §21).

macro_rules! statuses {
    ($($name:ident $code:literal $phrase:literal)*) => {
        impl Status {
            $(#[doc = concat!(stringify!($code), " ", $phrase)] pub const $name: Self = Self { code: $code, phrase: $phrase };)*
        }
    };
}

/// A final status with its reason phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    code: u16,
    phrase: &'static str,
}

impl Status {
    /// The code.
    #[must_use]
    pub const fn code(self) -> u16 {
        self.code
    }

    /// The reason phrase.
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        self.phrase
    }

    /// The same code with a phrase that says more. The phrase is the caller's own and holds no line end.
    #[must_use]
    pub const fn saying(self, phrase: &'static str) -> Self {
        Self { code: self.code, phrase }
    }
}

statuses! {
    OK 200 "OK"
    MOVED_TEMPORARILY 302 "Moved Temporarily"
    BAD_REQUEST 400 "Bad Request"
    UNAUTHORIZED 401 "Unauthorized"
    FORBIDDEN 403 "Forbidden"
    NOT_FOUND 404 "Not Found"
    METHOD_NOT_ALLOWED 405 "Method Not Allowed"
    PROXY_AUTHENTICATION_REQUIRED 407 "Proxy Authentication Required"
    REQUEST_ENTITY_TOO_LARGE 413 "Request Entity Too Large"
    UNSUPPORTED_MEDIA_TYPE 415 "Unsupported Media Type"
    UNSUPPORTED_URI_SCHEME 416 "Unsupported URI Scheme"
    BAD_EXTENSION 420 "Bad Extension"
    INTERVAL_TOO_BRIEF 423 "Interval Too Brief"
    TEMPORARILY_UNAVAILABLE 480 "Temporarily Unavailable"
    NO_SUCH_TRANSACTION 481 "Call/Transaction Does Not Exist"
    TOO_MANY_HOPS 483 "Too Many Hops"
    INTERNAL_ERROR 500 "Server Internal Error"
    NOT_IMPLEMENTED 501 "Not Implemented"
    SERVICE_UNAVAILABLE 503 "Service Unavailable"
    VERSION_NOT_SUPPORTED 505 "Version Not Supported"
    MESSAGE_TOO_LARGE 513 "Message Too Large"
}

//! Request methods.

use std::fmt;

macro_rules! methods {
    ($($variant:ident $name:literal)*) => {
        /// A request method: case-sensitive (RFC 3261 §7.1).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Method<'a> {
            $(#[doc = $name] $variant,)*
            /// Any other.
            Other(&'a [u8]),
        }

        impl<'a> Method<'a> {
            /// The method of that name.
            #[must_use]
            pub fn from_name(name: &'a [u8]) -> Self {
                $(if name == $name.as_bytes() { return Self::$variant; })*
                Self::Other(name)
            }

            /// As it is written.
            #[must_use]
            pub fn name(&self) -> &'a [u8] {
                match self {
                    $(Self::$variant => $name.as_bytes(),)*
                    Self::Other(name) => name,
                }
            }
        }
    };
}

methods! {
    Register "REGISTER" Invite "INVITE" Ack "ACK" Bye "BYE" Cancel "CANCEL" Options "OPTIONS" Message "MESSAGE"
    Subscribe "SUBSCRIBE" Notify "NOTIFY" Publish "PUBLISH" Info "INFO" Refer "REFER" Prack "PRACK" Update "UPDATE"
}

impl fmt::Display for Method<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.name()))
    }
}

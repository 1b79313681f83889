//! What links find out about a request for the links behind them.

use std::borrow::Cow;

use sip_message::HeaderId;

/// Who has proved to have sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity<'e> {
    /// The user part of the user's address, decoded.
    pub name: Cow<'e, [u8]>,
    /// The realm in which the name was proved.
    pub realm: Cow<'e, [u8]>,
}

impl Identity<'_> {
    /// The same, with nothing borrowed.
    #[must_use]
    pub fn into_owned(self) -> Identity<'static> {
        Identity { name: Cow::Owned(self.name.into_owned()), realm: Cow::Owned(self.realm.into_owned()) }
    }
}

/// What an exchange carries from link to link, also over a wait.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carried<'e> {
    pub(crate) identity: Option<Identity<'e>>,
    /// The sender is trusted, known or not.
    pub(crate) vouched: bool,
    /// Headers for an answer of success.
    pub(crate) on_success: Vec<(HeaderId, Box<[u8]>)>,
}

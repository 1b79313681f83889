//! From what stores keep to an account.

use sip_message::header::Algorithm;
use sip_registrar::auth::{Account, Algorithms, Grants, Ha1, HashFunction};
use zeroize::Zeroizing;

use crate::source::{SourceError, User};

/// An account in the making. Empty values count as not given.
pub(crate) struct Draft {
    account: Account,
    password: Option<Zeroizing<Vec<u8>>>,
    hashes: Vec<(Of, Ha1)>,
}

/// Of what a hash was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// `name:realm:password`.
    Name,
    /// `name@domain:realm:password`.
    Address,
}

impl Draft {
    pub(crate) fn new(user: &User) -> Self {
        let account = Account::new(user.name().as_bytes(), user.realm().as_bytes());
        Self { account, password: None, hashes: Vec::new() }
    }

    pub(crate) fn password(&mut self, password: Vec<u8>) {
        self.password = Some(Zeroizing::new(password)).filter(|password| !password.is_empty());
    }

    /// A hash in hexadecimal. Without a function, its length tells it: 32 digits are MD5, 64 are SHA-256.
    pub(crate) fn hash(
        &mut self,
        of: Of,
        function: Option<HashFunction>,
        value: &[u8],
        field: &str,
    ) -> Result<(), SourceError> {
        let value = value.trim_ascii();
        if value.is_empty() {
            return Ok(());
        }
        let by_length = if value.len() == 64 { HashFunction::Sha256 } else { HashFunction::Md5 };
        let function = function.unwrap_or(by_length);
        let Some(ha1) = Ha1::from_hex(function, value) else {
            let digits = if function == HashFunction::Md5 { 32 } else { 64 };
            let text = format!("{field} is not {digits} hexadecimal digits, as a hash of {} is", function.name());
            return Err(SourceError::Account(text));
        };
        self.hashes.push((of, ha1));
        Ok(())
    }

    /// Addresses it may register beside its own.
    pub(crate) fn may_register<'a>(
        &mut self,
        patterns: impl IntoIterator<Item = &'a str>,
        field: &str,
    ) -> Result<(), SourceError> {
        let grants = Grants::new(patterns).map_err(|error| SourceError::Account(format!("{field}: {error}")))?;
        self.change(|account| account.may_register(grants));
        Ok(())
    }

    /// The algorithms it may use, by their names.
    pub(crate) fn algorithms<'a>(
        &mut self,
        names: impl IntoIterator<Item = &'a str>,
        field: &str,
    ) -> Result<(), SourceError> {
        let read = |name: &str| {
            let known = || Algorithm::ALL.map(Algorithm::name).join(", ");
            Algorithm::from_name(name.as_bytes())
                .ok_or_else(|| SourceError::Account(format!("{field}: {name:?} is none of {}", known())))
        };
        let algorithms = names.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        self.change(|account| account.algorithms(Algorithms::new(algorithms)));
        Ok(())
    }

    /// The account. A hash counts more than the password for its function.
    pub(crate) fn finish(self) -> Account {
        let account = match &self.password {
            Some(password) => self.account.password(password),
            None => self.account,
        };
        self.hashes.into_iter().fold(account, |account, (of, ha1)| match of {
            Of::Name => account.ha1(ha1),
            Of::Address => account.ha1_of_address(ha1),
        })
    }

    fn change(&mut self, change: impl FnOnce(Account) -> Account) {
        let nobody = Account::new([], []);
        self.account = change(std::mem::replace(&mut self.account, nobody));
    }
}

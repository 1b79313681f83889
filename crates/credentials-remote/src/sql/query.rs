//! From a query with names to one with parameters.

use std::sync::Arc;

use super::SqlError;
use crate::User;

/// A query as the engine wants it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) text: Arc<str>,
    /// What stands for its parameters, in their order.
    pub(super) parameters: Vec<Parameter>,
}

/// Something of the user that is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameter {
    Username,
    Domain,
    Realm,
}

/// How an engine marks parameters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Marks {
    /// `$1`, `$2`, …
    Numbered,
    /// `?`
    Plain,
}

impl Query {
    pub(super) fn new(query: &str, marks: Marks) -> Result<Self, SqlError> {
        let mut text = String::new();
        let mut parameters = Vec::new();
        let mut rest = query;
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, after) = behind.split_once('}').ok_or(SqlError::Brace)?;
            let parameter = Parameter::new(name).ok_or_else(|| SqlError::Placeholder(name.to_owned()))?;
            text.push_str(before);
            if is_in_quotes(&text) {
                return Err(SqlError::Quoted(name.to_owned()));
            }
            parameters.push(parameter);
            match marks {
                Marks::Numbered => text.push_str(&format!("${}", parameters.len())),
                Marks::Plain => text.push('?'),
            }
            rest = after;
        }
        text.push_str(rest);
        if !parameters.contains(&Parameter::Username) {
            return Err(SqlError::NoUsername);
        }
        Ok(Self { text: text.into(), parameters })
    }
}

impl Parameter {
    fn new(name: &str) -> Option<Self> {
        match name {
            "username" => Some(Self::Username),
            "domain" => Some(Self::Domain),
            "realm" => Some(Self::Realm),
            _ => None,
        }
    }

    pub(super) fn of(self, user: &User) -> &str {
        match self {
            Self::Username => user.name(),
            Self::Domain => user.domain(),
            Self::Realm => user.realm(),
        }
    }
}

/// A quote within quotes is written twice, so each one turns it over.
fn is_in_quotes(text: &str) -> bool {
    ['\'', '"', '`'].iter().any(|quote| text.matches(*quote).count() % 2 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_parameters() {
        let query = "SELECT a FROM b WHERE c = {username} AND d = 'it''s' AND e IN ({domain}, {username}, {realm})";
        let parameters =
            [Parameter::Username, Parameter::Domain, Parameter::Username, Parameter::Realm].as_slice().to_vec();
        let text = "SELECT a FROM b WHERE c = $1 AND d = 'it''s' AND e IN ($2, $3, $4)".into();
        assert_eq!(Query::new(query, Marks::Numbered), Ok(Query { text, parameters: parameters.clone() }));
        let text = "SELECT a FROM b WHERE c = ? AND d = 'it''s' AND e IN (?, ?, ?)".into();
        assert_eq!(Query::new(query, Marks::Plain), Ok(Query { text, parameters }));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (query, error) in [
            ("SELECT 1 WHERE a = {user}", SqlError::Placeholder("user".to_owned())),
            ("SELECT 1 WHERE a = '{username}'", SqlError::Quoted("username".to_owned())),
            ("SELECT 1 WHERE a = \"{username}\"", SqlError::Quoted("username".to_owned())),
            ("SELECT 1 WHERE a = {username} AND b LIKE 'x{domain}'", SqlError::Quoted("domain".to_owned())),
            ("SELECT 1 WHERE a = {username", SqlError::Brace),
            ("SELECT 1 WHERE a = {domain}", SqlError::NoUsername),
            ("", SqlError::NoUsername),
        ] {
            assert_eq!(Query::new(query, Marks::Plain), Err(error), "{query}");
        }
    }
}

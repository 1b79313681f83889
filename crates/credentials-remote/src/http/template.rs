//! A URL with names to be filled in.

use std::fmt::Write;

use hyper::Uri;

use super::HttpError;
use crate::User;

/// A URL, taken apart where users' names come in.
#[derive(Debug)]
pub(super) struct Template {
    parts: Vec<Part>,
    is_https: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Username,
    Domain,
    Realm,
}

impl Template {
    pub(super) fn new(url: &str) -> Result<Self, HttpError> {
        let mut parts = Vec::new();
        let mut rest = url;
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, after) = behind.split_once('}').ok_or(HttpError::Brace)?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(match name {
                "username" => Part::Username,
                "domain" => Part::Domain,
                "realm" => Part::Realm,
                _ => return Err(HttpError::Placeholder(name.to_owned())),
            });
            // The path begins at the third slash.
            let filled = url.len() - behind.len();
            if url.get(..filled).unwrap_or_default().matches('/').count() < 3 {
                return Err(HttpError::InHost(name.to_owned()));
            }
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        let mut template = Self { parts, is_https: false };
        let uri: Uri = template
            .fill_with(|_| "x")
            .parse()
            .map_err(|error: hyper::http::uri::InvalidUri| HttpError::Url(error.to_string()))?;
        template.is_https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(HttpError::Scheme),
        };
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(HttpError::Userinfo);
        }
        Ok(template)
    }

    pub(super) fn is_https(&self) -> bool {
        self.is_https
    }

    pub(super) fn says_username(&self) -> bool {
        self.parts.contains(&Part::Username)
    }

    pub(super) fn fill(&self, user: &User) -> String {
        self.fill_with(|part| match part {
            Part::Text(text) => text,
            Part::Username => user.name(),
            Part::Domain => user.domain(),
            Part::Realm => user.realm(),
        })
    }

    fn fill_with<'a>(&'a self, value: impl Fn(&'a Part) -> &'a str) -> String {
        let mut url = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => url.push_str(text),
                _ => encode(value(part), &mut url),
            }
        }
        url
    }
}

/// All but the unreserved characters (RFC 3986 §2.3), so that no name begins another part of the URL.
fn encode(value: &str, url: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            url.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip_registrar::auth::Wanted;

    fn filled(url: &str, name: &str) -> String {
        let wanted = Wanted { name: name.as_bytes(), domain: b"[::1]", realm: b"a realm" };
        Template::new(url).unwrap().fill(&User::new(&wanted).unwrap())
    }

    #[test]
    fn names_cannot_leave_their_place() {
        let url = "https://h.example/v1/{username}?d={domain}&r={realm}";
        assert_eq!(filled(url, "alice-_.~"), "https://h.example/v1/alice-_.~?d=%5B%3A%3A1%5D&r=a%20realm");
        assert_eq!(
            filled(url, "a/../b?c=d&e#f%2Fé@"),
            "https://h.example/v1/a%2F..%2Fb%3Fc%3Dd%26e%23f%252F%C3%A9%40?d=%5B%3A%3A1%5D&r=a%20realm"
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (url, error) in [
            ("ftp://h/{username}", HttpError::Scheme),
            ("h/{username}/", HttpError::InHost("username".to_owned())),
            ("https://{domain}/{username}", HttpError::InHost("domain".to_owned())),
            ("https://h.{domain}/x", HttpError::InHost("domain".to_owned())),
            ("https://a:b@h/{username}", HttpError::Userinfo),
            ("https://h/{user}", HttpError::Placeholder("user".to_owned())),
            ("https://h/{username", HttpError::Brace),
        ] {
            assert_eq!(Template::new(url).unwrap_err(), error, "{url}");
        }
        assert!(matches!(Template::new("https://h/a b{username}"), Err(HttpError::Url(_))));
        assert!(!Template::new("http://h/{username}").unwrap().is_https());
        assert!(Template::new("https://h/{username}").unwrap().is_https());
    }
}

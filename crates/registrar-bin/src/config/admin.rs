//! `[admin]`: the HTTP API.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use registrar_admin::{AdminConfig, Listen, Scope, Token};

use super::section::{Item, Section};
use super::webhook;

/// What is said of the API. `listen` may be empty: the socket in the directory of the table.
pub(super) fn read(section: &mut Section<'_, '_>, folder: &Path) -> AdminConfig {
    const TOKEN: &str = "a list of tables, as in [{ file = \"/etc/registrar/token\", scope = \"read\" }]";
    let mut admin = AdminConfig::default();
    section.items("tokens", TOKEN, |item| match item {
        Item::Text(..) => Err(()),
        Item::Table(mut table) => {
            admin.tokens.extend(read_token(&mut table, folder));
            table.finish();
            Ok(())
        }
    });
    const WEBHOOK: &str = "tables, each written as [[admin.webhook]]";
    section.items("webhook", WEBHOOK, |item| match item {
        Item::Text(..) => Err(()),
        Item::Table(mut table) => {
            admin.webhooks.extend(webhook::read(&mut table, folder));
            table.finish();
            Ok(())
        }
    });
    let has_tokens = section.has("tokens");
    for (text, at) in section.texts("listen").map(|(texts, _)| texts).unwrap_or_default() {
        let listen = match text.strip_prefix("unix:") {
            Some("") => Err("[admin] listen: unix: names no file".to_owned()),
            Some(path) => Ok(Listen::Unix(folder.join(path))),
            None => read_address(text, has_tokens).map(Listen::Tcp),
        };
        match listen {
            Ok(listen) => admin.listen.push(listen),
            Err(what) => section.problems.add(at, what, None),
        }
    }
    admin
}

fn read_address(text: &str, has_tokens: bool) -> Result<SocketAddr, String> {
    let addr: SocketAddr = text.parse().map_err(|_| {
        format!("[admin] listen: {text:?} is neither unix:PATH nor an address with a port, such as 127.0.0.1:8060")
    })?;
    if addr.ip().is_loopback() || has_tokens {
        Ok(addr)
    } else {
        Err(format!(
            "[admin] listen: others reach {addr}, so tokens are needed: write tokens, or listen on the loopback"
        ))
    }
}

fn read_token(table: &mut Section<'_, '_>, folder: &Path) -> Option<Token> {
    let (text, file) = (table.text("token"), table.text("file"));
    let scope = table.choice("scope", &[("read", Scope::Read), ("write", Scope::Write)]);
    let (secret, at) = match (text, file) {
        (Some((text, at)), None) => (text.to_owned(), at),
        (None, Some((file, at))) => {
            let path: PathBuf = folder.join(file);
            match std::fs::read_to_string(&path) {
                Ok(text) => (text, at),
                Err(error) => {
                    table.problems.add(at, format!("[admin.tokens] {}: {error}", path.display()), None);
                    return None;
                }
            }
        }
        (Some((_, at)), Some(_)) => {
            table.problems.add(at, "[admin.tokens] token and file: one of them", None);
            return None;
        }
        (None, None) => {
            let at = table.at.clone();
            table.problems.add(at, "[admin.tokens] neither token nor file", None);
            return None;
        }
    };
    if scope.is_none() && !table.has("scope") {
        let at = table.at.clone();
        table.problems.add(at, "[admin.tokens] without scope: write scope = \"read\" or \"write\"", None);
    }
    match Token::new(&secret, scope?) {
        Ok(token) => Some(token),
        Err(error) => {
            table.problems.add(at, format!("[admin.tokens] {error}"), None);
            None
        }
    }
}

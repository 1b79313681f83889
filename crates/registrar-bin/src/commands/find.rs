//! Where the API of the running registrar is.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use registrar_client::{Client, Error, Target, Token};
use toml::{Table, Value};

use crate::cli::ApiArgs;
use crate::config::LocationSettings;
use crate::{Failure, admin};

/// The API that is meant.
pub(super) fn client(args: &ApiArgs) -> Result<Client, Failure> {
    let target = match (&args.socket, &args.url, &args.config) {
        (Some(socket), ..) => Target::Unix(socket.clone()),
        (_, Some(url), _) => of_url(url, token(args.token_file.as_deref())?)?,
        (.., Some(file)) => of_file(file, args.token_file.as_deref())?,
        (None, None, None) => Target::Unix(own_socket()?),
    };
    Ok(Client::connect(target))
}

/// What an error of the API means for whoever runs the command.
pub(super) fn failure(error: &Error) -> Failure {
    let text = format!("error: {error}");
    match error {
        Error::NotYours { .. } | Error::NoToken | Error::Forbidden { .. } => Failure::NotAllowed(text),
        Error::NotFound { .. } => Failure::Missing(text),
        Error::Refused { status: 400..500, .. } => Failure::Settings(text),
        Error::Strange { .. } => Failure::Strange(text),
        _ => Failure::Machine(text),
    }
}

fn of_url(url: &str, token: Option<Token>) -> Result<Target, Failure> {
    Target::parse(url, token).map_err(|error| Failure::Settings(format!("error: --url {url}: {error}")))
}

fn token(file: Option<&Path>) -> Result<Option<Token>, Failure> {
    let (text, place) = match file {
        Some(file) => {
            let unreadable = |error| Failure::Settings(format!("error: {}: {error}", file.display()));
            (std::fs::read_to_string(file).map_err(unreadable)?, file.display().to_string())
        }
        None => match std::env::var("REGISTRAR_TOKEN") {
            Ok(text) => (text, "REGISTRAR_TOKEN".to_owned()),
            Err(_) => return Ok(None),
        },
    };
    let token = Token::new(&text).map_err(|error| Failure::Settings(format!("error: {place}: {error}")))?;
    Ok(Some(token))
}

fn own_socket() -> Result<PathBuf, Failure> {
    admin::socket(&LocationSettings::default())
}

/// Looks at nothing but what says where the API is: whoever asks may not be allowed to read what else the file names.
fn of_file(file: &Path, token_file: Option<&Path>) -> Result<Target, Failure> {
    let wrong = |what: &str| Failure::Settings(format!("error: {}: {what}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(&error.to_string()))?;
    let table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| wrong(&format!("{}\nhelp: registrar check says more", error.message())))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let Some(admin) = table.get("admin").and_then(Value::as_table) else {
        return Err(wrong(
            "it has no [admin], so there is no API\nhelp: write [admin] into it and start the registrar anew",
        ));
    };
    let listen: Vec<&str> = match admin.get("listen") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if let Some(path) = listen.iter().find_map(|listen| listen.strip_prefix("unix:")) {
        return Ok(Target::Unix(folder.join(path)));
    }
    if let Some(addr) = listen.first() {
        let addr = addr.strip_prefix("tcp:").unwrap_or(addr);
        let token = match token(token_file)? {
            None => token_of(admin, folder),
            token => token,
        };
        return of_url(&format!("http://{}", reachable(addr)), token);
    }
    let directory = table.get("location").and_then(|location| location.get("directory")).and_then(Value::as_str);
    match directory {
        Some(directory) => Ok(Target::Unix(folder.join(directory).join(admin::SOCKET))),
        None => own_socket().map(Target::Unix),
    }
}

/// A token of the file that may change things, or one that may not.
fn token_of(admin: &Table, folder: &Path) -> Option<Token> {
    let tokens: Vec<&Table> = admin.get("tokens")?.as_array()?.iter().filter_map(Value::as_table).collect();
    let may_write = |token: &&&Table| token.get("scope").and_then(Value::as_str) == Some("write");
    let token = tokens.iter().find(may_write).or(tokens.first())?;
    let text = match (token.get("token").and_then(Value::as_str), token.get("file").and_then(Value::as_str)) {
        (Some(text), _) => text.to_owned(),
        (None, Some(file)) => std::fs::read_to_string(folder.join(file)).ok()?,
        (None, None) => return None,
    };
    Token::new(&text).ok()
}

/// A listener on all addresses is reached by the loopback address.
fn reachable(addr: &str) -> String {
    match addr.parse::<std::net::SocketAddr>() {
        Ok(addr) if addr.ip().is_unspecified() => {
            let host = if addr.is_ipv4() { IpAddr::from([127, 0, 0, 1]) } else { std::net::Ipv6Addr::LOCALHOST.into() };
            std::net::SocketAddr::new(host, addr.port()).to_string()
        }
        _ => addr.to_owned(),
    }
}

//! `[users]`: where users and their secrets are.

use std::path::{Path, PathBuf};
use std::time::Duration;

use credentials_remote::{HttpConfig, HttpSource, Method, RemoteConfig, SqlConfig, SqlSource};

use super::section::{Placed, Section};

/// Where users and their secrets are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UsersSource {
    /// A users file.
    File(PathBuf),
    /// A store that may be slow, or down.
    Remote { store: Store, config: RemoteConfig },
}

/// Which kind of store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    Sql(SqlConfig),
    Http(HttpConfig),
}

/// Users come from one source. Files that are named are meant from `folder`.
pub(super) fn read(section: &mut Section<'_, '_>, folder: &Path, users: &mut Option<UsersSource>) {
    const KINDS: [&str; 3] = ["file", "sql", "http"];
    let at = section.at.clone();
    match KINDS.into_iter().filter(|kind| section.has(kind)).count() {
        0 => section.problems.add(at, "[users] names no users: write file = \"users.toml\"", None),
        1 => {}
        _ => section.problems.add(at, "[users] has more than one of file, sql and http: users come from one", None),
    }
    if let Some((file, at)) = section.text("file") {
        if file.is_empty() {
            section.problems.add(at, "[users] file is empty: name a file, such as \"users.toml\"", None);
        } else {
            *users = Some(UsersSource::File(folder.join(file)));
        }
    }
    section.section("sql", |sql| {
        let url = secret(sql, "url", "url_file", folder);
        let (query, config) = (sql.text("query"), read_remote(sql));
        let Some((url, mut at)) = url else { return };
        let mut wanted = SqlConfig::new(url);
        if let Some((query, query_at)) = query {
            query.clone_into(&mut wanted.query);
            at = query_at;
        }
        match SqlSource::new(&wanted) {
            Ok(_) => *users = Some(UsersSource::Remote { store: Store::Sql(wanted), config }),
            Err(error) => sql.problems.add(at, format!("[users.sql] {error}"), None),
        }
    });
    section.section("http", |http| {
        let url = secret(http, "url", "url_file", folder);
        let method = http.choice("method", &[("GET", Method::Get), ("POST", Method::Post)]).unwrap_or_default();
        let has_bearer = http.has("bearer") || http.has("bearer_file");
        let bearer = if has_bearer { secret(http, "bearer", "bearer_file", folder) } else { None };
        let config = read_remote(http);
        let Some((url, at)) = url else { return };
        let wanted = HttpConfig { method, bearer: bearer.map(|(bearer, _)| bearer), ..HttpConfig::new(url) };
        match HttpSource::new(&wanted) {
            Ok(_) => *users = Some(UsersSource::Remote { store: Store::Http(wanted), config }),
            Err(error) => http.problems.add(at, format!("[users.http] {error}"), None),
        }
    });
}

/// A text that may be a secret: in the configuration, or the first line of a file of its own.
fn secret(
    section: &mut Section<'_, '_>,
    key: &'static str,
    file_key: &'static str,
    folder: &Path,
) -> Option<(String, std::ops::Range<usize>)> {
    let (here, there): (Option<Placed<'_>>, Option<Placed<'_>>) = (section.text(key), section.text(file_key));
    match (here, there) {
        (Some((text, at)), None) => Some((text.to_owned(), at)),
        (None, Some((file, at))) => match std::fs::read_to_string(folder.join(file)) {
            Ok(text) => Some((text.lines().next().unwrap_or_default().trim().to_owned(), at)),
            Err(error) => {
                let what =
                    format!("{}{file_key}: cannot read {}: {error}", section.prefix(), folder.join(file).display());
                section.problems.add(at, what, None);
                None
            }
        },
        (here, _) => {
            let what = format!("{}needs {key}, or {file_key} with a file in which it stands", section.prefix());
            let at = here.map_or_else(|| section.at.clone(), |(_, at)| at);
            section.problems.add(at, what, None);
            None
        }
    }
}

/// How patiently a store is asked.
fn read_remote(section: &mut Section<'_, '_>) -> RemoteConfig {
    let mut config = RemoteConfig::default();
    let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    if let Some((millis, _)) = section.number("deadline_ms", 1..=10_000) {
        config.deadline = Duration::from_millis(millis);
    }
    for (key, most, time) in [
        ("fresh", 86_400, &mut config.fresh),
        ("negative", 3600, &mut config.negative),
        ("stale", 31_536_000, &mut config.stale),
        ("open", 3600, &mut config.open),
    ] {
        if let Some((seconds, _)) = section.number(key, 0..=most) {
            *time = Duration::from_secs(seconds);
        }
    }
    for (key, most, bound) in [
        ("cache_entries", 100_000_000, &mut config.cache_entries),
        ("negative_entries", 100_000_000, &mut config.negative_entries),
        ("queue", 1_000_000, &mut config.queue),
        ("concurrency", 1000, &mut config.concurrency),
    ] {
        if let Some((n, _)) = section.number(key, 1..=most) {
            *bound = count(n);
        }
    }
    if let Some((failures, _)) = section.number("failures", 1..=1000) {
        config.failures = u32::try_from(failures).unwrap_or(config.failures);
    }
    config
}

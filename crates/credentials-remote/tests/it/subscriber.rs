//! Kamailio's table of users, and what has to be found in it whichever the engine.

use credentials_remote::{Remote, RemoteConfig, SourceError, SqlConfig, SqlSource, StartError};
use sip_message::header::Algorithm;
use sip_registrar::auth::{Ha1, HashFunction};

use crate::harness::{Worker, registers};

/// A database with a table `subscriber` as Kamailio makes it. `{id}` is how the engine writes a running number.
pub(crate) const TABLE: &str = "CREATE TABLE subscriber (
    id {id} NOT NULL,
    username VARCHAR(64) DEFAULT '' NOT NULL,
    domain VARCHAR(64) DEFAULT '' NOT NULL,
    password VARCHAR(64) DEFAULT '' NOT NULL,
    ha1 VARCHAR(128) DEFAULT '' NOT NULL,
    ha1b VARCHAR(128) DEFAULT '' NOT NULL,
    CONSTRAINT subscriber_account_idx UNIQUE (username, domain)
)";

pub(crate) fn users() -> Vec<String> {
    let md5 = |username, password: &str| hex(HashFunction::Md5, username, password);
    let insert = |name: &str, password: &str, ha1: &str, ha1b: &str| {
        format!(
            "INSERT INTO subscriber (username, domain, password, ha1, ha1b) \
             VALUES ('{name}', 'example.com', '{password}', '{ha1}', '{ha1b}')"
        )
    };
    let mut statements = vec![
        insert("hashed", "", &md5("hashed", "secret"), &md5("hashed@example.com", "secret")),
        insert("plain", "secret", "", ""),
        insert("both", "secret", &md5("both", "secret"), &md5("both@example.com", "secret")),
        insert("sha", "", &hex(HashFunction::Sha256, "sha", "secret"), ""),
        insert("disabled", "", "", ""),
        insert("broken", "", "not a hash", ""),
        insert("jürgen", "secret", "", ""),
        "CREATE TABLE phones (number VARCHAR(20), digest VARCHAR(64), aliases VARCHAR(200), secret_kind VARCHAR(50), \
         pin INTEGER)"
            .to_owned(),
        format!(
            "INSERT INTO phones VALUES ('100', '{}', 'sales@example.com, *@example.org', 'SHA-256,MD5', 1234)",
            hex(HashFunction::Sha256, "100", "secret")
        ),
        "INSERT INTO phones VALUES ('200', NULL, NULL, NULL, 1234)".to_owned(),
        "INSERT INTO phones VALUES ('300', NULL, NULL, NULL, 1)".to_owned(),
        "INSERT INTO phones VALUES ('300', NULL, NULL, NULL, 2)".to_owned(),
    ];
    statements.extend((0..20).map(|n| insert(&format!("user{n}"), "secret", "", "")));
    statements
}

fn hex(function: HashFunction, username: &str, password: &str) -> String {
    Ha1::of(function, username.as_bytes(), b"example.com", password.as_bytes()).reveal()
}

fn with_query(url: &str, query: &str) -> Worker {
    let config = SqlConfig { url: url.to_owned(), query: query.to_owned() };
    Worker::start(SqlSource::new(&config).unwrap(), RemoteConfig::default())
}

/// The table as it stands, with the query that is the default.
pub(crate) fn users_are_found_as_kamailio_keeps_them(url: &str) {
    let worker = Worker::start(SqlSource::new(&SqlConfig::new(url)).unwrap(), RemoteConfig::default());
    let (md5, sha256, sha512) = (Algorithm::Md5, Algorithm::Sha256, Algorithm::Sha512_256);
    for (username, algorithm, status) in [
        ("hashed", md5, 200),
        ("hashed@example.com", md5, 200),
        ("hashed", sha256, 401),
        ("plain", md5, 200),
        ("plain", sha256, 200),
        ("plain", sha512, 200),
        ("plain@example.com", sha256, 200),
        ("both", md5, 200),
        ("both@example.com", sha512, 200),
        ("sha", sha256, 200),
        ("sha", md5, 401),
        ("disabled", md5, 401),
        ("broken", md5, 401),
        ("nobody", md5, 401),
    ] {
        assert_eq!(registers(&worker, username, "secret", algorithm), status, "{username} {algorithm:?}");
        assert_eq!(registers(&worker, username, "Secret", algorithm), 401, "{username} {algorithm:?}");
        assert_eq!(registers(&worker, username, "", algorithm), 401, "{username} {algorithm:?}");
    }
    assert!(worker.event().contains("the column ha1 is not 32 hexadecimal digits"));
    assert!(worker.shown("jürgen").is_some() && worker.shown("disabled").is_some());

    // MySQL compares without regard to case, accents, and blanks at the end.
    for nobody in ["nobody", "PLAIN", "plain ", "jurgen", "plain' OR 'a' = 'a", "{username}", "%", "日本"] {
        assert_eq!(worker.shown(nobody), None, "{nobody}");
    }
    assert_eq!(worker.shown("broken"), None);
    let stats = worker.stats();
    assert_eq!((stats.failures, stats.unusable, stats.unavailable), (0, 1, 0));
}

/// Other tables, with other names and types of columns.
pub(crate) fn other_tables_are_asked_by_other_queries(url: &str) {
    let phones = "SELECT number AS username, digest AS ha1_sha256, aliases AS may_register, secret_kind AS Algorithms \
                  FROM phones WHERE number = {username} AND {domain} = {realm}";
    let worker = with_query(url, phones);
    assert_eq!(registers(&worker, "100", "secret", Algorithm::Sha256), 200);
    assert_eq!(registers(&worker, "100", "secret", Algorithm::Sha512_256), 401);
    assert!(worker.shown("100").unwrap().contains("Exactly"));
    let list = worker.ask("100").unwrap().unwrap().offered();
    assert_eq!(list.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>(), ["SHA-256", "MD5"]);
    assert!(worker.shown("200").is_some());
    assert_eq!(registers(&worker, "200", "", Algorithm::Sha256), 401);
    assert_eq!(worker.shown("300"), None);
    assert!(worker.event().contains("more than one row"));

    // A column that is no text, and rows without end.
    let worker = with_query(url, "SELECT pin AS password FROM phones WHERE number = {username}");
    assert_eq!(worker.shown("100"), None);
    let heard = worker.event();
    assert!(heard.contains("the column password is of type INT") && heard.contains("not text"), "{heard}");
    let worker = with_query(url, "SELECT password FROM subscriber WHERE {username} <> domain");
    assert_eq!(worker.shown("100"), None);
    assert!(worker.event().contains("more than 16 rows"));
    assert_eq!(worker.stats().failures, 0);
}

/// What the database refuses is said before anybody needs it, without the password.
pub(crate) fn a_wrong_query_is_found_at_the_start(url: &str) {
    let started = |url: &str, query: &str| {
        let config = SqlConfig { url: url.to_owned(), query: query.to_owned() };
        Remote::start(SqlSource::new(&config).unwrap(), RemoteConfig::default())
    };
    for (query, says) in [
        ("SELECT password FROM subscribers WHERE username = {username}", "subscribers"),
        ("SELECT password, rpid FROM subscriber WHERE username = {username}", "rpid"),
        ("SELECT password, id FROM subscriber WHERE username = {username}", "\"id\", which is none of username"),
        ("SELECT username FROM subscriber WHERE username = {username}", "neither a password nor a hash"),
        ("SELEKT password FROM subscriber WHERE username = {username}", "SELEKT"),
    ] {
        let error = started(url, query).err().unwrap_or_else(|| panic!("started with {query}"));
        assert!(matches!(&error, StartError::Source(SourceError::Misconfigured(_))), "{error:?}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(!error.to_string().contains("open-sesame"), "{error}");
    }
}

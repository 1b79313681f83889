use std::time::Duration;

use super::super::{Keep, LocationSettings, Store, UsersSource};
use super::*;
use location_durable::Mode;
use sip_registrar::Limits;
use sip_transport::ClientCertificates;

fn parse(text: &str) -> Result<Settings, Problems> {
    super::parse(text, Path::new("/etc/registrar"), &TlsKeys::default())
}

fn problems(text: &str) -> Vec<(usize, String)> {
    let problems = parse(text).expect_err(text);
    let line = |at: usize| text[..at].lines().count().max(1) + usize::from(text[..at].ends_with('\n'));
    problems.0.into_iter().map(|problem| (line(problem.at.start), problem.what)).collect()
}

#[test]
fn everything_can_be_set() {
    let text = r#"
        listen = ["udp:0.0.0.0:5060", "tcp:[::]:5070"]
        domains = ["example.com", "*.example.org"]
        workers = 3
        [log]
        level = "info,sip_transport=debug"
        format = "json"
        [registrar]
        min_expires = 60
        max_expires = 3_600
        default_expires = 600
        jitter = 0
        max_contacts = 5
        eviction = "refuse"
        max_bindings = 1000
        foreign_domain = "pass"
        identity_param = "rinstance"
        redirect = true
        [throttle]
        per_source = 100
        source_burst = 500
        per_network = 1000
        [sip]
        force_rport = true
        maddr = "obey"
        server_header = "registrar"
        [tcp]
        connections = 100
        connections_per_source = 10
        [users]
        file = "users.toml"
        [auth]
        realm = "asterisk"
        [location]
        mode = "delayed"
        directory = "bindings"
        interval = 250
    "#;
    let settings = parse(text).unwrap();
    assert_eq!(settings.listen.as_deref().map(<[_]>::len), Some(2));
    assert_eq!(settings.domains, ["example.com", "*.example.org"]);
    assert_eq!(settings.workers.map(NonZeroU16::get), Some(3));
    assert!(settings.log.json && settings.log.level.contains("debug"));
    let registrar = settings.registrar;
    assert_eq!(
        registrar.limits,
        Limits {
            min_expires: 60,
            max_expires: 3600,
            default_expires: 600,
            jitter: 0,
            max_contacts: 5,
            eviction: Eviction::Refuse
        }
    );
    assert_eq!((registrar.max_bindings, registrar.redirect), (1000, true));
    assert_eq!(registrar.foreign_domain, ForeignDomain::Pass);
    assert_eq!(registrar.identity_param.as_deref(), Some("rinstance"));
    assert_eq!(settings.throttle.source, Some(Rate { per_second: 100, burst: 500 }));
    assert_eq!(settings.throttle.network, Some(Rate { per_second: 1000, burst: 10_000 }));
    assert!(settings.route.force_rport && settings.route.maddr == MaddrPolicy::Obey);
    assert_eq!((settings.connections, settings.connections_per_source), (Some(100), Some(10)));
    assert_eq!(settings.users, Some(UsersSource::File("/etc/registrar/users.toml".into())));
    assert_eq!(settings.auth.policy.realm.as_deref(), Some("asterisk"));
    let mode = Mode::Delayed { interval: Duration::from_millis(250) };
    let directory = Some("/etc/registrar/bindings".into());
    assert_eq!(settings.location, LocationSettings { keep: Keep::OnDisk(mode), directory });
}

#[test]
fn the_table_is_where_it_is_said_to_be_and_what_contradicts_is_told() {
    let location = |text: &str| parse(&format!("[location]\n{text}")).unwrap().location;
    assert_eq!(location(""), LocationSettings { keep: Keep::OnDisk(Mode::Synced), directory: None });
    assert_eq!(location("directory = '/srv/x'").directory.unwrap(), Path::new("/srv/x"));
    assert_eq!(location("mode = 'memory'").keep, Keep::InMemory);
    assert_eq!(location("mode = 'delayed'").keep, Keep::OnDisk(Mode::Delayed { interval: Duration::from_secs(1) }));
    for (text, line, said) in [
        ("mode = 'disk'\ninterval = 500", 2, r#"[location] mode must be "synced" or "delayed" or "memory""#),
        ("interval = 500", 2, "[location] interval without mode = \"delayed\""),
        ("mode = 'delayed'\ninterval = 99", 3, "interval must be a whole number from 100 to 60000"),
        ("mode = 'memory'\ndirectory = 'x'", 3, "directory with mode = \"memory\", which writes nothing"),
        ("directory = ''", 2, "directory is empty"),
        ("directory = '/etc/passwd'", 2, "/etc/passwd is a file"),
        ("directroy = 'x'", 2, "unknown key \"directroy\""),
    ] {
        let problems = problems(&format!("[location]\n{text}"));
        assert!(problems.len() == 1 && problems[0].0 == line && problems[0].1.contains(said), "{text}: {problems:?}");
    }
}

#[test]
fn the_command_line_goes_over_what_the_file_says_of_the_table() {
    let args = |args: &[&str]| {
        use clap::Parser;
        from_args(&crate::cli::Cli::parse_from([&["registrar"], args].concat()).serve).map(|settings| settings.location)
    };
    let location = |words: &[&str]| args(words).unwrap_or_else(|_| panic!("{words:?}"));
    assert_eq!(location(&["--location", "memory"]).keep, Keep::InMemory);
    let expected = LocationSettings { keep: Keep::OnDisk(Mode::Synced), directory: Some("here".into()) };
    assert_eq!(location(&["--data-dir", "here"]), expected);
    for (words, said) in [
        (["--location", "memory", "--data-dir", "here"], "nothing is written with location mode memory"),
        (["--location", "synced", "--data-dir", "/etc/passwd"], "--data-dir: /etc/passwd is a file"),
    ] {
        assert!(matches!(args(&words), Err(Wrong::Text(text)) if text.contains(said)), "{words:?}");
    }
}

#[test]
fn a_users_file_is_named_from_the_folder_of_the_configuration_or_from_the_root() {
    for (file, path) in [("'u.toml'", "/etc/registrar/u.toml"), ("'/srv/u.toml'", "/srv/u.toml")] {
        let settings = parse(&format!("users.file = {file}")).unwrap();
        assert_eq!(settings.users, Some(UsersSource::File(path.into())));
    }
    assert_eq!(problems("[users]\nfile = ''").len(), 1);
    assert_eq!(problems("[users]\nfile = 5").len(), 1);
}

#[test]
fn a_section_that_names_no_users_is_no_way_to_have_none() {
    assert_eq!(problems("\n[users]\n"), [(2, "[users] names no users: write file = \"users.toml\"".to_owned())]);
}

#[test]
fn a_realm_is_what_a_phone_can_send_back() {
    for realm in ["''", "'a\"b'", "'a\\b'", "'ü'", "\"a\\nb\""] {
        assert_eq!(problems(&format!("users.file = 'u.toml'\nauth.realm = {realm}")).len(), 1, "{realm}");
    }
}

#[test]
fn an_empty_file_is_the_defaults() {
    assert_eq!(parse("").unwrap(), Settings::default());
}

#[test]
fn the_default_expiry_follows_the_longest() {
    assert_eq!(parse("[registrar]\nmax_expires = 7200").unwrap().registrar.limits.default_expires, 7200);
}

#[test]
fn all_problems_are_found_at_once_each_with_its_line() {
    let text = "lisen = \"udp:127.0.0.1\"\n\
                domains = [\"exa mple\", 5]\n\
                workers = 0\n\
                [registrar]\n\
                min_expires = \"30\"\n\
                max_contact = 5\n\
                eviction = \"oldest\"\n\
                [throttle]\n\
                source_burst = 10\n\
                [log]\n\
                level = \"loud\"\n\
                [nonsense]\n";
    let found = problems(text);
    let lines: Vec<usize> = {
        let mut lines: Vec<_> = found.iter().map(|(line, _)| *line).collect();
        lines.sort_unstable();
        lines
    };
    assert_eq!(lines, [1, 2, 2, 3, 5, 6, 7, 9, 11, 12], "{found:#?}");
}

#[test]
fn bounds_that_contradict_each_other_are_refused() {
    for (text, line) in [
        ("[registrar]\nmin_expires = 600", 2),
        ("[registrar]\nmin_expires = 100\nmax_expires = 50", 3),
        ("[registrar]\ndefault_expires = 10", 2),
        ("[registrar]\nmax_expires = 100\ndefault_expires = 101", 3),
    ] {
        assert_eq!(problems(text).first().map(|(line, _)| *line), Some(line), "{text}");
    }
}

#[test]
fn what_is_no_toml_is_said_with_its_line() {
    assert_eq!(problems("a = 1\nb = \n").first().map(|(line, _)| *line), Some(2));
}

#[test]
fn a_listener_that_cannot_be_is_refused_by_name() {
    let found = problems("listen = [\"udp:example.com:5060\", \"tls:127.0.0.1\"]");
    assert!(found[0].1.contains("example.com") && found[1].1.contains("certificate"), "{found:?}");
    for (leg, what) in [
        ("{ advertise = 'a' }", "a listener without leg"),
        ("{ leg = 'tcp:127.0.0.1', advertise = 'sip:a' }", "advertised address"),
        ("{ leg = 'tcp:127.0.0.1', trusted_proxies = [] }", "trusted_proxies is empty"),
        ("{ leg = 'tcp:127.0.0.1', trusted_proxies = ['192.0.2.0/33'] }", "is no network"),
        ("{ leg = 'udp:127.0.0.1', trusted_proxies = ['192.0.2.1'] }", "only legs of connections can use"),
        ("{ leg = 'tcp:127.0.0.1', origins = ['https://a'] }", "only ws: and wss: can use"),
        ("{ leg = 'ws:127.0.0.1', certificates = { chain = 'a', key = 'b' } }", "only tls: and wss: can use"),
        (
            "{ leg = 'tls:127.0.0.1', certificates = { chain = 'a', key = 'b' }, client_certificates = 'required' }",
            "client_ca",
        ),
        ("{ leg = 'tls:127.0.0.1', certificate = 'a' }", "no certificate for it"),
    ] {
        let found = problems(&format!("listen = {leg}"));
        assert!(found[0].1.contains(what), "{leg}: {found:?}");
    }
}

#[test]
fn a_listener_has_what_it_says_itself_and_else_what_is_said_for_all() {
    let text = r#"
        listen = [
            "tls:127.0.0.1",
            { leg = "wss:[::1]:443", advertise = "sip.example.com", origins = ["https://Own.example.com"],
              certificates = { chain = "own.pem", key = "/own.key" }, client_certificates = "off" },
            { leg = "ws:127.0.0.1", trusted_proxies = ["192.0.2.0/24", "2001:db8::1"] },
            "udp:127.0.0.1",
        ]
        [tls]
        certificates = [{ chain = "all.pem", key = "all.key" }]
        client_certificates = "optional"
        client_ca = "ca.pem"
        [websocket]
        origins = "https://all.example.com"
        [flows]
        grace = 0
        keep_reachable = true
        keepalive = 0
        ping = 30
        ping_failures = 3
        [udp]
        gather = 4
    "#;
    let settings = parse(text).unwrap();
    let [all, own, web, udp] = settings.listen.as_deref().unwrap() else { panic!() };
    let folder = |file: &str| Path::new("/etc/registrar").join(file);
    let tls = all.tls.as_ref().unwrap();
    assert_eq!(tls.certificates[0].chain, folder("all.pem"));
    assert_eq!(tls.clients, ClientCertificates::Optional(folder("ca.pem")));
    let tls = own.tls.as_ref().unwrap();
    assert_eq!((&tls.certificates[0].chain, &tls.certificates[0].key), (&folder("own.pem"), &"/own.key".into()));
    assert_eq!(tls.clients, ClientCertificates::Off);
    assert_eq!(own.advertised.as_ref().map(ToString::to_string).as_deref(), Some("sip.example.com"));
    assert_eq!(own.origins.as_deref(), Some(&["https://own.example.com".to_owned()][..]));
    assert_eq!(web.origins.as_deref(), Some(&["https://all.example.com".to_owned()][..]));
    assert!(web.tls.is_none() && udp.tls.is_none());
    let proxies: Vec<_> = web.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["192.0.2.0/24", "2001:db8::1/128"]);
    assert_eq!((settings.flows.keepalive, settings.gather), (None, Duration::from_millis(4)));
    assert_eq!((settings.flows.ping, settings.flows.ping_failures), (Some(Duration::from_secs(30)), 3));
    assert!(settings.flows.grace.is_zero() && settings.flows.keep_reachable && settings.flows.follow);
}

#[test]
fn users_may_be_in_a_store_that_is_asked() {
    let text = "[users.sql]\nurl = 'postgres://r:secret@127.0.0.1/k'\ndeadline_ms = 250\nfresh = 60\nqueue = 7\n";
    let Some(UsersSource::Remote { store: Store::Sql(sql), config }) = parse(text).unwrap().users else { panic!() };
    assert!(sql.query.contains("subscriber") && !format!("{sql:?}").contains("secret"));
    assert_eq!((config.deadline.as_millis(), config.fresh.as_secs(), config.queue), (250, 60, 7));
    let text = "[users.http]\nurl = 'http://127.0.0.1:1/{domain}/{username}'\nbearer = 'secret'\n";
    let Some(UsersSource::Remote { store: Store::Http(http), .. }) = parse(text).unwrap().users else { panic!() };
    assert_eq!(http.bearer.as_deref(), Some("secret"));
}

#[test]
fn what_is_wrong_with_a_store_is_said_at_its_place_and_without_its_secrets() {
    for (text, what) in [
        ("[users.sql]\nurl = 'oracle://r:secret@h/k'", "[users.sql] the url of the database has to begin"),
        ("[users.sql]\nurl = 'sqlite:/x'\nquery = 'select 1'", "[users.sql] the query does not say {username}"),
        ("[users.sql]\nquery = 'x'", "[users.sql] needs url, or url_file"),
        ("[users.sql]\nurl_file = '/does/not/exist'", "[users.sql] url_file: cannot read"),
        ("[users.http]\nurl = 'http://secret@h/{username}'", "[users.http] the url of the web service has something"),
        ("[users.http]\nurl = 'http://h/'", "[users.http] the url does not say {username}"),
        ("[users]\nfile = 'u'\nsql.url = 'sqlite:/x'", "[users] has more than one of"),
        ("[users.sql]\nurl = 'sqlite:/x'\nfrsh = 5", "[users.sql] unknown key \"frsh\""),
        ("[users.sql]\nurl = 'sqlite:/x'\nqueue = 0", "[users.sql] queue must be"),
    ] {
        let problems = problems(text);
        assert!(problems.len() == 1 && problems[0].1.starts_with(what), "{text}: {problems:?}");
        assert!(!problems[0].1.contains("secret"));
    }
}

#[test]
fn every_way_to_authenticate_can_be_set() {
    use sip_message::header::Algorithm;
    use sip_registrar::auth::{Qop, UriMayDiffer};
    let auth = parse(
        "users.file = 'u'
        [auth]
        realm = 'house'
        algorithms = ['SHA-256', 'md5']
        qop = ['auth', 'auth-int']
        qop_may_be_missing = false
        uri_may_differ = 'never'
        userhash = true
        opaque = 'o'
        proxy = true
        nonce_life = 60
        nonce_secrets = 'secrets'
        bind_nonce_to_source = true
        next_nonce = true
        remembered_nonces = 5000
        wrong_passwords = 3
        any_address = true
        trusted_sources = ['192.0.2.0/24', '2001:db8::1']
        open_addresses = 'door@example.com'
        callers = 'anybody'
        filter = { register = [['to-is-from', 'from-is-realm'], ['from-is-auth-user']] }
        [auth.domain.'*.example.org']
        qop = []
        realm = 'other'",
    )
    .unwrap()
    .auth;
    assert_eq!(auth.policy.algorithms.iter().collect::<Vec<_>>(), [Algorithm::Sha256, Algorithm::Md5]);
    assert_eq!(auth.policy.qops, [Qop::Auth, Qop::AuthInt]);
    assert_eq!((auth.policy.qop_may_be_missing, auth.policy.uri_may_differ), (false, UriMayDiffer::Never));
    assert_eq!((auth.realm_of("example.com"), auth.realm_of("a.example.org")), ("house".into(), "other".into()));
    let other = &auth.policies[0].1;
    assert!(other.qops.is_empty() && other.algorithms == auth.policy.algorithms && other.userhash);
    assert_eq!(auth.userhash().len(), 2);
    assert_eq!((auth.opaque.as_deref(), auth.nonce_life, auth.remembered_nonces), (Some("o"), 60, 5000));
    assert_eq!(auth.nonce_secrets.as_deref(), Some(Path::new("/etc/registrar/secrets")));
    assert!(auth.proxy && auth.bind_nonce_to_source && auth.next_nonce && auth.any_address && !auth.challenge_callers);
    assert_eq!((auth.wrong_passwords, auth.trusted_sources.len(), auth.open_addresses.len()), (3, 2, 1));
    let lists: Vec<_> = auth.filters[0].1.iter().map(Vec::len).collect();
    assert_eq!((auth.filters[0].0.as_str(), lists), ("REGISTER", vec![2, 1]));
}

#[test]
fn what_cannot_authenticate_anybody_is_refused() {
    assert_eq!(problems("[auth]\nproxy = true")[0].1, "[auth] without [users]: nobody could prove anything");
    for (line, what) in [
        ("algorithms = []", "[auth] algorithms must be a list with one algorithm at least, the best first"),
        ("algorithms = ['SHA-1']", "[auth] algorithms must be MD5 or MD5-sess or SHA-256"),
        ("qop = 'none'", "[auth] qop must be a list of"),
        ("nonce_life = 59", "[auth] nonce_life must be a whole number from 60 to 300"),
        ("trusted_sources = ['192.0.2.0/33']", "[auth] \"192.0.2.0/33\" is no network"),
        ("open_addresses = ['door']", "[auth] \"door\" is no address"),
        ("filter = { REGISTER = [['to-is-to']] }", "[auth] \"to-is-to\" is no check"),
        ("filter = { REGISTER = ['to-is-from'] }", "[auth] filter must be lists of lists"),
        ("filter = 5", "[auth] filter must be lists of lists"),
        ("uri_may_differ = true", "[auth] uri_may_differ must be a text"),
        ("domain = { 'a b' = { proxy = true } }", "\"a b\" is no domain"),
        ("domain = { 'a' = { proxy = true } }", "[a] unknown key \"proxy\""),
    ] {
        let problems = problems(&format!("users.file = 'u'\n[auth]\n{line}"));
        let said = problems.iter().any(|(_, problem)| problem.starts_with(what));
        assert!(said, "{line}: {problems:?}");
    }
}

#[test]
fn webhooks_are_read_and_what_is_wrong_with_one_is_said_where_it_stands() {
    let secret = "secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"";
    let good = format!("[[admin.webhook]]\nurl = \"https://hooks.example.com/17\"\n{secret}\nevents = [\"lost\"]\n");
    let settings = parse(&good.repeat(2)).unwrap();
    assert_eq!(settings.admin.map(|admin| admin.webhooks.len()), Some(2));
    for (text, line, part) in [
        (good.replace("https", "ftp"), 2, "begins with http:// or https://"),
        (good.replace("LaLaSw", ""), 2, "base64 of 24 to 64 bytes"),
        (good.replace("lost", "gone"), 2, "\"gone\" is no kind of event: there are registered, refreshed"),
        (good.replace(secret, ""), 1, "needs one of secret, secret_file and secret_env"),
        (good.replace(secret, "secret_file = \"none\""), 3, "secret_file /etc/registrar/none: No such file"),
        (good.replace(secret, "secret_env = \"NOT_SET_ANYWHERE\""), 3, "secret_env NOT_SET_ANYWHERE: "),
        (good.replace("url", "uri"), 1, "without url"),
    ] {
        let problems = problems(&text);
        assert!(problems.iter().any(|(at, what)| *at == line && what.contains(part)), "{text}{problems:?}");
        assert!(problems.iter().all(|(_, what)| !what.contains("MfKQ")), "{problems:?}");
    }
}

#[test]
fn messages_and_spans_that_are_wanted_are_read_and_what_is_wrong_is_said() {
    let messages = |text: &str| parse(&format!("[log]\n{text}")).unwrap().log.messages;
    assert_eq!((messages("").every, messages("sip_every = 50").every), (0, 50));
    let of = messages("sip_of = ['alice@example.com', '192.0.2.0/24']");
    assert_eq!((of.every, of.of.len()), (1, 2));
    let traces = parse("[traces]\nendpoint = 'http://127.0.0.1:4318/v1/traces'").unwrap().traces.unwrap();
    assert_eq!((traces.every(), traces.place().as_str()), (100, "http://127.0.0.1:4318"));
    for (text, line, what) in [
        ("[log]\nsip_of = ['alice']", 2, "[log] sip_of must be addresses of record, IP addresses or networks"),
        ("[log]\nsip_every = -1", 2, "[log] sip_every must be a whole number"),
        ("[traces]\nevery = 1", 1, "[traces] without endpoint"),
        ("[traces]\nendpoint = '127.0.0.1:4318'", 2, "[traces] the endpoint begins with http:// or https://"),
        ("[traces]\nendpoint = 'http://x/'\nevery = 0", 3, "[traces] every must be a whole number"),
    ] {
        let found = problems(text);
        assert!(found.len() == 1 && found[0].0 == line && found[0].1.contains(what), "{text}: {found:?}");
    }
}

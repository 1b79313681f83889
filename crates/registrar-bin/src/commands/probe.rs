//! `registrar probe`.

use registrar_client::probe::{self, Probe, Verdict};
use registrar_client::sip::{Account, Destination, Over, Roots};
use registrar_client::view::clean;

use super::{json, look, password, print_on};
use crate::Failure;
use crate::cli::{DestinationArgs, ProbeArgs, Transport};
use crate::say::{print, wrong};

pub(super) async fn probe(args: &ProbeArgs) -> Result<(), Failure> {
    let (to, roots) = destination(&args.destination)?;
    let (user, domain) = address(&args.user, &to)?;
    let mut password = password::given(&args.account)?;
    let name = args.account.auth_user.clone().unwrap_or_else(|| user.clone());
    let (expires, patience) = (args.expires, args.timeout);
    let plan = Probe { to, user, domain, expires, patience, roots };
    let look = look();
    let mut printed = Ok(true);
    let report = probe::probe(
        &plan,
        |challenge| {
            let what = format!("Password of {} for {}: ", clean(&name), clean(&challenge.realm));
            let password = password.take().or_else(|| password::asked(&what))?;
            Some(Account { name: name.clone(), password })
        },
        |step| {
            if !args.json && matches!(printed, Ok(true)) {
                printed = print_on(&step.line(look));
            }
        },
    )
    .await;
    printed?;
    print(&if args.json { json(&report)? } else { report.summary(look) })?;
    // What is wrong has been said.
    match report.verdict {
        Verdict::Right => Ok(()),
        Verdict::Wrong | Verdict::Refused => Err(Failure::Data(String::new())),
        Verdict::NoAddress => Err(Failure::NoAddress(String::new())),
        Verdict::Unreachable => Err(Failure::Machine(String::new())),
        Verdict::WantsPassword | Verdict::WrongPassword => Err(Failure::NotAllowed(String::new())),
    }
}

/// Where it goes, and whose certificates are believed there.
pub(super) fn destination(args: &DestinationArgs) -> Result<(Destination, Option<Roots>), Failure> {
    let over = args.transport.map(|transport| match transport {
        Transport::Udp => Over::Udp,
        Transport::Tcp => Over::Tcp,
        Transport::Tls => Over::Tls,
    });
    let to = Destination::parse(&args.uri, over).map_err(|error| wrong(&format!("{}: {error}", args.uri)))?;
    let roots = (to.over == Over::Tls).then(|| Roots::open(args.ca.as_deref())).transpose();
    Ok((to, roots.map_err(|error| wrong(&error.to_string()))?))
}

/// A user and its domain, which is the registrar's name if it has none.
pub(super) fn address(user: &str, to: &Destination) -> Result<(String, String), Failure> {
    let bare = user.strip_prefix("sips:").or_else(|| user.strip_prefix("sip:")).unwrap_or(user);
    let (user, domain) = match bare.rsplit_once('@') {
        Some((user, domain)) => (user, domain.to_owned()),
        None => (bare, to.domain()),
    };
    if user.is_empty() || domain.is_empty() {
        return Err(wrong("--user: a user is named as in alice, or alice@example.com"));
    }
    Ok((user.to_owned(), domain))
}

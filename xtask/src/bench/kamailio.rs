//! What Kamailio is told.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::databases::Database;
use super::digest::PASSWORD;
use super::requests::DOMAIN;
use super::servers::{Access, Room};
use crate::command;

/// What Kamailio's sample configuration does with every request before it comes to a REGISTER, credentials aside:
/// Max-Forwards, sanity, methods, retransmissions, dialogs, Route. Ours does the like.
pub(super) const CHECKS: &str = r#"
    if (!mf_process_maxfwd_header("10")) {
        sl_send_reply("483", "Too Many Hops");
        exit;
    }
    if (!sanity_check("17895", "7")) {
        exit;
    }
    if (is_method("CANCEL")) {
        exit;
    }
    if (!is_method("ACK")) {
        if (t_precheck_trans()) {
            t_check_trans();
            exit;
        }
        t_check_trans();
    }
    if (has_totag()) {
        sl_send_reply("404", "Not here");
        exit;
    }
    remove_hf("Route");"#;

/// What it says of itself.
pub(super) fn version() -> String {
    let line = command::find("kamailio").and_then(|kamailio| {
        let text = command::output(command::new(kamailio).arg("-v")).ok()?;
        text.lines().next().map(str::to_owned)
    });
    line.unwrap_or_else(|| "Kamailio does not say which version it is".to_owned())
}

/// A registrar in memory, as an operator who cares for speed configures it: the one password of all users stands in the
/// configuration, so that no database is asked, nor even a table.
///
/// With a database it writes every change to it before it answers (`db_mode` 1).
pub(super) fn kamailio(
    port: u16,
    access: Access,
    database: Option<&Database>,
    room: Room,
    folder: &Path,
    checks: &str,
) -> Result<Command> {
    let binary = command::find("kamailio").context("kamailio is not there")?;
    let config = folder.join("kamailio.cfg");
    let (module, authorize) = match access {
        Access::Open => Default::default(),
        Access::Users(hash) => {
            let algorithm = hash.name();
            let module = format!("loadmodule \"auth.so\"\nmodparam(\"auth\", \"algorithm\", \"{algorithm}\")\n");
            // The last 1 of the check: the user name must be that of To. The 1 of the challenge: qop=auth.
            let authorize = format!(
                r#"
    if (!pv_auth_check("{DOMAIN}", "{PASSWORD}", "0", "1")) {{
        auth_challenge("{DOMAIN}", "1");
        exit;
    }}"#
            );
            (module, authorize)
        }
    };
    let (driver, db_mode) = match database {
        None => (String::new(), 0),
        Some(database) => (database.kamailio(), 1),
    };
    // SQLite lets one process write at a time, and this driver does not wait for its turn.
    let (children, tcp_children) = if matches!(database, Some(Database::Sqlite(_))) { (1, 1) } else { (4, 2) };
    let contacts = room.shape.contacts.max(10);
    let text = format!(
        r#"#!KAMAILIO
debug=0
log_stderror=yes
auto_aliases=no
children={children}
tcp_children={tcp_children}
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
alias="{DOMAIN}"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "sanity.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
{module}{driver}modparam("usrloc", "db_mode", {db_mode})
modparam("usrloc", "hash_size", 16)
modparam("usrloc", "use_domain", 1)
modparam("registrar", "default_expires", 3600)
modparam("registrar", "min_expires", 30)
modparam("registrar", "max_expires", 7200)
modparam("registrar", "max_contacts", {contacts})
request_route {{{checks}{authorize}
    if (method == "REGISTER") {{
        save("location");
        exit;
    }}
    sl_send_reply("405", "Method Not Allowed");
}}
"#
    );
    fs::write(&config, text)?;
    let megabytes = if room.bindings > 100_000 { "2048" } else { "256" };
    let mut command = command::new(binary);
    // As large as ours. Its usual receive buffer of 256 kB does not hold 256 requests with credentials.
    command.args(["-b", "4194304"]);
    command.args(["-DD", "-E", "-x", "fm", "-m", megabytes, "-M", "16", "-f"]).arg(&config);
    command.arg("-Y").arg(folder).arg("-w").arg(folder);
    Ok(command)
}

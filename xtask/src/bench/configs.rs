//! What the servers under test are told.

use std::env;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::digest::{Hash, PASSWORD, name_of};
use super::requests::DOMAIN;
use super::servers::Access;
use crate::command;

/// The release binary with one worker, as it is by default.
pub(super) fn registrar(port: u16, access: Access, bindings: u32, folder: &Path) -> Result<Command> {
    // Built beside this program.
    let binary = env::current_exe()?.with_file_name("registrar");
    let config = folder.join("registrar.toml");
    let room = bindings.saturating_mul(2);
    let auth = match access {
        Access::Open => String::new(),
        Access::Users(hash) => {
            write_users(&folder.join("users.toml"), hash, bindings)?;
            format!(
                "\n[users]\nfile = \"users.toml\"\n\n\
                 [auth]\nalgorithms = [\"{}\"]\nwrong_passwords = 0\nremembered_nonces = 1000000\n",
                hash.name()
            )
        }
    };
    let text = format!(
        "listen = [\"udp:127.0.0.1:{port}\", \"tcp:127.0.0.1:{port}\"]\n\
         domains = [\"{DOMAIN}\"]\n\
         workers = 1\n\n\
         [registrar]\n\
         max_expires = 7200\n\
         min_expires = 30\n\
         jitter = 0\n\
         max_bindings = {room}\n\
         {auth}"
    );
    fs::write(&config, text)?;
    let mut command = command::new(binary);
    command.arg("serve").arg("--config").arg(&config);
    Ok(command)
}

/// All users, each with the hash of the password.
fn write_users(file: &Path, hash: Hash, users: u32) -> Result<()> {
    let key = hash.name().to_ascii_lowercase();
    let mut text = String::new();
    for user in 0..users {
        let name = name_of(user);
        let _ = writeln!(text, "[user.\"{name}@{DOMAIN}\"]\n{key} = \"{}\"", hash.ha1(&name, PASSWORD));
    }
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    Ok(file.write_all(text.as_bytes())?)
}

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

/// A registrar in memory, as an operator who cares for speed configures it: the one password of all users stands in the
/// configuration, so that no database is asked, nor even a table.
pub(super) fn kamailio(port: u16, access: Access, bindings: u32, folder: &Path, checks: &str) -> Result<Command> {
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
    let text = format!(
        r#"#!KAMAILIO
debug=0
log_stderror=yes
auto_aliases=no
children=4
tcp_children=2
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
{module}modparam("usrloc", "db_mode", 0)
modparam("usrloc", "hash_size", 16)
modparam("usrloc", "use_domain", 1)
modparam("registrar", "default_expires", 3600)
modparam("registrar", "min_expires", 30)
modparam("registrar", "max_expires", 7200)
modparam("registrar", "max_contacts", 10)
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
    let megabytes = if bindings > 100_000 { "2048" } else { "256" };
    let mut command = command::new(binary);
    // Its usual receive buffer of 256 kB does not hold 256 requests with credentials.
    command.args(["-b", "1048576"]);
    command.args(["-DD", "-E", "-x", "fm", "-m", megabytes, "-M", "16", "-f"]).arg(&config);
    command.arg("-Y").arg(folder).arg("-w").arg(folder);
    Ok(command)
}

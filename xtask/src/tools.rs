//! The programs that tests and checks need, beside a Rust toolchain: found, or installed where that is allowed.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::command::{self, find, succeeds};
use crate::schemathesis;

/// A program from Debian (or Ubuntu).
struct Package {
    /// What `apt-get install` is given.
    name: &'static str,
    /// The program that shows it is there.
    program: &'static str,
    /// What cannot be done without it.
    without: Without,
}

#[derive(Clone, Copy)]
enum Without {
    /// Tests in modules of this name, which drive this program.
    Tests(&'static str),
    /// Fuzz targets do not link.
    Fuzzing,
}

const PACKAGES: &[Package] = &[
    Package { name: "build-essential", program: "g++", without: Without::Fuzzing },
    Package { name: "sip-tester", program: "sipp", without: Without::Tests("sipp") },
    Package { name: "sipsak", program: "sipsak", without: Without::Tests("sipsak") },
    Package { name: "baresip-core", program: "baresip", without: Without::Tests("baresip") },
    Package { name: "linphone-cli", program: "linphonec", without: Without::Tests("linphone") },
    Package { name: "iproute2", program: "ip", without: Without::Tests("dropped") },
    Package { name: "haproxy", program: "/usr/sbin/haproxy", without: Without::Tests("haproxy") },
    Package { name: "chromium", program: "chromium", without: Without::Tests("chromium") },
    // A library, which shows itself by its main file.
    Package { name: "libnet-sip-perl", program: "/usr/share/perl5/Net/SIP.pm", without: Without::Tests("net_sip") },
    // Net::SIP's TLS.
    Package {
        name: "libio-socket-ssl-perl",
        program: "/usr/share/perl5/IO/Socket/SSL.pm",
        without: Without::Tests("net_sip::secured"),
    },
    Package { name: "postgresql", program: "postgres", without: Without::Tests("postgresql") },
    Package { name: "mariadb-server-core", program: "mariadbd", without: Without::Tests("mariadb") },
    // mariadb-install-db needs it.
    Package { name: "mariadb-client-core", program: "my_print_defaults", without: Without::Tests("mariadb") },
    Package { name: "prometheus", program: "promtool", without: Without::Tests("admin::metrics::prometheus") },
    Package { name: "strace", program: "strace", without: Without::Tests("syscalls") },
    Package { name: "systemd", program: "systemd-analyze", without: Without::Tests("systemd") },
    Package { name: "valgrind", program: "valgrind", without: Without::Tests("valgrind") },
];

/// A cargo subcommand and the version these checks were written for.
pub(crate) struct CargoTool {
    subcommand: &'static str,
    version: [u32; 3],
}

pub(crate) const DENY: CargoTool = CargoTool { subcommand: "deny", version: [0, 20, 2] };
pub(crate) const FUZZ: CargoTool = CargoTool { subcommand: "fuzz", version: [0, 13, 2] };

/// What is not there and could not be installed.
#[derive(Default)]
pub(crate) struct Missing {
    /// Names of test modules to leave out.
    pub(crate) test_modules: Vec<&'static str>,
    /// Fuzz targets cannot be built.
    pub(crate) fuzzing: bool,
    /// One line for each missing program, for people.
    pub(crate) lines: Vec<String>,
}

/// Installs what is missing where that is allowed. With `require_all`, whatever is still missing is an error.
pub(crate) fn install(require_all: bool) -> Result<Missing> {
    let packages = PACKAGES.iter().filter(|package| !package.is_there()).map(|package| package.name);
    let wanted: Vec<&str> = packages.chain(schemathesis::package()).collect();
    if !wanted.is_empty() {
        match as_root() {
            Some(as_root) => install_packages(as_root, &wanted)?,
            None => println!("Missing, and only root may install packages: {}", wanted.join(" ")),
        }
    }

    if !schemathesis::is_there()
        && let Err(error) = schemathesis::install()
    {
        println!("{error:#}");
    }
    let missing = missing_now();
    if require_all && !missing.lines.is_empty() {
        bail!(
            "everything is required here (CI=true or --require-all), but:\n  {}\nInstall: apt-get install {}",
            missing.lines.join("\n  "),
            wanted.join(" ")
        );
    }
    for tool in [&DENY, &FUZZ] {
        tool.install()?;
    }
    Ok(missing)
}

/// What is missing as the machine is.
pub(crate) fn missing_now() -> Missing {
    let mut missing = Missing::default();
    for package in PACKAGES.iter().filter(|package| !package.is_there()) {
        let lost = match package.without {
            Without::Tests(module) => {
                missing.test_modules.push(module);
                format!("tests in modules named {module} are skipped")
            }
            Without::Fuzzing => {
                missing.fuzzing = true;
                "fuzz targets are skipped".to_owned()
            }
        };
        missing.lines.push(format!("{} is missing (Debian package {}): {lost}", package.program, package.name));
    }
    if !schemathesis::is_there() {
        missing.test_modules.push(schemathesis::TESTS);
        missing.lines.push("schemathesis is missing (from PyPI): the test that runs it is skipped".to_owned());
    }
    missing
}

impl Package {
    fn is_there(&self) -> bool {
        find(self.program).is_some() || is_postgresql(self.program)
    }
}

/// Debian keeps PostgreSQL's programs off the PATH, in a folder for each version.
fn is_postgresql(program: &str) -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.map(|version| version.path().join("bin").join(program)).any(|file| file.is_file())
}

/// What this user writes before a command that only root may give; `None` if that is not allowed without a password.
fn as_root() -> Option<&'static [&'static str]> {
    find("apt-get")?;
    let root = command::output(command::new("id").arg("-u")).is_ok_and(|uid| uid.trim() == "0");
    if root {
        return Some(&[]);
    }
    succeeds(command::new("sudo").args(["-n", "true"])).then_some(&["sudo", "-n"])
}

/// While this file is there, PostgreSQL's package makes and starts no database of its own.
const NO_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/only-the-programs.conf";

fn install_packages(as_root: &[&str], packages: &[&str]) -> Result<()> {
    let call = |words: &[&str]| {
        let mut words = as_root.iter().chain(words);
        let mut command = command::new(words.next().unwrap_or(&"true"));
        command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
        command::run(&mut command)
    };
    call(&["apt-get", "update", "-qq"])?;
    let mut install = vec!["apt-get", "install", "-qq", "-y", "--no-install-recommends"];
    install.extend(packages);
    if !packages.contains(&"postgresql") {
        return call(&install);
    }
    let no_cluster = "mkdir -p ${0%/*} && echo 'create_main_cluster = false' > $0";
    call(&["sh", "-c", no_cluster, NO_CLUSTER])?;
    let installed = call(&install);
    // The package of another day is to do what its administrator expects.
    call(&["rm", "-f", NO_CLUSTER])?;
    installed
}

impl CargoTool {
    /// Installs it into the ordinary cargo home unless this version or a newer one is there.
    pub(crate) fn install(&self) -> Result<()> {
        let name = format!("cargo-{}", self.subcommand);
        if self.installed().is_some_and(|version| version >= self.version) {
            return Ok(());
        }
        let version = self.version.map(|part| part.to_string()).join(".");
        println!("{name} {version} is built once; this takes a few minutes.");
        command::run(command::cargo().args(["install", "--quiet", "--locked", &name, "--version", &version]))
            .with_context(|| format!("{name} could not be installed; try: cargo install --locked {name}"))
    }

    /// The version that `cargo` finds.
    fn installed(&self) -> Option<[u32; 3]> {
        let printed = command::output(command::cargo().args([self.subcommand, "--version"])).ok()?;
        version(&printed)
    }
}

/// Reads `cargo-deny 0.20.2`.
fn version(printed: &str) -> Option<[u32; 3]> {
    let mut parts = printed.split_whitespace().nth(1)?.split('.').map(str::parse);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch))) => Some([major, minor, patch]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn a_version_is_read_as_cargo_tools_print_it() {
        assert_eq!(version("cargo-deny 0.20.2\n"), Some([0, 20, 2]));
        assert_eq!(version("cargo-fuzz 0.13"), None);
        assert!(version("cargo-deny 0.9.10") < Some(super::DENY.version));
    }
}

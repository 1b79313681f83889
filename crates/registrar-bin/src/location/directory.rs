//! The directory that an account has for what its programs keep.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use crate::Failure;

/// That of this account: what systemd made for the service (`StateDirectory=`), that of the system for its
/// administrator, or that of the user (XDG Base Directory Specification).
pub(crate) fn own() -> Result<PathBuf, Failure> {
    of(|name| std::env::var_os(name), geteuid().is_root()).ok_or_else(|| {
        Failure::Settings(
            "error: there is no place to keep bindings: the environment has no HOME\nhelp: name a directory with --data-dir \
             DIR, or with directory in [location]; --location memory keeps nothing"
                .to_owned(),
        )
    })
}

fn of(variable: impl Fn(&str) -> Option<OsString>, is_root: bool) -> Option<PathBuf> {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    // There may be several, with colons between.
    let states = variable("STATE_DIRECTORY").unwrap_or_default();
    if let Some(first) = std::env::split_paths(&states).next().filter(|path| path.is_absolute()) {
        return Some(first);
    }
    if is_root {
        return Some(Path::new("/var/lib/registrar").to_owned());
    }
    let states = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    states.map(|states| states.join("registrar"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_the_system_and_the_user_each_have_their_own() {
        let of = |set: &[(&str, &str)], is_root| {
            let value = |name: &str| set.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(*value));
            of(value, is_root).map(|path| path.to_str().unwrap().to_owned())
        };
        let service = ("STATE_DIRECTORY", "/var/lib/private/registrar:/var/lib/other");
        let (home, state) = (("HOME", "/home/u"), ("XDG_STATE_HOME", "/home/u/state"));
        assert_eq!(of(&[service, home, state], true).unwrap(), "/var/lib/private/registrar");
        assert_eq!(of(&[home, state], true).unwrap(), "/var/lib/registrar");
        assert_eq!(of(&[home, state], false).unwrap(), "/home/u/state/registrar");
        assert_eq!(of(&[home], false).unwrap(), "/home/u/.local/state/registrar");
        // Relative ones are to be ignored (XDG Base Directory Specification).
        assert_eq!(of(&[home, ("XDG_STATE_HOME", "state")], false).unwrap(), "/home/u/.local/state/registrar");
        assert_eq!(of(&[("HOME", "")], false), None);
        assert_eq!(of(&[], false), None);
    }
}

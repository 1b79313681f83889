//! `registrar completions` and `registrar man`.

use super::{good, run};
use crate::harness::Room;

#[test]
fn every_shell_has_its_completions() {
    for (shell, command) in [
        ("bash", "bash"),
        ("zsh", "#compdef registrar"),
        ("fish", "complete -c registrar"),
        ("elvish", "edit:completion"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let text = good(&["completions", shell]);
        assert!(text.contains(command) && text.contains("drain"), "{shell}: {text}");
    }
    assert_eq!(run(&["completions", "tcl"]).code, Some(2));
}

#[test]
fn bash_takes_its_completions() {
    let room = Room::new();
    let file = room.file("registrar.bash", &good(&["completions", "bash"]));
    let script = format!(
        ". {file}; COMP_WORDS=(registrar dra); COMP_CWORD=1; _registrar registrar dra registrar; echo \"${{COMPREPLY[@]}}\""
    );
    let output = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "drain\n", "{output:?}");
}

#[test]
fn every_command_has_a_page() {
    let room = Room::new();
    let directory = room.path("man");
    good(&["man", &directory]);
    for page in ["registrar", "registrar-status", "registrar-probe", "registrar-location-import", "registrar-user-add"]
    {
        let text = std::fs::read_to_string(format!("{directory}/{page}.1")).unwrap();
        assert!(text.contains(".TH") && text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }
    let text = std::fs::read_to_string(format!("{directory}/registrar.1")).unwrap();
    assert!(text.contains("67 no such address"), "{text}");
}

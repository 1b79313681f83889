//! How it starts, and how it says that it cannot.

use std::net::{TcpListener, UdpSocket};
use std::process::Stdio;

use crate::harness::{Finished, Phone, Process, Registrar, Request, Room, command};

fn run(args: &[&str]) -> Finished {
    Process::start(command().args(args)).finish()
}

/// Expects that it ends at once with this code, has served nothing, and says all of `said`.
fn refused(args: &[&str], code: i32, said: &[&str]) {
    let finished = run(args);
    assert_eq!((finished.code, finished.out.as_str()), (Some(code), ""), "{args:?}: {}", finished.err);
    for part in said {
        assert!(finished.err.contains(part), "{args:?}: no {part:?} in {}", finished.err);
    }
}

#[test]
fn it_says_where_it_listens_what_it_serves_and_how_to_try_it() {
    let registrar = Registrar::start();
    let legs = registrar.legs().to_vec();
    let finished = registrar.stop();
    let lines: Vec<_> = finished.out.lines().collect();
    assert_eq!(lines[0], concat!("registrar ", env!("CARGO_PKG_VERSION")));
    assert!(legs.len() == 4 && legs.iter().all(|leg| leg.addr.ip().is_loopback() && leg.addr.port() != 0));
    assert_eq!(lines[2], "  domains    every domain");
    assert!(lines[3].starts_with("  users      anybody may register"));
    assert!(lines[4].starts_with("  bindings   at most") && lines[4].ends_with("30 to 300 s each"));
    assert!(
        lines[5].starts_with("  location   in /") && lines[5].contains("on disk before it is answered"),
        "{lines:#?}"
    );
    let port = legs[0].addr.port();
    assert_eq!(
        lines[6],
        format!("  try it     set up a phone for alice@127.0.0.1, any password, registrar 127.0.0.1, port {port}, UDP")
    );
    assert!(lines[7].contains("or: sipsak ") && lines.len() == 8, "{lines:#?}");
}

#[test]
fn without_arguments_it_serves_port_5060_of_the_loopback_or_says_who_is_in_the_way() {
    match Registrar::or_refused(Process::start(&mut command())) {
        Ok(registrar) => {
            assert_eq!((registrar.udp(), registrar.tcp()), ("127.0.0.1:5060".parse().unwrap(), registrar.udp()));
            assert_eq!(Phone::tcp(registrar.tcp()).ask(&Request::register("sip:alice@127.0.0.1")).status(), 200);
            registrar.stop();
        }
        Err(refused) => {
            assert_eq!((refused.code, refused.out.as_str()), (Some(69), ""));
            assert!(refused.err.contains(":5060: the address is in use"), "{}", refused.err);
        }
    }
}

#[test]
fn a_port_that_another_program_has_is_named_with_its_leg_and_nothing_is_served() {
    let (udp, tcp) = (UdpSocket::bind("127.0.0.1:0").unwrap(), TcpListener::bind("[::1]:0").unwrap());
    for (leg, tool) in [
        (format!("udp:{}", udp.local_addr().unwrap()), "ss -lnup"),
        (format!("tcp:{}", tcp.local_addr().unwrap()), "ss -lntp"),
    ] {
        let message =
            format!("error: leg {leg}: the address is in use: stop the other program, or choose another port");
        refused(&["--listen", "udp:127.0.0.1:0", "--listen", &leg], 69, &[&message, "help: ", tool]);
    }
}

#[test]
fn a_second_registrar_does_not_take_half_of_the_firsts_requests() {
    let first = Registrar::start();
    for leg in first.legs() {
        let spec = format!("{}:{}", leg.transport().to_lowercase(), leg.addr);
        refused(&["--listen", &spec], 69, &[&format!("leg {spec}: the address is in use")]);
    }
    for leg in first.legs() {
        assert_eq!(leg.phone().ask(&Request::register("sip:alice@example.com")).status(), 200);
    }
    first.stop();
}

#[test]
fn an_address_of_another_machine_is_refused() {
    // Set aside for documentation (RFC 5737).
    let message = "error: leg tcp:203.0.113.1:5060: this machine does not have that address";
    refused(&["--listen", "tcp:203.0.113.1:5060"], 69, &[message, "help: "]);
}

#[test]
fn wrong_settings_on_the_command_line_are_named() {
    let room = Room::new();
    let bad = room.file("bad.toml", "listn = []\n");
    let missing = room.path("missing.toml");
    for (args, said) in [
        (["--listen", "127.0.0.1:5060"], "--listen: leg `127.0.0.1:5060`: no transport is named"),
        (["--listen", "tls:127.0.0.1"], "there is no certificate for it"),
        (["--listen", "udp:localhost"], "names are not looked up"),
        (["--domain", "exa mple"], "--domain: \"exa mple\" is no domain"),
        (["--log", "loud"], "--log: \"loud\" is no log level"),
        (["--config", &missing], "cannot read the configuration file"),
        (["--config", &bad], "did you mean listen?"),
    ] {
        refused(&args, 64, &[said]);
        refused(&[&["serve"], &args[..]].concat(), 64, &[said]);
    }
    for legs in [["udp:127.0.0.1:5060"; 2], ["tcp:[::1]:5060", "tcp:[::]:5060"]] {
        refused(&["--listen", legs[0], "--listen", legs[1]], 64, &["--listen: leg ", legs[0]]);
    }
}

#[test]
fn wrong_use_of_the_command_line_is_told_from_wrong_settings() {
    for args in [&["frobnicate"][..], &["--frobnicate"], &["check"], &["--listen"], &["check", "--listen", "x"]] {
        refused(args, 2, &["error: ", "--help"]);
    }
}

#[test]
fn help_names_the_commands_and_the_exit_codes() {
    let help = run(&["--help"]);
    assert_eq!((help.code, help.err.as_str()), (Some(0), ""));
    for part in [
        "serve",
        "check",
        "--config",
        "--listen",
        "--domain",
        "--log",
        "--data-dir",
        "--location",
        "5060",
        "64",
        "65",
        "69",
        "70",
    ] {
        assert!(help.out.contains(part), "{part}: {}", help.out);
    }
    assert_eq!(run(&["--version"]).out, concat!("registrar ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn the_command_line_goes_over_the_file() {
    let room = Room::new();
    let file = room.file("registrar.toml", "listen = 'tls-is-not-here-yet'\n");
    // What is wrong in the file is wrong even so.
    refused(&["--config", &file, "--listen", "udp:127.0.0.1:0"], 64, &["registrar.toml:1:10"]);
    let file = room.file("registrar.toml", "listen = 'tcp:203.0.113.1'\ndomains = 'example.com'\n");
    let registrar = Registrar::run(&["serve", "-c", &file, "-l", "udp:127.0.0.1:0", "-d", "example.org"]);
    let mut phone = Phone::udp(registrar.udp());
    for (aor, status) in [("sip:alice@example.org", 200), ("sip:alice@example.com", 404)] {
        assert_eq!(phone.ask(&Request::register(aor)).status(), status);
    }
    let banner = registrar.stop().out;
    assert!(banner.contains("  domains    example.org\n") && banner.contains("for alice@example.org,"), "{banner}");
}

#[test]
fn a_standard_output_that_nobody_reads_does_not_stop_it() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut process = Process::start_with_outputs(
        command().args(["--listen", "udp:127.0.0.1:0"]).stdout(Stdio::from(writer)).stderr(Stdio::piped()),
    );
    process.wait_for("serving");
    process.signal(nix::sys::signal::Signal::SIGTERM);
    let finished = process.finish();
    assert_eq!(finished.code, Some(0), "{finished:?}");
}

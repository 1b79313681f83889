//! Our unit, as systemd sees it.

use std::process::Command;

use crate::harness::Room;

const UNIT: &str = include_str!("../../../../contrib/registrar.service");

/// The unit in a file, with this program where it expects it.
fn unit(room: &Room) -> String {
    let program = concat!("ExecStart=", env!("CARGO_BIN_EXE_registrar"), " ");
    let unit = UNIT.replace("ExecStart=/usr/local/bin/registrar ", program);
    assert_ne!(unit, UNIT);
    room.file("registrar.service", &unit)
}

#[test]
fn every_directive_is_understood() {
    let room = Room::new();
    let output = Command::new("systemd-analyze").args(["verify", "--man=no", &unit(&room)]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn the_service_is_shut_in() {
    let room = Room::new();
    // In tenths, the lower the better; a service that nothing holds has 96.
    let args = ["security", "--offline=true", "--no-pager", "--threshold=20", &unit(&room)];
    let output = Command::new("systemd-analyze").args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

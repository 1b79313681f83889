//! A second registrar on the directory of the first.

use std::fs;

use nix::sys::signal::Signal;

use crate::harness::{Phone, Process, Registrar, Request, Room, command};

#[test]
fn a_second_one_on_the_same_directory_is_refused_and_the_first_serves_on() {
    let room = Room::new();
    let data = room.path("data");
    let args = ["--listen", "udp:127.0.0.1:0", "--data-dir", &data];
    let first = Registrar::run(&args);
    let mut phone = Phone::udp(first.udp());
    let register = Request::register("sip:alice@example.com").contact("<sip:alice@127.0.0.1:7777>");
    assert_eq!(phone.ask(&register).contacts().len(), 1);

    // Also by another name of it, and for whom only reads or writes the file.
    let other_name = room.path("link");
    std::os::unix::fs::symlink(&data, &other_name).unwrap();
    for directory in [data.as_str(), other_name.as_str()] {
        let serve = ["--listen", "udp:127.0.0.1:0", "--data-dir", directory];
        let location = |what| ["location", what, "--data-dir", directory];
        for args in [serve, location("compact"), location("verify"), location("export")] {
            let second = Process::start(command().args(args)).finish();
            assert_eq!((second.code, second.out.as_str()), (Some(69), ""), "{args:?}: {}", second.err);
            let sentence = format!(
                "the data directory {directory} is in use by another process: stop that process, or name another directory"
            );
            assert!(second.err.contains(&sentence), "{args:?}: {}", second.err);
        }
    }

    let next = register.next().contact("<sip:bob@127.0.0.1:7777>");
    assert_eq!(phone.ask(&next).contacts().len(), 2);
    first.signal(Signal::SIGKILL);
    assert_eq!(first.finish().code, None);
    assert!(fs::exists(room.path("data/location.redb")).unwrap());

    // Who is dead is not in the way.
    let third = Registrar::run(&args);
    let question = Request::register("sip:alice@example.com");
    assert_eq!(Phone::udp(third.udp()).ask(&question).contacts().len(), 2);
    third.stop();
}

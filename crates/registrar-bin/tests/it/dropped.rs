//! A phone whose network is gone without a word: nothing ends its connection but the kernel's own questions.

use std::fs::File;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};
use nix::sys::signal::Signal;

use crate::baresip::Baresip;
use crate::flows::{call, wait_until_gone};
use crate::harness::{Registrar, Room};

/// Two networks of the test's own, with a wire between them. They are gone with the test.
struct Networks {
    names: [String; 2],
}

const REGISTRAR: &str = "10.231.77.1";
const PHONE: &str = "10.231.77.2";

impl Networks {
    fn new() -> Self {
        let id = std::process::id();
        let networks = Self { names: [format!("registrar-{id}"), format!("phone-{id}")] };
        let [registrar, phone] = &networks.names;
        for name in &networks.names {
            ip(&["netns", "add", name]);
        }
        ip(&["-n", registrar, "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", phone]);
        for (name, address) in [(registrar, REGISTRAR), (phone, PHONE)] {
            ip(&["-n", name, "addr", "add", &format!("{address}/24"), "dev", "wire"]);
            ip(&["-n", name, "link", "set", "wire", "up"]);
            ip(&["-n", name, "link", "set", "lo", "up"]);
        }
        networks
    }

    /// Does something with the sockets and processes that it makes in one of them.
    fn within<T: Send>(&self, side: usize, act: impl FnOnce() -> T + Send) -> T {
        let network = File::open(format!("/run/netns/{}", self.names[side])).unwrap();
        std::thread::scope(|scope| {
            let inside = scope.spawn(move || {
                setns(network, CloneFlags::CLONE_NEWNET).unwrap();
                act()
            });
            inside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Cuts the wire: from now on whatever is sent is lost.
    fn cut(&self) {
        ip(&["-n", &self.names[1], "link", "set", "wire", "down"]);
    }
}

impl Drop for Networks {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = Command::new("ip").args(["netns", "del", name]).status();
        }
    }
}

fn ip(args: &[&str]) {
    let output = Command::new("ip").args(args).output().expect("ip, of the Debian package iproute2");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {}: {said}(this test needs root, for networks of its own)", args.join(" "));
}

#[test]
fn the_binding_of_a_phone_whose_network_is_gone_ends_and_nobody_is_sent_there_again() {
    let networks = Networks::new();
    let room = Room::new();
    let settings = format!(
        "listen = ['udp:127.0.0.1:0', 'tcp:{REGISTRAR}:5060']\n[registrar]\nredirect = true\n\
         [flows]\ngrace = 1\nkeepalive = 1\n"
    );
    let file = room.file("registrar.toml", &settings);
    let registrar = networks.within(0, || Registrar::run(&["serve", "--config", &file]));
    let account = format!(
        "<sip:alice@example.com;transport=tcp>;auth_pass=secret;regint=60;outbound=\"sip:{REGISTRAR}:5060;transport=tcp\""
    );
    let mut baresip = networks.within(1, || Baresip::start_at(PHONE, &[account], ""));
    baresip.process.wait_for("alice@example.com: {0/TCP/v4} 200 OK () [1 binding]");
    let udp = registrar.udp();
    networks.within(0, || {
        assert_eq!(call(udp).status(), 302);
        networks.cut();
        let cut = Instant::now();
        wait_until_gone(udp);
        // A second of silence, and three questions a second apart; the rest is for a machine with other things to do.
        assert!(cut.elapsed() < Duration::from_secs(15), "{:?}", cut.elapsed());
    });
    // It would wait for answers.
    baresip.process.signal(Signal::SIGKILL);
    registrar.stop();
}

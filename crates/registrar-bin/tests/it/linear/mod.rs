//! REGISTERs for a few addresses of record at the same time, over several legs and workers: what is answered is as if
//! they had come one after the other.

mod checker;
mod client;
mod model;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use nix::sys::signal::Signal;

use checker::{Op, check};
use client::{AORS, Client};

use crate::dice::Dice;
use crate::harness::{Leg, Registrar, Room};

/// So many of them use each leg.
const CLIENTS_PER_LEG: usize = 2;

/// A registrar that keeps its bindings in the room.
struct House {
    room: Room,
}

impl House {
    fn new(mode: &str) -> Self {
        let room = Room::new();
        let directory = if mode == "memory" { String::new() } else { format!("directory = '{}'\n", room.path("data")) };
        room.file(
            "registrar.toml",
            &format!(
                "listen = ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0', 'udp:[::1]:0', 'tcp:[::1]:0']\nworkers = 4\n\
                 [log]\nlevel = 'warn'\n[registrar]\nmax_expires = 3600\n[flows]\nfollow = false\n[location]\nmode = '{mode}'\n{directory}"
            ),
        );
        Self { room }
    }

    fn open(&self) -> Registrar {
        Registrar::run(&["serve", "--config", &self.room.path("registrar.toml")])
    }
}

/// The clients of every leg, and a clock.
struct Clients {
    clients: Vec<Client>,
    start: Instant,
    dice: Dice,
}

impl Clients {
    fn new() -> Self {
        let mut dice = Dice::new();
        let start = Instant::now();
        // A Call-ID is used by two clients, so that their numbers overtake each other.
        let mut client = |n| Client::new(n, u8::try_from(n / 2).unwrap(), start, dice.split());
        Self { clients: (0..4 * CLIENTS_PER_LEG).map(&mut client).collect(), start, dice }
    }

    /// Each makes so many calls.
    fn call(&mut self, registrar: &Registrar, calls: usize) {
        self.call_while(registrar.legs(), calls, || false);
    }

    /// Each makes so many calls, unless the registrar dies of what happens meanwhile, which says whether it did.
    fn call_while(&mut self, legs: &[Leg], calls: usize, meanwhile: impl FnOnce() -> bool) {
        let dead = AtomicBool::new(false);
        assert_eq!(legs.len(), 4);
        std::thread::scope(|scope| {
            for (client, leg) in self.clients.iter_mut().zip(legs.iter().cycle()) {
                let dead = &dead;
                scope.spawn(move || client.call(*leg, calls, dead));
            }
            dead.store(meanwhile(), Ordering::Release);
        });
    }

    /// Each calls until the registrar is killed, at some moment.
    fn call_and_kill(&mut self, registrar: Registrar) {
        let at = self.dice.moment(50..400);
        let legs = registrar.legs().to_vec();
        self.call_while(&legs, usize::MAX, || {
            at.come();
            registrar.signal(Signal::SIGKILL);
            registrar.finish().code.is_none()
        });
        // What was not answered until now has happened before, or never will.
        let now = u64::try_from(self.start.elapsed().as_nanos()).unwrap();
        self.clients.iter_mut().for_each(|client| client.nothing_follows(now));
    }

    /// Ends with a question for each address, and looks at all of it.
    fn check(mut self, registrar: &Registrar) -> Result<(), String> {
        let leg = registrar.legs()[0];
        self.clients[0].ask_for_all(leg);
        for aor in 0..AORS {
            let of = |client: &Client| {
                client.history.iter().filter(|(of, _)| *of == aor).map(|(_, op)| op.clone()).collect()
            };
            let history: Vec<Op> = self.clients.iter().flat_map(|client| -> Vec<Op> { of(client) }).collect();
            let refused = history.iter().filter(|op| op.outcome == Some(model::Outcome::Refused)).count();
            println!("address {aor}: {} calls, {refused} refused", history.len());
            check(history).map_err(|stuck| format!("address {aor}: {stuck}"))?;
        }
        Ok(())
    }
}

#[test]
fn in_memory_what_overlaps_is_as_if_it_had_come_one_after_the_other() {
    let registrar = House::new("memory").open();
    let mut clients = Clients::new();
    clients.call(&registrar, 300);
    clients.check(&registrar).unwrap();
    registrar.stop();
}

#[test]
fn synced_what_overlaps_is_as_if_it_had_come_one_after_the_other() {
    let house = House::new("synced");
    let registrar = house.open();
    let mut clients = Clients::new();
    clients.call(&registrar, 150);
    clients.check(&registrar).unwrap();
    registrar.stop();
}

/// What is found after it was killed and started again three times.
fn killed(mode: &str) -> Result<(), String> {
    let house = House::new(mode);
    let mut clients = Clients::new();
    for _ in 0..3 {
        clients.call_and_kill(house.open());
    }
    let registrar = house.open();
    clients.call(&registrar, 20);
    let found = clients.check(&registrar);
    registrar.stop();
    found
}

#[test]
fn synced_what_overlaps_stays_so_when_it_is_killed_and_started_again() {
    killed("synced").unwrap();
}

/// So this search would see it if `synced` did the same.
#[test]
fn delayed_answers_are_seen_to_be_lost_when_it_is_killed() {
    killed("delayed").unwrap_err();
}

//! The program as an operator and a phone meet it: started on free ports of the loopback, stopped by a signal.
//!
//! The modules `sipp`, `sipsak`, `baresip`, `linphone`, `chromium` and `systemd` drive the programs of these names, and `net_sip` that Perl library.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod auth;
#[cfg(test)]
mod baresip;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod check;
#[cfg(test)]
mod chromium;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod dice;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod dropped;
#[cfg(test)]
mod flows;
#[cfg(test)]
mod full_disk;
#[cfg(test)]
mod haproxy;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod line;
#[cfg(test)]
mod linear;
#[cfg(test)]
mod linphone;
#[cfg(test)]
mod location;
#[cfg(test)]
mod log;
#[cfg(test)]
mod net_sip;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod service;
#[cfg(test)]
mod sipp;
#[cfg(test)]
mod sipsak;
#[cfg(test)]
mod start;
#[cfg(test)]
mod stop;
#[cfg(test)]
mod stores;
#[cfg(test)]
#[cfg(test)]
mod syscalls;
mod systemd;
#[cfg(test)]
mod two_processes;
#[cfg(test)]
mod users;
#[cfg(test)]
mod wire;

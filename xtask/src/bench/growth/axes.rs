//! What grows, one thing at a time.

use clap::ValueEnum;

use super::super::digest::Hash;
use super::super::requests::Shape;
use super::super::servers::{Access, Keep, Room, Which};

/// Ours in memory, with one worker.
pub(super) const OURS: Which = Which::Registrar(Keep::Memory);

/// Addresses where something else grows.
const AORS: u32 = 10_000;

/// What grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Axis {
    Aors,
    Contacts,
    Headers,
    Connections,
    Domains,
    Users,
    Memory,
    Restart,
}

/// A server at a point of the axis, and how it is asked.
#[derive(Clone, Copy)]
pub(super) struct Case {
    pub(super) which: Which,
    pub(super) access: Access,
    pub(super) room: Room,
    /// Connections over TCP; 0: over UDP.
    pub(super) connections: u32,
    /// Where it is on the axis.
    pub(super) x: u32,
}

impl Axis {
    /// Also the name of the picture's file.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Aors => "aors",
            Self::Contacts => "contacts",
            Self::Headers => "headers",
            Self::Connections => "connections",
            Self::Domains => "domains",
            Self::Users => "users",
            Self::Memory => "memory",
            Self::Restart => "restart",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Aors => "Refresh over UDP, by addresses-of-record",
            Self::Contacts => "Refresh over UDP, by contacts of each address",
            Self::Headers => "Refresh over UDP, by headers that nobody reads",
            Self::Connections => "Refresh over TCP, by connections",
            Self::Domains => "Refresh over UDP, by domains served",
            Self::Users => "Refresh with SHA-256 over UDP, by users",
            Self::Memory => "Memory of the whole process, by bindings",
            Self::Restart => "From start to first answer, by bindings on disk",
        }
    }

    pub(super) fn x_name(self) -> &'static str {
        match self {
            Self::Aors => "addresses-of-record",
            Self::Contacts => "contacts of each address, all in every answer",
            Self::Headers => "headers beside the usual 11",
            Self::Connections => "connections, each asked in turn",
            Self::Domains => "domains",
            Self::Users => "users, all registered",
            Self::Memory | Self::Restart => "bindings",
        }
    }

    pub(super) fn y_name(self) -> &'static str {
        match self {
            Self::Memory => "memory (Pss), MB",
            Self::Restart => "seconds",
            _ => "CPU for a request, µs",
        }
    }

    /// Whether each step along it is ten times as long as the one before.
    pub(super) fn is_logarithmic(self) -> bool {
        matches!(self, Self::Aors | Self::Connections | Self::Domains | Self::Users)
    }

    /// Its points, and who is measured at each.
    pub(super) fn cases(self) -> Vec<Case> {
        let mut cases = Vec::new();
        let usual = |which, x| Case { which, access: Access::Open, room: AORS.into(), connections: 0, x };
        match self {
            Self::Aors => {
                for aors in [1000, 10_000, 100_000, 1_000_000, 10_000_000] {
                    let of = |which| Case { room: aors.into(), ..usual(which, aors) };
                    cases.extend([of(Which::Echo), of(OURS)]);
                    // With more it would need a larger hash, and most of this machine's memory.
                    if aors <= 1_000_000 {
                        cases.push(of(Which::Kamailio));
                    }
                }
            }
            Self::Contacts => {
                for contacts in [1, 2, 5, 10, 20, 40] {
                    let room = shaped(Shape { contacts, ..Shape::USUAL });
                    cases.extend(
                        [Which::Echo, OURS, Which::Kamailio].map(|which| Case { room, ..usual(which, contacts) }),
                    );
                }
            }
            Self::Headers => {
                for headers in [0, 10, 20, 40, 60, 80] {
                    let room = shaped(Shape { headers, ..Shape::USUAL });
                    cases.extend(
                        [Which::Echo, OURS, Which::Kamailio].map(|which| Case { room, ..usual(which, headers) }),
                    );
                }
            }
            Self::Connections => {
                for connections in [16, 64, 256, 1024, 4096, 8192] {
                    let room = Room { connections: connections + 100, ..AORS.into() };
                    cases.push(Case { room, connections, ..usual(OURS, connections) });
                }
            }
            Self::Domains => {
                for domains in [1, 10, 100, 1000, 10_000] {
                    let room = shaped(Shape { domains, ..Shape::USUAL });
                    cases.extend([Which::Echo, OURS].map(|which| Case { room, ..usual(which, domains) }));
                }
            }
            Self::Users => {
                for users in [1000, 10_000, 100_000, 1_000_000] {
                    let room = Room::from(users);
                    let access = Access::Users(Hash::Sha256);
                    cases.extend([Which::Echo, OURS].map(|which| Case { room, access, ..usual(which, users) }));
                }
            }
            // They are not about requests.
            Self::Memory | Self::Restart => {}
        }
        cases
    }
}

fn shaped(shape: Shape) -> Room {
    Room { shape, ..AORS.into() }
}

//! What is measured of each server, in an order in which each finds what it needs.

use anyhow::{Result, ensure};

use super::Options;
use super::digest::{Hash, Login, PASSWORD};
use super::load::Load;
use super::pace::Pace;
use super::plan::{Outcome, Plan, Proof};
use super::requests::Kind;
use super::servers::{Access, Server, Which};

/// Sources of the load.
pub(crate) const SOCKETS: usize = 16;

/// Seconds for which bindings last that are not meant to expire.
pub(crate) const LASTING: Kind = Kind::Register { expires: 3600 };

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scenario {
    New,
    Refresh,
    /// Refreshes at a rate that is offered, whatever is answered.
    Offered,
    Query,
    RefreshOverTcp,
    /// A REGISTER without credentials, and the 401.
    Challenge,
    /// The same, and the REGISTER with credentials that follows.
    Pair(Hash),
    /// A REGISTER with credentials by a nonce that was used before.
    RefreshWithNonce(Hash),
}

impl Scenario {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Refresh => "refresh",
            Self::Offered => "refresh offered",
            Self::Query => "query",
            Self::RefreshOverTcp => "refresh over TCP",
            Self::Challenge => "challenge",
            Self::Pair(Hash::Md5) => "pair MD5",
            Self::Pair(Hash::Sha256) => "pair SHA-256",
            Self::RefreshWithNonce(Hash::Md5) => "refresh MD5",
            Self::RefreshWithNonce(Hash::Sha256) => "refresh SHA-256",
        }
    }

    /// How often the server reads a datagram and sends one: as often as the echo does that it is compared with. `None`:
    /// it is not compared.
    pub(crate) fn echoes(self) -> Option<u32> {
        match self {
            // With little to do, the echo costs more too: it is measured at the same rate, but not subtracted.
            Self::RefreshOverTcp | Self::Offered => None,
            Self::Pair(_) => Some(2),
            _ => Some(1),
        }
    }
}

/// A server under load.
pub(crate) struct Trial<'a> {
    pub(crate) server: &'a Server,
    pub(crate) which: Which,
    pub(crate) access: Access,
    pub(crate) options: &'a Options,
}

impl Trial<'_> {
    /// Measures all that can be measured of it; gives the scenario, the server's CPU time in µs for each answer, and what
    /// came of it.
    pub(crate) fn run(&self, each: &mut impl FnMut(Scenario, f64, Outcome)) -> Result<()> {
        let mut udp = Load::udp(self.server.port, SOCKETS)?;
        let mut measure = |scenario, load: &mut Load, plan: &Plan| -> Result<()> {
            let (cpu, outcome) = measured(self.server, load, plan)?;
            each(scenario, cpu, outcome);
            Ok(())
        };
        let (aors, requests) = (u64::from(self.aors()), self.requests());
        let open = |kind, count| self.plan(kind, Proof::NotAsked, count);
        match (self.which, self.access) {
            // It sends back whatever comes, so it is measured once beside each scenario that it is the floor of.
            (Which::Echo, Access::Open) => {
                measure(Scenario::Refresh, &mut udp, &open(LASTING, requests))?;
                self.offered().map_or(Ok(()), |plan| measure(Scenario::Offered, &mut udp, &plan))
            }
            (Which::Echo, Access::Users(Hash::Md5)) => measure(Scenario::Challenge, &mut udp, &open(LASTING, requests)),
            (Which::Echo, Access::Users(Hash::Sha256)) => Ok(()),
            (_, Access::Open) => {
                measure(Scenario::New, &mut udp, &open(LASTING, aors).each_once())?;
                measure(Scenario::Refresh, &mut udp, &open(LASTING, requests))?;
                if let Some(plan) = self.offered() {
                    measure(Scenario::Offered, &mut udp, &plan)?;
                }
                measure(Scenario::Query, &mut udp, &open(Kind::Query, requests))?;
                let mut tcp = Load::tcp(self.server.port, SOCKETS)?.after(&udp);
                // The contact names the transport, so over TCP it is another binding at first.
                tcp.run(&open(LASTING, aors).each_once())?;
                measure(Scenario::RefreshOverTcp, &mut tcp, &open(LASTING, requests))
            }
            (_, Access::Users(hash)) => {
                check_passwords(&mut udp, hash, &open(LASTING, requests), self.which.name())?;
                let with = |proof| self.plan(LASTING, proof, requests);
                let login = Login { hash, password: PASSWORD };
                if hash == Hash::Md5 {
                    measure(Scenario::Challenge, &mut udp, &with(Proof::Missing))?;
                }
                measure(Scenario::Pair(hash), &mut udp, &with(Proof::Pair(login)))?;
                measure(Scenario::RefreshWithNonce(hash), &mut udp, &with(Proof::Again(login)))
            }
        }
    }

    fn aors(&self) -> u32 {
        self.options.aors.div_ceil(self.which.less())
    }

    fn requests(&self) -> u64 {
        self.options.requests.div_ceil(self.which.less().into())
    }

    fn plan(&self, kind: Kind, proof: Proof, count: u64) -> Plan {
        let outstanding = usize::try_from(self.options.outstanding).unwrap_or(1);
        let refreshes = Plan::refreshes((0, self.aors()), count, Pace::Outstanding(outstanding));
        Plan { kind, proof, ..refreshes }
    }

    /// Refreshes at the rate that was asked for.
    fn offered(&self) -> Option<Plan> {
        let pace = Pace::PerSecond(self.options.rate?);
        Some(Plan { pace, ..self.plan(LASTING, Proof::NotAsked, self.requests()) })
    }
}

/// Runs a plan; the server's CPU time in µs for each answer.
pub(crate) fn measured(server: &Server, load: &mut Load, plan: &Plan) -> Result<(f64, Outcome)> {
    let before = server.cpu()?;
    let outcome = load.run(plan)?;
    let used = server.cpu()?.saturating_sub(before);
    let answers = outcome.answered.max(1) as f64;
    Ok((used.as_secs_f64() * 1e6 / answers, outcome))
}

/// Registers all users with their passwords, so that what is measured are refreshes; and makes sure that nobody else is
/// let in.
pub(crate) fn check_passwords(load: &mut Load, hash: Hash, refresh: &Plan, name: &str) -> Result<()> {
    let wrong = Login { hash, password: "wrong horse" };
    let outcome = load.run(&Plan { proof: Proof::Pair(wrong), count: 1, ..*refresh })?;
    ensure!(outcome.unwanted.get(&401) == Some(&1), "{name} lets wrong passwords in: {:?}", outcome.unwanted);
    let right = Login { hash, password: PASSWORD };
    let outcome = load.run(&Plan { proof: Proof::Pair(right), ..*refresh }.each_once())?;
    ensure!(outcome.unwanted.is_empty(), "{name} does not let its users in: {:?}", outcome.unwanted);
    Ok(())
}

//! A server under the works of the table, with the load that it gets.

use std::path::Path;

use anyhow::{Result, ensure};

use super::super::Options;
use super::super::digest::{Hash, Login, PASSWORD};
use super::super::load::Load;
use super::super::pace::Pace;
use super::super::plan::{Outcome, Plan, Proof};
use super::super::requests::Kind;
use super::super::scenario::{SOCKETS, check_passwords, measured};
use super::super::servers::{Access, Server, Which};
use super::budgets::OURS;
use super::figures::Work;

/// Requests in a second that are offered, far below what any server can do, and for how many seconds.
const OFFERED: (u32, u64) = (10_000, 2);

/// Connections over TCP.
const CONNECTIONS: usize = 50;

/// Requests that are outstanding where answers wait for the disk: it is written every 10 ms, and fewer would make the
/// server wait.
const OUTSTANDING_ON_DISK: usize = 2048;

impl Work {
    /// Who does it, and whom each of them lets in.
    pub(super) fn parties(self) -> &'static [(Which, Access)] {
        const OPEN: Access = Access::Open;
        const SHA_256: Access = Access::Users(Hash::Sha256);
        match self {
            Self::Refresh | Self::New => &[(Which::Echo, OPEN), (OURS, OPEN), (Which::Kamailio, OPEN)],
            Self::Query | Self::RefreshOverTcp => &[(OURS, OPEN), (Which::Kamailio, OPEN)],
            Self::Offered => &[(Which::Echo, OPEN), (OURS, OPEN)],
            Self::EveryCore => &[(Which::RegistrarEveryCore, OPEN)],
            Self::Challenge => &[(Which::Echo, OPEN), (OURS, SHA_256)],
            Self::Pair => &[(OURS, SHA_256), (Which::Kamailio, Access::Users(Hash::Md5))],
            Self::Durable => &[(Which::RegistrarComplete, SHA_256), (Which::KamailioBare, OPEN)],
            Self::RefreshOfMany | Self::RefreshOfFew => &[],
        }
    }
}

/// It ends with this value.
pub(super) struct Subject {
    pub(super) which: Which,
    access: Access,
    server: Server,
    udp: Load,
    aors: u32,
    requests: u64,
    outstanding: usize,
}

impl Subject {
    /// Starts it, with the users of the table registered.
    pub(super) fn start(which: Which, access: Access, options: &Options, folder: &Path) -> Result<Self> {
        let requests = options.requests;
        let room = options.aors.saturating_add(u32::try_from(requests)?);
        let server = Server::start(which, access, room, folder)?;
        let udp = Load::udp(server.port, SOCKETS)?;
        let (aors, outstanding) = (options.aors, usize::try_from(options.outstanding)?);
        let mut subject = Self { which, access, server, udp, aors, requests, outstanding };
        let refresh = subject.refresh();
        match access {
            _ if which == Which::Echo => {}
            Access::Open => {
                let registered = subject.udp.run(&refresh.each_once())?;
                ensure!(registered.unwanted.is_empty(), "{} refused: {:?}", which.name(), registered.unwanted);
            }
            Access::Users(hash) => check_passwords(&mut subject.udp, hash, &refresh, which.name())?,
        }
        Ok(subject)
    }

    pub(super) fn forget(self) -> Result<()> {
        self.server.forget()
    }

    pub(super) fn takes_part(&self, work: Work) -> bool {
        work.parties().contains(&(self.which, self.access))
    }

    /// The server's CPU time in µs for each answer, and what came of it.
    pub(super) fn perform(&mut self, work: Work) -> Result<(f64, Outcome)> {
        let refresh = self.refresh();
        let login = match self.access {
            Access::Users(hash) => Some(Login { hash, password: PASSWORD }),
            Access::Open => None,
        };
        let many = Pace::Outstanding(OUTSTANDING_ON_DISK.max(self.outstanding));
        let plan = match (work, login) {
            (Work::New, _) => {
                let more = u32::try_from(self.requests / 2)?;
                Plan { users: (self.aors, more), ..refresh }.each_once()
            }
            (Work::Query, _) => Plan { kind: Kind::Query, ..refresh },
            (Work::Offered, _) => {
                let (rate, seconds) = OFFERED;
                Plan { pace: Pace::PerSecond(rate), count: u64::from(rate) * seconds, ..refresh }
            }
            (Work::EveryCore, _) => Plan { count: self.requests * 2, ..refresh },
            (Work::Challenge, Some(_)) => Plan { proof: Proof::Missing, ..refresh },
            (Work::Pair, Some(login)) => Plan { proof: Proof::Pair(login), count: self.requests / 2, ..refresh },
            (Work::Durable, Some(login)) => Plan { proof: Proof::Again(login), pace: many, ..refresh },
            (Work::Durable, None) => Plan { pace: many, ..refresh },
            _ => refresh,
        };
        if work != Work::RefreshOverTcp {
            return measured(&self.server, &mut self.udp, &plan);
        }
        let mut tcp = Load::tcp(self.server.port, CONNECTIONS)?.after(&self.udp);
        // The contact names the transport, so over TCP it is another binding at first.
        tcp.run(&plan.each_once())?;
        measured(&self.server, &mut tcp, &plan)
    }

    /// Refreshes of all, as in most of the works.
    fn refresh(&self) -> Plan {
        Plan::refreshes((0, self.aors), self.requests, Pace::Outstanding(self.outstanding))
    }
}

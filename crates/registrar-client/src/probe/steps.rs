//! The steps of a probe.

use std::time::{Duration, Instant};

use super::session::{Ask, Lost, Session};
use super::{Finding, Report, Step, Verdict, odd};
use crate::sip::{Account, Answer, Challenge, Destination, Link, Register, Roots};

/// What is probed.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The registrar.
    pub to: Destination,
    /// The user.
    pub user: String,
    /// Its domain.
    pub domain: String,
    /// For how many seconds it asks to be registered.
    pub expires: u32,
    /// How long each answer may take.
    pub patience: Duration,
    /// Whose certificates are believed; needed for TLS.
    pub roots: Option<Roots>,
}

/// Registers and removes its binding again. `ask` is called for the account when a password is wanted; `told` hears of
/// each step when it is done.
pub async fn probe(
    probe: &Probe,
    mut ask: impl FnMut(&Challenge) -> Option<Account>,
    mut told: impl FnMut(&Step),
) -> Report {
    let mut run = Run { probe, steps: Vec::new(), granted: None, findings: Vec::new(), told: &mut told };
    let verdict = run.all(&mut ask).await;
    let scheme = if probe.to.secure { "sips" } else { "sip" };
    Report {
        target: probe.to.to_string(),
        aor: format!("{scheme}:{}@{}", probe.user, probe.domain),
        verdict,
        granted: run.granted,
        steps: run.steps,
        findings: run.findings,
    }
}

struct Run<'a> {
    probe: &'a Probe,
    steps: Vec<Step>,
    granted: Option<u32>,
    findings: Vec<Finding>,
    told: &'a mut dyn FnMut(&Step),
}

impl Run<'_> {
    async fn all(&mut self, ask: Ask<'_>) -> Verdict {
        let Some(link) = self.reach().await else {
            let nameless = self.steps.last().is_some_and(|step| step.name == "resolve");
            return if nameless { Verdict::NoAddress } else { Verdict::Unreachable };
        };
        let Probe { to, user, domain, patience, .. } = self.probe;
        let register = Register::new(to, user, domain, link.local());
        let mut session = Session::new(link, register, *patience);
        let verdict = self.register(&mut session, ask).await;
        if session.repeated > 0 {
            let says = format!("{} datagrams had to be sent again: they or their answers were lost", session.repeated);
            session.found(odd::note("lost-datagrams", says));
        }
        let verdict = if verdict == Verdict::Right && session.is_wrong() { Verdict::Wrong } else { verdict };
        self.findings = session.findings;
        verdict
    }

    /// Its addresses, and a connection to the first that takes one.
    async fn reach(&mut self) -> Option<Link> {
        let (to, start) = (&self.probe.to, Instant::now());
        let addresses = match tokio::time::timeout(self.probe.patience, to.resolve()).await {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(error)) => return self.fails("resolve", format!("{}: {error}", to.host)),
            Err(_) => {
                return self.fails("resolve", format!("{}: nobody says within {:?}", to.host, self.probe.patience));
            }
        };
        let names: Vec<_> = addresses.iter().map(|addr| addr.ip().to_string()).collect();
        self.goes("resolve", format!("{} is {}", to.host, names.join(", ")), Some(start.elapsed()));
        for (left, addr) in (0..addresses.len()).rev().zip(&addresses) {
            let start = Instant::now();
            let opened = Link::open(to, *addr, self.probe.roots.as_ref());
            let failure = match tokio::time::timeout(self.probe.patience, opened).await {
                Ok(Ok(link)) => {
                    let cipher = link.cipher().map(|cipher| format!(", {cipher}")).unwrap_or_default();
                    let says = format!("{} to {addr} from {}{cipher}", to.over.name(), link.local());
                    self.goes("connect", says, Some(start.elapsed()));
                    return Some(link);
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("nothing within {:?}", self.probe.patience),
            };
            let next = if left > 0 { "; the next address is tried" } else { "" };
            self.fails::<()>("connect", format!("{} to {addr}: {failure}{next}", to.over.name()));
        }
        None
    }

    async fn register(&mut self, session: &mut Session, ask: Ask<'_>) -> Verdict {
        let asked = self.probe.expires;
        let settled = {
            let mut tell = |answer: &Answer, took| self.answered_on_the_way(answer, took);
            session.settle(Some(asked), ask, &mut tell).await
        };
        let settled = match settled {
            Ok(settled) => settled,
            Err(lost) => return self.lost("register", &lost),
        };
        let answer = &settled.answer;
        if settled.wrong_password {
            self.fails::<()>("grant", format!("{}: the credentials are not taken", said(answer)));
            return Verdict::WrongPassword;
        }
        if answer.status != 200 {
            let later = answer.retry_after.as_ref().map(|after| format!("; it says to try again after {after} s"));
            self.fails::<()>("grant", format!("{}{}", said(answer), later.unwrap_or_default()));
            return Verdict::Refused;
        }
        session.granted(&settled);
        let ours = answer.contact(session.register.contact());
        self.granted = ours.and_then(|contact| answer.granted(contact));
        let granted =
            self.granted.map_or("for a time that it does not say".to_owned(), |granted| format!("for {granted} s"));
        let others = answer.contacts.len().saturating_sub(usize::from(ours.is_some()));
        let others = if others > 0 { format!(", beside {others} others") } else { String::new() };
        let server = answer.server.as_ref().map(|server| format!(", by {server}")).unwrap_or_default();
        let says = format!("{}: {} {granted}{others}{server}", said(answer), session.register.contact());
        self.goes("grant", says, Some(settled.took));
        let looked = self.again(session, "look", None, ask, odd::looked).await;
        let removed = self.again(session, "remove", Some(0), ask, odd::removed).await;
        removed.or(looked).unwrap_or(Verdict::Right)
    }

    /// One more request; how it ends, if not with a 200.
    async fn again(
        &mut self,
        session: &mut Session,
        name: &'static str,
        expires: Option<u32>,
        ask: Ask<'_>,
        judge: impl Fn(&Answer, &Register) -> Vec<Finding>,
    ) -> Option<Verdict> {
        match session.settle(expires, ask, &mut |_, _| {}).await {
            Ok(settled) if settled.answer.status == 200 => {
                for finding in judge(&settled.answer, &session.register) {
                    session.found(finding);
                }
                let says = format!("{}: {} contacts", said(&settled.answer), settled.answer.contacts.len());
                self.goes(name, says, Some(settled.took));
                None
            }
            Ok(settled) => {
                self.fails::<()>(name, said(&settled.answer));
                Some(Verdict::Refused)
            }
            Err(lost) => Some(self.lost(name, &lost)),
        }
    }

    /// A challenge, or a 423, after which it goes on.
    fn answered_on_the_way(&mut self, answer: &Answer, took: Duration) {
        let says = match answer.challenges.first() {
            Some(challenge) if answer.status != 423 => {
                let stale = if challenge.stale { ", stale" } else { "" };
                let qop = if challenge.qops.is_empty() { "none".to_owned() } else { challenge.qops.join(",") };
                let offered = answer.offered.join(", ");
                format!("{}: realm {:?}, algorithms {offered}, qop {qop}{stale}", said(answer), challenge.realm)
            }
            _ => format!("{}: at least {} s", said(answer), answer.min_expires.unwrap_or_default()),
        };
        self.goes(if answer.status == 423 { "interval" } else { "challenge" }, says, Some(took));
    }

    fn lost(&mut self, name: &'static str, lost: &Lost) -> Verdict {
        let (says, verdict) = match lost {
            Lost::Io(error) => (error.to_string(), Verdict::Unreachable),
            Lost::Silent(patience) => (format!("no answer within {} s", patience.as_secs_f32()), Verdict::Unreachable),
            Lost::Unwritable => ("a name has something in it that no message can have".to_owned(), Verdict::Refused),
            Lost::NoPassword => ("a password is wanted".to_owned(), Verdict::WantsPassword),
            Lost::NoChallenge(offered) if offered.is_empty() => {
                ("it asks for proof but not how".to_owned(), Verdict::Refused)
            }
            Lost::NoChallenge(offered) => {
                (format!("it wants {}, which is not spoken here", offered.join(", ")), Verdict::Refused)
            }
            Lost::Rounds => ("it challenges again and again".to_owned(), Verdict::Refused),
        };
        self.fails::<()>(name, says);
        verdict
    }

    fn goes(&mut self, name: &'static str, says: String, took: Option<Duration>) {
        let ms = took.map(|took| (took.as_secs_f64() * 10_000.0).round() / 10.0);
        self.step(Step { name, ok: true, says, ms });
    }

    fn fails<T>(&mut self, name: &'static str, says: String) -> Option<T> {
        self.step(Step { name, ok: false, says, ms: None });
        None
    }

    fn step(&mut self, step: Step) {
        (self.told)(&step);
        self.steps.push(step);
    }
}

fn said(answer: &Answer) -> String {
    format!("{} {}", answer.status, answer.phrase)
}

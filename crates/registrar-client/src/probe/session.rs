//! Requests and their answers, one after the other.

use std::io;
use std::time::Duration;

use sip_message::Index;
use tokio::time::{Instant, timeout_at};

use super::odd::{self, Sent};
use super::{Finding, Severity};
use crate::sip::{Account, Answer, Challenge, Count, Link, Register, token};

/// T1 and T2 of RFC 3261 §17.1.2.2: when a datagram is sent again.
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);

/// How often in all it goes on after a challenge or a 423.
const ROUNDS: usize = 5;

/// Our contact's `q` in thousandths.
const Q: u16 = 700;

/// A way to a registrar, and what has been learnt on it.
pub(super) struct Session {
    pub(super) link: Link,
    pub(super) register: Register,
    patience: Duration,
    instance: String,
    index: Index,
    cseq: u32,
    /// The challenge that is being answered, by whom, and how often it has been.
    auth: Option<(Challenge, Account, Count)>,
    /// How many datagrams had to be sent again.
    pub(super) repeated: u32,
    pub(super) findings: Vec<Finding>,
}

/// Why there is no final answer.
#[derive(Debug)]
pub(super) enum Lost {
    Io(io::Error),
    Silent(Duration),
    Unwritable,
    /// A password is wanted and there is none.
    NoPassword,
    /// None of the challenges can be answered.
    NoChallenge(Vec<String>),
    /// It challenges for ever.
    Rounds,
}

/// Asks for the password when it is wanted.
pub(super) type Ask<'a> = &'a mut dyn FnMut(&Challenge) -> Option<Account>;

/// What came of a request, before it is judged.
pub(super) struct Settled {
    pub(super) answer: Answer,
    pub(super) took: Duration,
    /// Whether the credentials were refused.
    pub(super) wrong_password: bool,
    /// For how long it asked in the end.
    pub(super) asked: Option<u32>,
}

impl Session {
    pub(super) fn new(link: Link, register: Register, patience: Duration) -> Self {
        let digits = token(32);
        let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default().to_owned();
        // Of version 4 (RFC 9562 §5.4).
        let instance =
            format!("<urn:uuid:{}-{}-4{}-8{}-{}>", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32));
        let findings = Vec::new();
        Self { link, register, patience, instance, index: Index::new(), cseq: 0, auth: None, repeated: 0, findings }
    }

    /// A final answer that is no challenge that can be answered, and no 423 that can be helped. `tell` hears of each
    /// answer on the way.
    pub(super) async fn settle(
        &mut self,
        expires: Option<u32>,
        ask: Ask<'_>,
        tell: &mut dyn FnMut(&Answer, Duration),
    ) -> Result<Settled, Lost> {
        let mut asked = expires;
        let mut stale = 0;
        for _ in 0..ROUNDS {
            let with_credentials = self.auth.is_some();
            let (answer, took) = self.exchange(asked).await?;
            match answer.status {
                401 | 407 => {
                    let Some(challenge) = answer.challenges.first().cloned() else {
                        return Err(Lost::NoChallenge(answer.offered));
                    };
                    let refused = with_credentials && !challenge.stale;
                    if refused && self.auth.as_ref().is_some_and(|(_, _, count)| count.nc == 1) {
                        return Ok(Settled { answer, took, wrong_password: true, asked });
                    }
                    if with_credentials && challenge.stale {
                        stale += 1;
                        if stale > 1 {
                            let says = "it calls a nonce stale that it has just given";
                            self.found(odd::wrong("stale-at-once", says.to_owned()));
                        }
                    }
                    tell(&answer, took);
                    for finding in odd::challenge(&answer, &challenge) {
                        self.found(finding);
                    }
                    let account = match self.auth.take() {
                        Some((_, account, _)) => account,
                        None => ask(&challenge).ok_or(Lost::NoPassword)?,
                    };
                    self.auth = Some((challenge, account, Count { nc: 0, cnonce: token(16) }));
                }
                423 => match (answer.min_expires, asked) {
                    (Some(least), Some(seconds)) if least > seconds => {
                        tell(&answer, took);
                        asked = Some(least);
                    }
                    _ => {
                        let says = "423 names no Min-Expires that is longer than what was asked for (RFC 3261 §10.3)";
                        self.found(odd::wrong("no-min-expires", says.to_owned()));
                        return Ok(Settled { answer, took, wrong_password: false, asked });
                    }
                },
                _ => return Ok(Settled { answer, took, wrong_password: false, asked }),
            }
        }
        Err(Lost::Rounds)
    }

    /// What was sent last, as its answer has to repeat it.
    pub(super) fn granted(&mut self, settled: &Settled) {
        let sent = Sent {
            register: &self.register,
            cseq: self.cseq,
            branch: "",
            expires: settled.asked,
            q: Q,
            instance: &self.instance,
        };
        for finding in odd::granted(&settled.answer, &sent) {
            self.found(finding);
        }
    }

    /// Keeps a finding, once.
    pub(super) fn found(&mut self, finding: Finding) {
        if !self.findings.iter().any(|known| known.code == finding.code) {
            self.findings.push(finding);
        }
    }

    pub(super) fn is_wrong(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Wrong)
    }

    /// One request and its final answer.
    async fn exchange(&mut self, expires: Option<u32>) -> Result<(Answer, Duration), Lost> {
        self.cseq += 1;
        let branch = Register::branch();
        let credentials = self.auth.as_mut().map(|(challenge, account, count)| {
            count.nc += 1;
            challenge.answer(account, "REGISTER", &self.register.uri(), count)
        });
        let params = format!(";q=0.{};+sip.instance=\"{}\"", Q / 100, self.instance);
        let bytes = self.register.write(self.cseq, &branch, expires, &params, credentials.as_ref());
        let bytes = bytes.map_err(|_| Lost::Unwritable)?;
        let start = Instant::now();
        let end = start + self.patience;
        let (mut pause, mut again) = (T1, start + T1);
        self.link.send(&bytes).await.map_err(Lost::Io)?;
        loop {
            let until = if self.link.is_stream() { end } else { again.min(end) };
            match timeout_at(until, self.link.receive()).await {
                Ok(Ok(message)) => {
                    let Some(answer) = Answer::read(&mut self.index, &message, self.link.is_stream()) else {
                        self.found(odd::wrong(
                            "unreadable",
                            "it sends what is no answer, or cannot be read".to_owned(),
                        ));
                        continue;
                    };
                    // With a Via that is not ours it may still be the answer to this request.
                    let is_ours = answer.branch() == Some(&branch)
                        || (answer.call_id == self.register.call_id() && answer.cseq == Some(self.cseq));
                    if !is_ours || answer.status < 200 {
                        continue;
                    }
                    let sent = Sent {
                        register: &self.register,
                        cseq: self.cseq,
                        branch: &branch,
                        expires,
                        q: Q,
                        instance: &self.instance,
                    };
                    for finding in odd::identity(&answer, &sent) {
                        self.found(finding);
                    }
                    return Ok((answer, start.elapsed()));
                }
                Ok(Err(error)) => return Err(Lost::Io(error)),
                Err(_) if Instant::now() >= end => return Err(Lost::Silent(self.patience)),
                Err(_) => {
                    self.link.send(&bytes).await.map_err(Lost::Io)?;
                    self.repeated += 1;
                    pause = (pause * 2).min(T2);
                    again += pause;
                }
            }
        }
    }
}

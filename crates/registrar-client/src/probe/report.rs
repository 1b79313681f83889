//! What a probe found.

use serde::Serialize;

use crate::view::{Ink, Look, clean};

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Where it went.
    pub target: String,
    /// For whom.
    pub aor: String,
    /// How it ended.
    pub verdict: Verdict,
    /// For how many seconds the binding was granted, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted: Option<u32>,
    /// Each step that was taken.
    pub steps: Vec<Step>,
    /// What is odd about the answers.
    pub findings: Vec<Finding>,
}

/// How a probe ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It registered and removed its binding, and the answers are right.
    Right,
    /// It registered, but answers break the rules.
    Wrong,
    /// The name has no address.
    NoAddress,
    /// Nobody is there, or nobody answers.
    Unreachable,
    /// A password is wanted, and there is none.
    WantsPassword,
    /// The password was not taken.
    WrongPassword,
    /// It was refused for another reason.
    Refused,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Its name.
    pub name: &'static str,
    /// Whether it went well.
    pub ok: bool,
    /// What happened.
    pub says: String,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms: Option<f64>,
}

/// Something odd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable code.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it is, and the rule.
    pub says: String,
}

/// How much something odd matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It is allowed.
    Note,
    /// It breaks a rule.
    Wrong,
}

impl Step {
    /// A line, with its end.
    #[must_use]
    pub fn line(&self, look: Look) -> String {
        let mark = if self.ok { look.ink(Ink::Good, "ok  ") } else { look.ink(Ink::Bad, "FAIL") };
        let took = self.ms.map(|ms| look.ink(Ink::Faint, format_args!("  {ms:.1} ms"))).unwrap_or_default();
        format!("{mark}  {:<9}  {}{took}\n", self.name, clean(&self.says))
    }
}

impl Report {
    /// What is odd, and how it ended; the steps have been shown.
    #[must_use]
    pub fn summary(&self, look: Look) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            let mark = match finding.severity {
                Severity::Note => look.ink(Ink::Faint, "note "),
                Severity::Wrong => look.ink(Ink::Bad, "WRONG"),
            };
            text += &format!("{mark} {}: {}\n", finding.code, clean(&finding.says));
        }
        let (ink, says) = match self.verdict {
            Verdict::Right => (Ink::Good, "it registers as it should"),
            Verdict::Wrong => (Ink::Warn, "it registers, but its answers break the rules"),
            Verdict::NoAddress => (Ink::Bad, "its name has no address"),
            Verdict::Unreachable => (Ink::Bad, "it cannot be reached"),
            Verdict::WantsPassword => (Ink::Bad, "it wants a password: --stdin or REGISTRAR_PASSWORD gives one"),
            Verdict::WrongPassword => {
                (Ink::Bad, "it does not take the password, or knows the user by another name: see --auth-user")
            }
            Verdict::Refused => (Ink::Bad, "it refuses"),
        };
        text + &format!("{}: {}\n", clean(&self.target), look.ink(ink, says))
    }
}

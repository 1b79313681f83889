//! The table: what each row may cost, and which figures say so.

use clap::ValueEnum;

use super::super::client::Kind;
use super::super::report::Spread;
use super::super::restart::STARTS;
use super::super::servers::{Keep, Which};
use super::figures::{Figure, Figures, What, Work};

/// Ours in memory, with one worker.
pub(super) const OURS: Which = Which::Registrar(Keep::Memory);

/// The rows, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Row {
    Refresh,
    New,
    Query,
    Challenge,
    Pair,
    Million,
    Durable,
    Tcp,
    Offered,
    Memory,
    Connections,
    Restart,
    Cores,
}

/// What a row may cost.
pub(super) struct Budget {
    /// In words, as the table shows it.
    pub(super) text: String,
    /// `None`: it is only told.
    limit: Option<f64>,
    measure: Measure,
    decimals: usize,
}

/// What is held against the limit.
enum Measure {
    /// One ÷ the other, in the same round.
    Ratio(Figure, Figure),
    /// One figure, divided by this.
    Plain(Figure, f64),
}

/// What came of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Met,
    Missed,
    /// There is no limit.
    Told,
    NotMeasured,
}

impl Row {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Refresh => "refresh, UDP, memory",
            Self::New => "new, UDP, memory",
            Self::Query => "query",
            Self::Challenge => "challenge (401)",
            Self::Pair => "authenticated pair, SHA-256",
            Self::Million => "refresh at 1 M AoRs",
            Self::Durable => "refresh, durable `synced`, SHA-256, observers and metrics on",
            Self::Tcp => "refresh over TCP, 50 connections",
            Self::Offered => "10,000/s offered",
            Self::Memory => "memory per binding, whole process at 1 M",
            Self::Connections => "memory per idle connection",
            Self::Restart => "restart, 1 M bindings, to serving",
            Self::Cores => "throughput with every core, generator on the same machine",
        }
    }

    pub(super) fn budgets(self) -> Vec<Budget> {
        let ours = |work| (What::Cpu(work), OURS);
        let peer = |limit, work| Budget::ratio(ours(work), limit, (What::Cpu(work), Which::Kamailio), "Kamailio");
        let echo = |limit, work| Budget::ratio(ours(work), limit, (What::Cpu(work), Which::Echo), "the bare echo");
        match self {
            Self::Refresh => vec![peer(0.25, Work::Refresh), echo(1.3, Work::Refresh)],
            Self::New => vec![peer(0.25, Work::New), echo(1.5, Work::New)],
            Self::Query => vec![peer(0.27, Work::Query)],
            Self::Challenge => vec![echo(1.2, Work::Challenge)],
            Self::Pair => {
                let theirs = (What::Cpu(Work::Pair), Which::Kamailio);
                vec![Budget::ratio(ours(Work::Pair), 0.3, theirs, "Kamailio's MD5 pair")]
            }
            Self::Million => {
                let (many, few) = (ours(Work::RefreshOfMany), ours(Work::RefreshOfFew));
                let own = Budget::ratio(many, 1.15, few, "our own at 10,000");
                vec![peer(0.15, Work::RefreshOfMany), own]
            }
            Self::Durable => {
                let complete = (What::Cpu(Work::Durable), Which::RegistrarComplete);
                let theirs = (What::Cpu(Work::Durable), Which::KamailioBare);
                vec![Budget::ratio(complete, 0.5, theirs, "Kamailio's bare memory-only refresh")]
            }
            Self::Tcp => vec![peer(0.35, Work::RefreshOverTcp)],
            Self::Offered => {
                let theirs = (What::Cpu(Work::Offered), Which::Echo);
                vec![Budget::ratio(ours(Work::Offered), 1.1, theirs, "the bare echo at the same rate")]
            }
            Self::Memory => vec![Budget::plain((What::BytesPerBinding, OURS), 320.0, 1.0, 0, "bytes")],
            Self::Connections => {
                let limits = [(Kind::Tcp, 3.0), (Kind::Tls, 25.0), (Kind::Wss, 28.0)];
                let budget = |(kind, limit): (Kind, f64)| {
                    Budget::plain((What::BytesPerIdle(kind), OURS), limit, 1e3, 2, &format!("kB, {}", kind.name()))
                };
                limits.map(budget).into()
            }
            Self::Restart => {
                let budget = |(at, unit): (usize, String)| {
                    Budget::plain((What::Start(at), Which::Registrar(Keep::Synced)), 2.0, 1.0, 2, &unit)
                };
                STARTS.iter().map(|start| format!("s, after {}", start.name)).enumerate().map(budget).collect()
            }
            Self::Cores => {
                let of = |what, decimals, text: &str| {
                    let measure = Measure::Plain((what, Which::RegistrarEveryCore), 1.0);
                    Budget { text: text.to_owned(), limit: None, measure, decimals }
                };
                vec![
                    of(What::Rate, 0, "answers in a second"),
                    of(What::Cores, 2, "cores that the registrar took"),
                    of(What::GeneratorCores, 2, "cores that the generator took"),
                    of(What::GeneratorShare, 0, "% of both: the generator's own share"),
                ]
            }
        }
    }
}

impl Budget {
    fn ratio(of: Figure, limit: f64, to: Figure, name: &str) -> Self {
        Self {
            text: format!("≤ {limit} × {name}"), limit: Some(limit), measure: Measure::Ratio(of, to), decimals: 3
        }
    }

    fn plain(figure: Figure, limit: f64, unit: f64, decimals: usize, name: &str) -> Self {
        let measure = Measure::Plain(figure, unit);
        Self { text: format!("≤ {limit} {name}"), limit: Some(limit), measure, decimals }
    }

    /// What was measured of it; `None`: nothing was.
    pub(super) fn spread(&self, figures: &Figures) -> Option<Spread> {
        let values = match self.measure {
            Measure::Ratio(of, to) => figures.ratios(of, to),
            Measure::Plain(figure, unit) => figures.of(figure).iter().map(|value| value / unit).collect(),
        };
        Spread::of(&values)
    }

    pub(super) fn verdict(&self, figures: &Figures) -> Verdict {
        match (self.spread(figures), self.limit) {
            (None, _) => Verdict::NotMeasured,
            (Some(_), None) => Verdict::Told,
            (Some(spread), Some(limit)) if spread.median <= limit => Verdict::Met,
            (Some(_), Some(_)) => Verdict::Missed,
        }
    }

    pub(super) fn limit(&self) -> Option<f64> {
        self.limit
    }

    /// A number as the table shows it.
    pub(super) fn shown(&self, value: f64) -> String {
        format!("{value:.*}", self.decimals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(ours: &[f64], peer: &[f64]) -> Figures {
        let mut figures = Figures::default();
        for (which, values) in [(OURS, ours), (Which::Kamailio, peer)] {
            for (round, value) in (1..).zip(values) {
                figures.add(round, (What::Cpu(Work::Query), which), *value);
            }
        }
        figures
    }

    #[test]
    fn a_budget_is_met_when_the_median_is_within_it() {
        let budgets = Row::Query.budgets();
        let [budget] = budgets.as_slice() else { panic!("one budget") };
        assert_eq!(budget.text, "≤ 0.27 × Kamailio");
        assert_eq!(budget.verdict(&figures(&[2.0, 2.7, 9.0], &[10.0, 10.0, 10.0])), Verdict::Met);
        assert_eq!(budget.verdict(&figures(&[2.0, 2.8, 9.0], &[10.0, 10.0, 10.0])), Verdict::Missed);
        assert_eq!(budget.verdict(&figures(&[2.0], &[])), Verdict::NotMeasured);
    }

    #[test]
    fn bytes_are_shown_as_the_budget_counts_them() {
        let budgets = Row::Connections.budgets();
        let mut figures = Figures::default();
        figures.add(1, (What::BytesPerIdle(Kind::Tls), OURS), 25_100.0);
        let texts: Vec<&str> = budgets.iter().map(|budget| budget.text.as_str()).collect();
        assert_eq!(texts, ["≤ 3 kB, TCP", "≤ 25 kB, TLS", "≤ 28 kB, WSS"]);
        let verdicts: Vec<_> = budgets.iter().map(|budget| budget.verdict(&figures)).collect();
        assert_eq!(verdicts, [Verdict::NotMeasured, Verdict::Missed, Verdict::NotMeasured]);
        assert_eq!(budgets[1].spread(&figures).map(|spread| budgets[1].shown(spread.median)), Some("25.10".to_owned()));
    }

    #[test]
    fn every_row_has_something_to_measure() {
        for row in Row::value_variants() {
            assert!(!row.budgets().is_empty(), "{row:?}");
        }
    }
}

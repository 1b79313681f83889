//! Figures of each round, and what they make together: medians of ratios of figures that were measured a moment apart.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::client::Kind;
use super::super::report::Spread;
use super::super::restart::STARTS;
use super::super::servers::Which;

/// What servers are given to do, one request after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Work {
    Refresh,
    Query,
    Offered,
    New,
    RefreshOverTcp,
    EveryCore,
    Challenge,
    Pair,
    Durable,
    RefreshOfMany,
    /// The same beside it, of a table with few.
    RefreshOfFew,
}

impl Work {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Refresh => "refresh",
            Self::Query => "query",
            Self::Offered => "refresh at 10,000/s",
            Self::New => "new",
            Self::RefreshOverTcp => "refresh over TCP",
            Self::EveryCore => "refresh on every core",
            Self::Challenge => "challenge",
            Self::Pair => "pair",
            Self::Durable => "refresh, durable or bare",
            Self::RefreshOfMany => "refresh of a million",
            Self::RefreshOfFew => "refresh of few beside it",
        }
    }
}

/// What a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// µs of the server's CPU for an answer.
    Cpu(Work),
    /// With every core: answers in a second.
    Rate,
    /// How many cores the server keeps busy then, and the generator.
    Cores,
    GeneratorCores,
    /// The generator's part of the CPU that both take, in per cent.
    GeneratorShare,
    /// Of the whole process.
    BytesPerBinding,
    BytesPerIdle(Kind),
    /// Seconds from the start of the process to its first answer, after the end with this number.
    Start(usize),
}

impl What {
    pub(super) fn name(self) -> String {
        match self {
            Self::Cpu(work) => format!("{}: CPU for an answer, µs", work.name()),
            Self::Rate => "every core: answers in a second".to_owned(),
            Self::Cores => "every core: cores that the server takes".to_owned(),
            Self::GeneratorCores => "every core: cores that the generator takes".to_owned(),
            Self::GeneratorShare => "every core: the generator's share, %".to_owned(),
            Self::BytesPerBinding => "bytes for a binding".to_owned(),
            Self::BytesPerIdle(kind) => format!("bytes for an idle connection, {}", kind.name()),
            Self::Start(at) => {
                format!("seconds to the first answer, after {}", STARTS.get(at).map_or("?", |start| start.name))
            }
        }
    }
}

/// And of whom.
pub(super) type Figure = (What, Which);

/// All that was measured, by round.
#[derive(Default)]
pub(super) struct Figures {
    values: BTreeMap<Figure, BTreeMap<u32, f64>>,
    /// What went wrong, in words.
    pub(super) flaws: Vec<String>,
}

impl Figures {
    pub(super) fn add(&mut self, round: u32, figure: Figure, value: f64) {
        self.values.entry(figure).or_default().insert(round, value);
    }

    /// The figure in each round.
    pub(super) fn of(&self, figure: Figure) -> Vec<f64> {
        self.values.get(&figure).into_iter().flat_map(BTreeMap::values).copied().collect()
    }

    /// One ÷ the other in each round that has both. Of the medians it would be another number: what slows one round down
    /// slows both.
    pub(super) fn ratios(&self, of: Figure, to: Figure) -> Vec<f64> {
        let (Some(of), Some(to)) = (self.values.get(&of), self.values.get(&to)) else { return Vec::new() };
        of.iter().filter_map(|(round, value)| Some(value / to.get(round)?)).collect()
    }

    /// Every figure with its spread.
    pub(super) fn all(&self) -> impl Iterator<Item = (Figure, Spread)> {
        self.values.keys().filter_map(|figure| Some((*figure, Spread::of(&self.of(*figure))?)))
    }

    pub(super) fn raw(&self) -> Value {
        let each = self.values.iter().map(|((what, which), rounds)| {
            let rounds: BTreeMap<String, f64> =
                rounds.iter().map(|(round, value)| (round.to_string(), *value)).collect();
            json!({ "figure": what.name(), "server": which.name(), "by_round": rounds })
        });
        each.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::servers::Keep;
    use super::*;

    const OURS: Figure = (What::Cpu(Work::Refresh), Which::Registrar(Keep::Memory));
    const PEER: Figure = (What::Cpu(Work::Refresh), Which::Kamailio);

    #[test]
    fn a_ratio_is_of_the_same_round() {
        let mut figures = Figures::default();
        for (round, ours, peer) in [(1, 1.0, 4.0), (2, 6.0, 12.0), (3, 9.0, 12.0)] {
            figures.add(round, OURS, ours);
            figures.add(round, PEER, peer);
        }
        // A round that only one of the two has says nothing.
        figures.add(4, OURS, 100.0);
        let ratios = figures.ratios(OURS, PEER);
        assert_eq!(ratios, [0.25, 0.5, 0.75]);
        let spread = Spread { median: 0.5, least: 0.25, most: 0.75, count: 3 };
        assert_eq!(Spread::of(&ratios), Some(spread));
    }

    #[test]
    fn what_was_not_measured_has_no_ratio_and_no_spread() {
        let mut figures = Figures::default();
        figures.add(1, OURS, 1.0);
        assert_eq!(figures.ratios(OURS, PEER), Vec::<f64>::new());
        assert_eq!(Spread::of(&figures.of(PEER)), None);
    }
}

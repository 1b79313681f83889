//! The table, for people and for machines.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::others::Watch;
use super::super::requests::Template;
use super::super::scenario::LASTING;
use super::super::servers::Which;
use super::super::{Options, report};
use super::budgets::{Budget, Row, Verdict};
use super::figures::Figures;

/// What stands in place of figures where the peer is missing.
const NO_PEER: &str = "not measured: Kamailio is not here";

pub(super) fn print(rows: &[Row], figures: &Figures, options: &Options, watch: &Watch, took: Duration) {
    println!("\n{}", report::machine());
    println!("{}", peer());
    watch.print();
    println!(
        "{} rounds, interleaved, in {:.0} s; {} addresses-of-record, {} requests outstanding, REGISTER of {} bytes; \
         CPU is the server's own, user and kernel\n",
        options.rounds,
        took.as_secs_f32(),
        options.aors,
        options.outstanding,
        Template::new(LASTING, "UDP").size(),
    );
    for line in table(rows, figures) {
        println!("{line}");
    }
    println!("\nMedians of ratios within a round, and their range; n says how often it was measured.");
    println!("\nThe figures behind it, median and range:");
    for ((what, which), spread) in figures.all() {
        println!(
            "  {:<52} {:<21} {:>10.2}  {:>10.2} – {:.2}",
            what.name(),
            which.name(),
            spread.median,
            spread.least,
            spread.most
        );
    }
    for flaw in &figures.flaws {
        println!("  {flaw}");
    }
}

pub(super) fn raw(rows: &[Row], figures: &Figures, options: &Options, watch: &Watch, took: Duration) -> Value {
    let each: Vec<Value> = rows.iter().map(|row| raw_row(*row, figures)).collect();
    json!({
        "machine": report::machine(),
        "peer": peer(),
        "quiet": watch.raw(),
        "seconds": took.as_secs_f64(),
        "rounds": options.rounds,
        "aors": options.aors,
        "requests": options.requests,
        "outstanding": options.outstanding,
        "table": each,
        "figures": figures.raw(),
        "flaws": figures.flaws,
    })
}

/// The lines of the table, as Markdown that can be read as it is.
fn table(rows: &[Row], figures: &Figures) -> Vec<String> {
    let mut cells: Vec<[String; 6]> =
        vec![["work, one node", "budget", "measured", "range", "n", "met"].map(str::to_owned)];
    for row in rows {
        let mut name = row.name();
        for budget in row.budgets() {
            cells.push(cells_of(name, &budget, figures));
            name = "";
        }
    }
    let width = |at: usize| cells.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..6).map(|at| width(at).unwrap_or(0)).collect();
    let line = |row: &[String; 6]| {
        let padded: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("| {} |", padded.join(" | "))
    };
    let mut lines: Vec<String> = cells.iter().map(line).collect();
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
    lines.insert(1, format!("|{}|", rule.join("|")));
    lines
}

fn cells_of(name: &str, budget: &Budget, figures: &Figures) -> [String; 6] {
    let text = budget.text.clone();
    let met = match budget.verdict(figures) {
        Verdict::Met => "yes",
        Verdict::Missed => "NO",
        Verdict::Told => "",
        Verdict::NotMeasured => NO_PEER,
    };
    let [measured, range, count] = match budget.spread(figures) {
        Some(spread) => [
            budget.shown(spread.median),
            format!("{} – {}", budget.shown(spread.least), budget.shown(spread.most)),
            spread.count.to_string(),
        ],
        None => Default::default(),
    };
    [name.to_owned(), text, measured, range, count, met.to_owned()]
}

fn raw_row(row: Row, figures: &Figures) -> Value {
    let budgets: Vec<Value> = row
        .budgets()
        .iter()
        .map(|budget| {
            let spread = budget.spread(figures);
            json!({
                "budget": budget.text,
                "limit": budget.limit(),
                "median": spread.map(|spread| spread.median),
                "least": spread.map(|spread| spread.least),
                "most": spread.map(|spread| spread.most),
                "measured_times": spread.map_or(0, |spread| spread.count),
                "met": match budget.verdict(figures) {
                    Verdict::Met => Some(true),
                    Verdict::Missed => Some(false),
                    Verdict::Told | Verdict::NotMeasured => None,
                },
            })
        })
        .collect();
    json!({ "work": row.name(), "budgets": budgets })
}

/// Which Kamailio it is.
fn peer() -> String {
    match Which::Kamailio.missing() {
        Some(package) => {
            format!("Kamailio is not here (Debian package {package}): what is held against it is left out")
        }
        None => super::super::kamailio::version(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::budgets::OURS;
    use super::super::figures::{What, Work};
    use super::*;

    #[test]
    fn without_kamailio_the_ratio_to_the_echo_is_shown_and_the_other_is_said_to_be_missing() {
        let mut figures = Figures::default();
        for (round, ours) in [(1, 4.0), (2, 5.0), (3, 6.0)] {
            figures.add(round, (What::Cpu(Work::Refresh), OURS), ours);
            figures.add(round, (What::Cpu(Work::Refresh), Which::Echo), 4.0);
        }
        let lines = table(&[Row::Refresh], &figures);
        let [_, _, kamailio, echo] = lines.as_slice() else { panic!("{lines:?}") };
        assert!(kamailio.contains("refresh, UDP, memory | ≤ 0.25 × Kamailio"), "{kamailio}");
        assert!(kamailio.contains(NO_PEER), "{kamailio}");
        assert!(echo.contains("| ≤ 1.3 × the bare echo | 1.250    | 1.000 – 1.500 | 3 | yes"), "{echo}");
        let raw = raw_row(Row::Refresh, &figures);
        assert_eq!((&raw["budgets"][0]["met"], &raw["budgets"][1]["met"]), (&Value::Null, &Value::Bool(true)));
    }
}

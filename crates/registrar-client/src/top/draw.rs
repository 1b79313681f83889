//! The picture.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell, Paragraph, Row, Sparkline, Table};
use registrar_api::State;

use super::Model;
use crate::view::{clean, span, time_of_day};

/// How soon a certificate that ends is worth a word, in days.
const SOON: i64 = 14;

/// Of how many classes of outcomes it is shown how long they took.
const CLASSES: usize = 3;

/// Draws all of it, with colours or without.
pub fn draw(frame: &mut Frame<'_>, model: &Model, colours: bool) {
    let rows = [
        Constraint::Length(2),
        Constraint::Length(10),
        Constraint::Length(4),
        Constraint::Min(3),
        Constraint::Length(1),
    ];
    let [head, middle, curve, refusals, foot] = Layout::vertical(rows).areas(frame.area());
    let [left, right] = Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)]).areas(middle);
    frame.render_widget(Paragraph::new(heading(model)), head);
    frame.render_widget(Paragraph::new(rates(model, left.width)).block(block("in a second")), left);
    frame.render_widget(Paragraph::new(health(model)).block(block("health")), right);
    draw_curve(frame, model, curve);
    draw_refusals(frame, model, refusals);
    frame.render_widget(Paragraph::new(" q quits".dim()), foot);
    if !colours {
        // Bold and dim stay.
        let plain = Style::new().fg(Color::Reset).bg(Color::Reset);
        let area = frame.area();
        frame.buffer_mut().set_style(area, plain);
    }
}

fn heading(model: &Model) -> Vec<Line<'static>> {
    let status = &model.now.status;
    let state = match (&model.failure, status.state) {
        (Some(_), _) => "no answer".red(),
        (None, State::Serving) => "serving".green(),
        (None, State::Draining) => "draining".yellow(),
    };
    let since = format!("  for {}  process {}  ", span(status.uptime), status.pid);
    let first = vec![
        format!(" registrar {}  ", clean(&status.version)).bold(),
        state,
        since.into(),
        clean(&model.target).dim(),
    ];
    let location = &status.location;
    let second = match &model.failure {
        Some(failure) => Line::from(format!(" {}", clean(failure.lines().next().unwrap_or_default())).red()),
        None => {
            let text =
                format!(" {} bindings of at most {}", grouped(location.bindings), grouped(location.max_bindings));
            Line::from(vec![text.into(), format!(", kept {}", clean(&location.mode)).dim()])
        }
    };
    vec![Line::from(first), second]
}

fn rates(model: &Model, width: u16) -> Vec<Line<'static>> {
    let rates = &model.rates;
    // Where it is narrow names are cut, and not numbers.
    let names = usize::from(width).saturating_sub(13).min(22);
    let line = |name: &str, rate: f64| format!(" {name:<names$.names$}{rate:>10.1}");
    let mut lines = vec![Line::from(line("requests", rates.requests).bold())];
    if model.now.metrics.is_none() {
        lines.push(Line::from(" there is no /metrics to say more".dim()));
        return lines;
    }
    for (name, rate) in [
        ("new", rates.new),
        ("refreshed", rates.refreshed),
        ("removed", rates.removed),
        ("challenged", rates.challenged),
    ] {
        lines.push(Line::from(line(name, rate)));
    }
    let refused = line("refused", rates.refused);
    lines.push(Line::from(if rates.refused > 0.0 { refused.red() } else { refused.into() }));
    for (reason, rate) in rates.refusals.iter().take(2) {
        lines.push(Line::from(line(&format!("  {}", clean(reason)), *rate).dim()));
    }
    lines
}

fn health(model: &Model) -> Vec<Line<'static>> {
    let status = &model.now.status;
    let mut lines = vec![fact("workers", Span::raw(status.workers.to_string()))];
    for took in model.rates.took.iter().take(CLASSES) {
        let text = format!("{}, 99 % {}", within(took.median), within(took.p99));
        lines.push(fact(&clean(&took.class), Span::raw(text)));
    }
    if let Some(failure) = &status.location.failure {
        lines.push(fact("table", clean(failure).red()));
    }
    for backend in &status.backends {
        let delay = backend.delay_ms.map(|ms| format!(", {ms} ms")).unwrap_or_default();
        let state = match &backend.failure {
            _ if backend.up => format!("up{delay}").green(),
            failure => format!("down: {}", clean(failure.as_deref().unwrap_or("unknown"))).red(),
        };
        lines.push(fact(&clean(&backend.name), state));
    }
    for certificate in status.certificates.iter().filter(|certificate| certificate.days_left < SOON) {
        lines.push(fact(
            "certificate",
            format!("{} days: {}", certificate.days_left, clean(&certificate.file)).yellow(),
        ));
    }
    lines
}

fn draw_curve(frame: &mut Frame<'_>, model: &Model, area: Rect) {
    let block = block("requests in a second, the newest on the right");
    let width = usize::from(block.inner(area).width);
    let shown: Vec<u64> = model.curve.iter().skip(model.curve.len().saturating_sub(width)).copied().collect();
    let missing = std::iter::repeat_n(0, width.saturating_sub(shown.len()));
    let data: Vec<u64> = missing.chain(shown).collect();
    frame.render_widget(Sparkline::default().data(data).block(block), area);
}

fn draw_refusals(frame: &mut Frame<'_>, model: &Model, area: Rect) {
    let rows = model.now.refusals.iter().take(usize::from(area.height)).map(|outcome| {
        let times = if outcome.count > 1 { format!(" x{}", outcome.count) } else { String::new() };
        Row::new([
            Cell::from(time_of_day(&outcome.at)),
            Cell::from(format!("{} {}{times}", outcome.status.unwrap_or_default(), clean(&outcome.reason))),
            Cell::from(clean(outcome.aor.as_deref().unwrap_or("-"))),
            Cell::from(clean(&outcome.source)),
        ])
    });
    let widths = [Constraint::Length(8), Constraint::Fill(4), Constraint::Fill(4), Constraint::Fill(3)];
    frame.render_widget(Table::new(rows, widths).block(block("last refusals (UTC)")), area);
}

fn fact(name: &str, value: Span<'static>) -> Line<'static> {
    Line::from(vec![format!(" {name:<14} ").into(), value])
}

fn block(title: &'static str) -> Block<'static> {
    Block::bordered().title(title)
}

/// A bound of seconds.
fn within(seconds: f64) -> String {
    match seconds {
        // The histogram goes no further.
        seconds if seconds.is_infinite() => ">20 s".to_owned(),
        seconds if seconds < 1.0 => format!("≤{:.0} ms", seconds * 1e3),
        seconds => format!("≤{seconds:.0} s"),
    }
}

fn grouped(n: usize) -> String {
    crate::view::grouped(u64::try_from(n).unwrap_or(u64::MAX))
}

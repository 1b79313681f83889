//! How cost grows with work: one thing grows at a time, and each is drawn as a picture.

mod axes;
mod plot;
mod requests;
mod standing;

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use clap::ValueEnum;
use serde_json::{Value, json};

pub(super) use self::axes::Axis;
use self::plot::Chart;
use super::others::Watch;
use super::report::Spread;
use super::servers::Which;
use super::{Options, report};
use crate::workspace::root;

/// Where the pictures are, from the root of the workspace.
const PICTURES: &str = "docs/growth";

/// What one server took at each point.
pub(super) struct Curve {
    which: Which,
    points: Vec<Point>,
}

/// The figures of all rounds where there was so much of what grows.
struct Point {
    x: f64,
    values: Vec<f64>,
}

pub(super) fn run(axes: &[Axis], options: &Options, folder: &Path) -> Result<()> {
    let axes = if axes.is_empty() { Axis::value_variants() } else { axes };
    let mut watch = Watch::start()?;
    let mut raw = Vec::new();
    fs::create_dir_all(root().join(PICTURES))?;
    for &axis in axes {
        let start = Instant::now();
        let curves = match axis {
            Axis::Memory => standing::memory(options, folder)?,
            Axis::Restart => standing::restart(options, folder)?,
            _ => requests::measure(axis, options, folder)?,
        };
        watch.lap(axis.name())?;
        let file = format!("{PICTURES}/{}.svg", axis.name());
        fs::write(root().join(&file), Chart { axis, curves: &curves }.svg()?)?;
        print(axis, &curves);
        println!("{file}, in {:.0} s", start.elapsed().as_secs_f32());
        raw.push(json!({ "axis": axis.name(), "curves": curves.iter().map(Curve::raw).collect::<Vec<_>>() }));
    }
    println!("\n{}", report::machine());
    watch.print();
    report::write(
        folder,
        &json!({ "machine": report::machine(), "quiet": watch.raw(), "rounds": options.rounds, "axes": raw }),
    )
}

fn print(axis: Axis, curves: &[Curve]) {
    println!("\n{}: {}", axis.title(), axis.y_name());
    for curve in curves {
        for point in &curve.points {
            let Some(spread) = Spread::of(&point.values) else { continue };
            let Spread { median, least, most, .. } = spread;
            println!("{:<20} {:>10} {median:>10.2}  {least:>8.2} – {most:.2}", curve.which.name(), point.x);
        }
    }
}

impl Curve {
    /// Adds the figure of a round.
    fn add(curves: &mut Vec<Self>, which: Which, x: f64, value: f64) {
        let at = curves.iter().position(|curve| curve.which == which).unwrap_or_else(|| {
            curves.push(Self { which, points: Vec::new() });
            curves.len() - 1
        });
        let Some(curve) = curves.get_mut(at) else { return };
        match curve.points.iter_mut().find(|point| point.x.total_cmp(&x).is_eq()) {
            Some(point) => point.values.push(value),
            None => curve.points.push(Point { x, values: vec![value] }),
        }
        curve.points.sort_by(|one, other| one.x.total_cmp(&other.x));
    }

    fn raw(&self) -> Value {
        let points = self.points.iter().map(|point| json!({ "x": point.x, "values": point.values }));
        json!({ "server": self.which.name(), "points": points.collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_all_rounds_come_together_at_their_point_in_order() {
        let mut curves = Vec::new();
        for (x, value) in [(100.0, 3.0), (10.0, 1.0), (100.0, 4.0), (10.0, 2.0)] {
            Curve::add(&mut curves, Which::Echo, x, value);
        }
        Curve::add(&mut curves, Which::Kamailio, 10.0, 9.0);
        let [echo, kamailio] = curves.as_slice() else { panic!("{} curves", curves.len()) };
        let points: Vec<_> = echo.points.iter().map(|point| (point.x, point.values.as_slice())).collect();
        assert_eq!(points, [(10.0, [1.0, 2.0].as_slice()), (100.0, [3.0, 4.0].as_slice())]);
        assert_eq!((kamailio.which, kamailio.points.len()), (Which::Kamailio, 1));
    }
}

//! A picture of curves, as SVG. Its background is white whatever is around it, so that it can be read on dark pages, too.

use anyhow::{Context, Result};
use plotters::chart::{ChartBuilder, ChartContext, SeriesLabelPosition};
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::coord::{CoordTranslate, Shift};
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{ErrorBar, PathElement};
use plotters::prelude::{IntoLogRange, Ranged, SVGBackend};
use plotters::series::LineSeries;
use plotters::style::{Color, IntoFont, RGBColor, WHITE};

use super::super::report::Spread;
use super::super::servers::Which;
use super::Curve;
use super::axes::Axis;

const SIZE: (u32, u32) = (760, 400);

/// Dark on white.
const TEXT: RGBColor = RGBColor(40, 40, 40);
const GRID: RGBColor = RGBColor(225, 225, 225);

pub(super) struct Chart<'a> {
    pub(super) axis: Axis,
    pub(super) curves: &'a [Curve],
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

impl Chart<'_> {
    pub(super) fn svg(&self) -> Result<String> {
        let mut text = String::new();
        {
            let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
            area.fill(&WHITE)?;
            let (least, most) = self.width().context("nothing to draw")?;
            if self.axis.is_logarithmic() {
                self.draw(&area, (least / 1.3..most * 1.3).log_scale())?;
            } else {
                self.draw(&area, 0.0..most * 1.03)?;
            }
            area.present()?;
        }
        Ok(text)
    }

    fn draw<X>(&self, area: &Area<'_>, x: X) -> Result<()>
    where
        X: AsRangedCoord<Value = f64>,
        X::CoordDescType: ValueFormatter<f64> + Ranged<ValueType = f64>,
    {
        let font = |size: i32| ("sans-serif", size).into_font().color(&TEXT);
        let mut chart = ChartBuilder::on(area)
            .caption(self.axis.title(), font(19))
            .margin(12)
            .margin_right(24)
            .x_label_area_size(46)
            .y_label_area_size(62)
            .build_cartesian_2d(x, 0.0..self.height())?;
        chart
            .configure_mesh()
            .bold_line_style(GRID)
            .light_line_style(WHITE)
            .axis_style(TEXT)
            .label_style(font(14))
            .axis_desc_style(font(15))
            .x_desc(self.axis.x_name())
            .y_desc(self.axis.y_name())
            .x_label_formatter(&|value| short(*value))
            .y_label_formatter(&|value| short(*value))
            .y_labels(8)
            .draw()?;
        self.curves.iter().try_for_each(|curve| draw_curve(&mut chart, curve))?;
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE)
            .border_style(GRID)
            .label_font(font(14))
            .draw()?;
        Ok(())
    }

    /// Where its points begin and end.
    fn width(&self) -> Option<(f64, f64)> {
        let all = || self.curves.iter().flat_map(|curve| &curve.points).map(|point| point.x);
        Some((all().reduce(f64::min)?, all().reduce(f64::max)?))
    }

    /// From 0 on, so that what looks twice as high is; above the highest of all figures there is room for the names.
    fn height(&self) -> f64 {
        let points = self.curves.iter().flat_map(|curve| &curve.points);
        points.flat_map(|point| &point.values).copied().fold(0.0, f64::max) * 1.25
    }
}

/// Its medians, with a line through them and a bar for the range of each.
fn draw_curve<X>(
    chart: &mut ChartContext<'_, SVGBackend<'_>, Cartesian2d<X, RangedCoordf64>>,
    curve: &Curve,
) -> Result<()>
where
    X: Ranged<ValueType = f64>,
    Cartesian2d<X, RangedCoordf64>: CoordTranslate<From = (f64, f64)>,
{
    let (name, color) = look(curve.which);
    let spreads: Vec<(f64, Spread)> =
        curve.points.iter().filter_map(|point| Some((point.x, Spread::of(&point.values)?))).collect();
    let line = spreads.iter().map(|(x, spread)| (*x, spread.median));
    chart
        .draw_series(LineSeries::new(line, color.stroke_width(2)))?
        .label(name)
        .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], color.stroke_width(3)));
    let bars = spreads
        .iter()
        .map(|(x, spread)| ErrorBar::new_vertical(*x, spread.least, spread.median, spread.most, color.filled(), 8));
    chart.draw_series(bars)?;
    Ok(())
}

/// How it is called, and its colour: such as those who see no red or no green can tell apart.
fn look(which: Which) -> (&'static str, RGBColor) {
    match which {
        Which::Echo => ("bare echo", RGBColor(130, 130, 130)),
        Which::Kamailio => ("Kamailio", RGBColor(213, 94, 0)),
        _ => ("registrar", RGBColor(0, 114, 178)),
    }
}

/// A number as short as it can be written: `10 k`, `2.5 M`.
fn short(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        size if size >= 1e6 => (value / 1e6, " M"),
        // A thousand is still a number that people read at once.
        size if size >= 1e4 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    let text = format!("{scaled:.1}");
    format!("{}{unit}", text.strip_suffix(".0").unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::super::Point;
    use super::*;

    fn curves() -> Vec<Curve> {
        let point = |x, values: &[f64]| Point { x, values: values.to_vec() };
        vec![
            Curve { which: Which::Echo, points: vec![point(1000.0, &[2.0])] },
            Curve { which: Which::Kamailio, points: vec![point(10_000.0, &[8.0, 10.0, 9.0]), point(1e6, &[12.0])] },
        ]
    }

    #[test]
    fn every_figure_fits_and_heights_begin_at_nothing() {
        let chart = Chart { axis: Axis::Aors, curves: &curves() };
        assert_eq!(chart.width(), Some((1000.0, 1e6)));
        assert!((chart.height() - 15.0).abs() < 1e-9, "{}", chart.height());
        assert_eq!(Chart { axis: Axis::Aors, curves: &[] }.width(), None);
    }

    #[test]
    fn a_picture_has_its_title_its_axes_and_everybody_in_it() {
        for axis in [Axis::Users, Axis::Contacts] {
            let svg = Chart { axis, curves: &curves() }.svg().unwrap();
            for text in [axis.title(), axis.x_name(), axis.y_name(), "bare echo", "Kamailio"] {
                assert!(svg.contains(text), "{text} is not in {svg}");
            }
            assert!(svg.contains("fill=\"#FFFFFF\"") && svg.trim_end().ends_with("</svg>"), "{svg}");
        }
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [0.0, 2.5, 256.0, 1000.0, 10_000.0, 1e6, 2.5e6, 1e7];
        let texts: Vec<String> = numbers.into_iter().map(short).collect();
        assert_eq!(texts, ["0", "2.5", "256", "1000", "10 k", "1 M", "2.5 M", "10 M"]);
    }
}

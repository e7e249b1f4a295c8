//! The curves of claims as SVG: one panel for each claim, one line for each number of rows.

use crate::claims::{Curve, Kind};
use plotters::prelude::*;

const SIZE: (u32, u32) = (980, 380);
const TEXT: RGBColor = RGBColor(0x1f, 0x23, 0x28);
const GRID: RGBColor = RGBColor(0xe3, 0xe6, 0xea);
const COLOURS: [RGBColor; 3] =
    [RGBColor(0x00, 0x5f, 0x9e), RGBColor(0xc8, 0x4e, 0x00), RGBColor(0x00, 0x80, 0x5d)];

type Error = Box<dyn std::error::Error>;

pub(crate) fn drawing(curves: &[Curve]) -> Result<String, Error> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let panels = root.split_evenly((1, 3));
        for (panel, claim) in panels.iter().zip([Kind::Better, Kind::NotWorse, Kind::Holm]) {
            let font = |size: i32| ("sans-serif", size).into_font().color(&TEXT);
            let mut chart = ChartBuilder::on(panel)
                .caption(claim.name(), font(17))
                .margin(10)
                .x_label_area_size(44)
                .y_label_area_size(50)
                .build_cartesian_2d(0.0..20.0, 0.0..100.0)?;
            chart
                .configure_mesh()
                .light_line_style(WHITE)
                .bold_line_style(GRID)
                .label_style(font(13))
                .x_desc("points above the edge of the claim")
                .y_desc("shown, % of draws")
                .x_label_formatter(&|x| format!("+{x:.0}"))
                .y_label_formatter(&|y| format!("{y:.0}"))
                .x_labels(5)
                .y_labels(6)
                .draw()?;
            let own: Vec<&Curve> = curves.iter().filter(|curve| curve.claim == claim).collect();
            let edge = own.first().map_or(0.0, |curve| curve.points[0].0);
            let level = [(0.0, 2.5), (20.0, 2.5)];
            chart.draw_series(DashedLineSeries::new(level, 4, 4, TEXT.stroke_width(1)))?;
            for (curve, colour) in own.into_iter().zip(COLOURS) {
                let points = || {
                    let all = curve.points.iter();
                    all.map(|(truth, share)| ((truth - edge) * 100.0, share * 100.0))
                };
                let line = LineSeries::new(points(), colour.stroke_width(2));
                chart.draw_series(line)?.label(format!("{} rows", curve.rows)).legend(
                    move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)),
                );
                chart.draw_series(points().map(|at| Circle::new(at, 3, colour.filled())))?;
            }
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::MiddleRight)
                .label_font(font(13))
                .background_style(WHITE)
                .draw()?;
        }
        root.present()?;
    }
    Ok(svg)
}

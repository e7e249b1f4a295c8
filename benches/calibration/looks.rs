//! What looking again and again does to a verdict, as SVG: a panel for rows, and one for units of real traffic.

use plotters::prelude::*;

const SIZE: (u32, u32) = (980, 400);
const TEXT: RGBColor = RGBColor(0x1f, 0x23, 0x28);
const GRID: RGBColor = RGBColor(0xe3, 0xe6, 0xea);
/// The share of wrong verdicts that is promised, in percent.
const PROMISED: f64 = 5.0;

type Error = Box<dyn std::error::Error>;

/// The share of draws, in [0, 1], that show a true difference.
pub(crate) struct Power {
    /// In [0, 1].
    pub(crate) difference: f64,
    /// By the program, which looks each time that something arrives.
    pub(crate) looks: f64,
    /// By a test of all at once.
    pub(crate) fixed: f64,
    /// By the same test for who looks each time and stops at the first p-value below 5 %.
    pub(crate) naive: f64,
}

/// A line of the plot: its name, colour and value.
type Line = (&'static str, RGBColor, fn(&Power) -> f64);

/// Both panels: each with its title and its points.
pub(crate) fn drawing(panels: [(&str, &[Power]); 2]) -> Result<String, Error> {
    let lines: [Line; 3] = [
        ("the program, each time", RGBColor(0x00, 0x5f, 0x9e), |it| it.looks),
        ("a test of all at once", RGBColor(0x00, 0x80, 0x5d), |it| it.fixed),
        ("that test each time", RGBColor(0xc8, 0x4e, 0x00), |it| it.naive),
    ];
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        for (panel, (title, points)) in root.split_evenly((1, 2)).iter().zip(panels) {
            let font = |size: i32| ("sans-serif", size).into_font().color(&TEXT);
            let mut chart = ChartBuilder::on(panel)
                .caption(title, font(17))
                .margin(10)
                .x_label_area_size(44)
                .y_label_area_size(50)
                .build_cartesian_2d(0.0..10.0, 0.0..100.0)?;
            chart
                .configure_mesh()
                .light_line_style(WHITE)
                .bold_line_style(GRID)
                .label_style(font(13))
                .x_desc("true difference, points (at 0 every verdict is wrong)")
                .y_desc("a difference is shown, % of draws")
                .x_label_formatter(&|x| format!("+{x:.0}"))
                .y_label_formatter(&|y| format!("{y:.0}"))
                .x_labels(6)
                .y_labels(6)
                .draw()?;
            let promised = [(0.0, PROMISED), (10.0, PROMISED)];
            chart.draw_series(DashedLineSeries::new(promised, 4, 4, TEXT.stroke_width(1)))?;
            for (name, colour, value) in lines {
                let at = |it: &Power| (it.difference * 100.0, value(it) * 100.0);
                let line = LineSeries::new(points.iter().map(at), colour.stroke_width(2));
                chart.draw_series(line)?.label(name).legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2))
                });
                let marks = points.iter().map(|it| Circle::new(at(it), 3, colour.filled()));
                chart.draw_series(marks)?;
            }
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::LowerRight)
                .label_font(font(13))
                .background_style(WHITE)
                .draw()?;
        }
        root.present()?;
    }
    Ok(svg)
}

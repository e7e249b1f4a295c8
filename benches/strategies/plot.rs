//! Quality against spending, one line per strategy, as SVG.

use crate::figures::ByWorld;
use crate::options::Options;
use crate::runs::{Results, WorldFigures};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const SIZE: (u32, u32) = (920, 560);
const TEXT: RGBColor = RGBColor(0x1f, 0x23, 0x28);
const GRID: RGBColor = RGBColor(0xe3, 0xe6, 0xea);
const AXIS: RGBColor = RGBColor(0x6a, 0x73, 0x7d);
/// Colours that differ in lightness as well as in hue; marks differ in shape, too.
const PALETTE: [RGBColor; 10] = [
    RGBColor(0x00, 0x5f, 0x9e),
    RGBColor(0xc8, 0x4e, 0x00),
    RGBColor(0x00, 0x80, 0x5d),
    RGBColor(0x9b, 0x3f, 0x86),
    RGBColor(0x8a, 0x6a, 0x00),
    RGBColor(0x3a, 0x3a, 0x3a),
    RGBColor(0xd0, 0x3a, 0x55),
    RGBColor(0x3b, 0x9a, 0xc4),
    RGBColor(0x5b, 0x4f, 0xcf),
    RGBColor(0x6b, 0x8e, 0x23),
];
/// Text size and line distance of labels, in pixels.
const FONT: f64 = 14.0;
const LINE: i32 = 19;
/// Pixels to the right of the plot for labels.
const LABELS: i32 = 205;

type Error = Box<dyn std::error::Error>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// One strategy's points: dollars and quality in points, by budget.
struct Line {
    name: String,
    points: Vec<(f64, f64)>,
    colour: RGBColor,
    shape: usize,
}

/// The drawing.
pub(crate) fn quality_against_spend(options: &Options, results: &Results) -> Result<String, Error> {
    let lines = lines(options, results);
    let mut svg = String::new();
    {
        // Every label needs a separate line beside the plot.
        let references = references(results);
        let labels = lines.len() + references.len();
        let tall = u32::try_from(labels).unwrap_or(0) * LINE.unsigned_abs() + 130;
        let size = (SIZE.0, SIZE.1.max(tall));
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE)?;
        draw(&root, &lines, &references, options)?;
        root.present()?;
    }
    Ok(svg)
}

fn lines(options: &Options, results: &Results) -> Vec<Line> {
    let strategies = results.strategies.iter().enumerate();
    strategies
        .map(|(strategy, name)| {
            let point = |budget: &u64| {
                let mean =
                    |value| ByWorld::of(results, strategy, *budget, value).mean().map(|it| it.mean);
                Some((mean(|found| found.usd)?, mean(|found| found.quality * 100.0)?))
            };
            Line {
                name: name.clone(),
                points: options.calls.iter().filter_map(point).collect(),
                colour: PALETTE[strategy % PALETTE.len()],
                shape: strategy % 3,
            }
        })
        .filter(|line| !line.points.is_empty())
        .collect()
}

fn font(size: f64) -> TextStyle<'static> {
    // The backend divides the font size by this number.
    let font = ("sans-serif", size * 1.24).into_font();
    TextStyle { color: TEXT.to_backend_color(), ..TextStyle::from(font) }
}

fn draw(
    root: &Area<'_>,
    lines: &[Line],
    references: &[(&str, f64)],
    options: &Options,
) -> Result<(), Error> {
    let all = || lines.iter().flat_map(|line| &line.points).copied();
    let least = |of: fn((f64, f64)) -> f64| all().map(of).fold(f64::INFINITY, f64::min);
    let most = |of: fn((f64, f64)) -> f64| all().map(of).fold(f64::NEG_INFINITY, f64::max);
    if all().next().is_none() {
        root.draw_text("no run has finished", &font(FONT), (40, 40))?;
        return Ok(());
    }
    // Logarithms of the dollars: plotters' own logarithmic axis names powers of ten alone.
    let x = least(|it| it.0).log10() - 0.06..most(|it| it.0).log10() + 0.04;
    let marks = references.iter().map(|(_, quality)| *quality);
    let low = marks.clone().fold(least(|it| it.1), f64::min) - 1.0;
    let high = marks.fold(most(|it| it.1), f64::max) + 1.0;
    let step = 5.0;
    let y = ((low / step).floor() * step).max(0.0)..(high / step).ceil() * step;
    let heading = "True quality of the returned prompt against spending";
    root.draw_text(heading, &font(17.0), (20, 14))?;
    let count = options.worlds.len();
    let below = format!("means over {count} worlds; {}", options.models());
    root.draw_text(&below, &font(13.0), (20, 40))?;
    let mut chart = ChartBuilder::on(root)
        .margin_top(70)
        .margin_right(LABELS)
        .margin_left(10)
        .margin_bottom(8)
        .x_label_area_size(52)
        .y_label_area_size(62)
        .build_cartesian_2d(x.clone(), y)?;
    chart
        .configure_mesh()
        .max_light_lines(0)
        .disable_x_mesh()
        .x_labels(0)
        .y_labels(8)
        .bold_line_style(GRID)
        .axis_style(AXIS)
        .label_style(font(13.0))
        .axis_desc_style(font(FONT))
        .y_desc("true quality, points")
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()?;
    for (_, quality) in references {
        let across = [(x.start, *quality), (x.end, *quality)];
        chart.draw_series(DashedLineSeries::new(across, 5, 4, AXIS.stroke_width(1)))?;
    }
    for line in lines {
        let style = line.colour.stroke_width(2);
        let points = || line.points.iter().map(|(usd, quality)| (usd.log10(), *quality));
        chart.draw_series(LineSeries::new(points(), style))?;
        for at in points() {
            let filled = line.colour.filled();
            match line.shape {
                0 => chart.draw_series([Circle::new(at, 5, filled)])?,
                1 => chart.draw_series([TriangleMarker::new(at, 7, filled)])?,
                _ => chart.draw_series([
                    EmptyElement::at(at) + Rectangle::new([(-4, -4), (4, 4)], filled)
                ])?,
            };
        }
    }
    let area = chart.plotting_area();
    let (across, down) = area.get_pixel_range();
    let below = Pos::new(HPos::Center, VPos::Top);
    for usd in ticks(10_f64.powf(x.start), 10_f64.powf(x.end)) {
        let (at, _) = area.map_coordinate(&(usd.log10(), 0.0));
        let tick = vec![(at, down.end), (at, down.end + 5)];
        root.draw(&PathElement::new(tick, AXIS.stroke_width(1)))?;
        root.draw_text(&dollars(usd), &font(13.0).pos(below), (at, down.end + 9))?;
    }
    let middle = (across.start + across.end) / 2;
    let name = "simulated US dollars per run (logarithmic)";
    root.draw_text(name, &font(FONT).pos(below), (middle, down.end + 32))?;
    let mut labels: Vec<Label> = lines
        .iter()
        .filter_map(|line| {
            let (usd, quality) = line.points.last().copied()?;
            let end = area.map_coordinate(&(usd.log10(), quality));
            Some(Label { text: format!("{} {quality:.1}", line.name), end, colour: line.colour })
        })
        .collect();
    labels.extend(references.iter().map(|(name, quality)| Label {
        text: format!("{name} {quality:.1}"),
        end: area.map_coordinate(&(x.end, *quality)),
        colour: AXIS,
    }));
    label(root, labels, across.end, (down.start, down.end))
}

/// The quality of baselines and ideal prompts, as means over worlds.
fn references(results: &Results) -> Vec<(&'static str, f64)> {
    let mean = |of: &dyn Fn(&WorldFigures) -> Option<f64>| {
        let values: Option<Vec<f64>> = results.worlds.iter().map(of).collect();
        values.map(|values| 100.0 * values.iter().sum::<f64>() / values.len() as f64)
    };
    let ideal = mean(&|world| world.ideal_quality).map(|quality| ("all rules stated", quality));
    let baseline = mean(&|world| Some(world.baseline_quality)).map(|quality| ("baseline", quality));
    ideal.into_iter().chain(baseline).collect()
}

/// One, two and five of every power of ten within.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
    powers
        .flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(power)))
        .filter(|tick| (low..=high).contains(tick))
        .collect()
}

/// A name and the end of what it names.
struct Label {
    text: String,
    end: (i32, i32),
    colour: RGBColor,
}

/// Names beside the ends of their lines, moved apart so that they do not overlap.
fn label(
    root: &Area<'_>,
    mut labels: Vec<Label>,
    right: i32,
    (top, bottom): (i32, i32),
) -> Result<(), Error> {
    labels.sort_by_key(|label| label.end.1);
    let wanted: Vec<i32> = labels.iter().map(|label| label.end.1).collect();
    let anchor = Pos::new(HPos::Left, VPos::Center);
    for (Label { text, end: (x, y), colour }, at) in labels.iter().zip(apart(&wanted, top, bottom))
    {
        let thin = colour.mix(0.55).stroke_width(1);
        let path = vec![(x + 8, *y), (right + 6, *y), (right + 22, at), (right + 28, at)];
        root.draw(&PathElement::new(path, thin))?;
        root.draw_text(text, &font(FONT).pos(anchor), (right + 32, at))?;
    }
    Ok(())
}

/// Positions from top to bottom, at least a line apart and as near as possible to the wanted ones.
fn apart(wanted: &[i32], top: i32, bottom: i32) -> Vec<i32> {
    let mut places = wanted.to_vec();
    let mut least = top;
    for place in &mut places {
        *place = (*place).max(least);
        least = *place + LINE;
    }
    let mut most = bottom;
    for place in places.iter_mut().rev() {
        *place = (*place).min(most);
        most = *place - LINE;
    }
    places
}

fn dollars(x: f64) -> String {
    // Two digits are enough, because ticks are round numbers.
    let digits = (-x.log10().floor()).max(0.0) as usize;
    format!("${x:.digits$}")
}

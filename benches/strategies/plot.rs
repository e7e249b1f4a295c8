//! Quality against spend, one line for each strategy, as SVG.

use crate::figures::ByWorld;
use crate::options::Options;
use crate::runs::Results;
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
/// Pixels of text, and between the lines of labels.
const FONT: f64 = 14.0;
const LINE: i32 = 19;
/// Pixels to the right of the plot for labels.
const LABELS: i32 = 185;

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
pub fn quality_against_spend(options: &Options, results: &Results) -> Result<String, Error> {
    let lines = lines(options, results);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        draw(&root, &lines, options)?;
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
    // The backend divides by this number what it writes as the size.
    let font = ("sans-serif", size * 1.24).into_font();
    TextStyle { color: TEXT.to_backend_color(), ..TextStyle::from(font) }
}

fn draw(root: &Area<'_>, lines: &[Line], options: &Options) -> Result<(), Error> {
    let all = || lines.iter().flat_map(|line| &line.points).copied();
    let least = |of: fn((f64, f64)) -> f64| all().map(of).fold(f64::INFINITY, f64::min);
    let most = |of: fn((f64, f64)) -> f64| all().map(of).fold(f64::NEG_INFINITY, f64::max);
    if all().next().is_none() {
        root.draw_text("no run has ended", &font(FONT), (40, 40))?;
        return Ok(());
    }
    let x = least(|it| it.0).max(1e-6) / 1.15..most(|it| it.0).max(2e-6) * 1.1;
    let step = 5.0;
    let low = ((least(|it| it.1) - 1.0) / step).floor() * step;
    let y = low.max(0.0)..((most(|it| it.1) + 1.0) / step).ceil() * step;
    let heading = "True quality of the returned prompt against spend";
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
        .build_cartesian_2d(x.log_scale(), y)?;
    chart
        .configure_mesh()
        .max_light_lines(0)
        .disable_x_mesh()
        .x_labels(8)
        .y_labels(8)
        .bold_line_style(GRID)
        .axis_style(AXIS)
        .label_style(font(13.0))
        .axis_desc_style(font(FONT))
        .x_desc("simulated US dollars for each run (logarithmic)")
        .y_desc("true quality, points")
        .x_label_formatter(&|x| dollars(*x))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()?;
    for line in lines {
        let style = line.colour.stroke_width(2);
        chart.draw_series(LineSeries::new(line.points.iter().copied(), style))?;
        for point in &line.points {
            let (at, filled) = (*point, line.colour.filled());
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
    let ends: Vec<(i32, i32)> = lines
        .iter()
        .filter_map(|line| line.points.last().map(|end| area.map_coordinate(end)))
        .collect();
    let (across, down) = area.get_pixel_range();
    label(root, lines, &ends, across.end, (down.start, down.end))
}

/// Names beside the ends of their lines, moved apart as far as they would overlap.
fn label(
    root: &Area<'_>,
    lines: &[Line],
    ends: &[(i32, i32)],
    right: i32,
    (top, bottom): (i32, i32),
) -> Result<(), Error> {
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|place| ends[*place].1);
    let wanted: Vec<i32> = order.iter().map(|place| ends[*place].1).collect();
    let anchor = Pos::new(HPos::Left, VPos::Center);
    for (place, at) in order.into_iter().zip(apart(&wanted, top, bottom)) {
        let (line, (x, y)) = (&lines[place], ends[place]);
        let thin = line.colour.mix(0.55).stroke_width(1);
        let path = vec![(x + 8, y), (right + 6, at), (right + 14, at)];
        root.draw(&PathElement::new(path, thin))?;
        let quality = line.points.last().map_or(0.0, |end| end.1);
        let text = format!("{} {quality:.1}", line.name);
        root.draw_text(&text, &font(FONT).pos(anchor), (right + 18, at))?;
    }
    Ok(())
}

/// Places from top to bottom, at least a line apart and as near as that allows to those wanted.
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
    if x < 0.1 { format!("${x:.3}") } else { format!("${x:.2}") }
}

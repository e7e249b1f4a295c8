//! The two plots of the page, as SVG that takes its colours from the page's style.
//!
//! plotters draws with fixed colours. Here every colour is a placeholder that is replaced by a CSS
//! class, so that one drawing serves light and dark pages. Each plot is drawn in a wide and a
//! narrow version, because the wide one is unreadable when it is scaled down to a phone.

use super::Report;
use super::findings::{is_free, unbeaten};
use super::words::{cost, money};
use crate::id::CandidateIx;
use crate::run::{Prompted, RoleSpentBy, prompt_tokens};
use crate::score_form::ScoreForm;
use crate::state::Phase;
use crate::stats::Interval;
use crate::task::model::ModelRole;
use crate::text::{duration, plural, thousands};
use plotters::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

/// A plot in both sizes, with a description for screen readers.
#[derive(Serialize)]
pub(super) struct Plot {
    pub(super) wide: String,
    pub(super) narrow: String,
    /// The description.
    pub(super) description: String,
    /// The legend: class and meaning.
    pub(super) legend: Vec<(&'static str, String)>,
}

/// The role of a colour. The numbers are placeholders that no drawing contains otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ink {
    Text,
    Axis,
    Grid,
    Cloud,
    Front,
    Baseline,
    /// The baseline's line across.
    Rule,
    Best,
    Hold,
}

impl Ink {
    const ALL: [Self; 9] = [
        Self::Text,
        Self::Axis,
        Self::Grid,
        Self::Cloud,
        Self::Front,
        Self::Baseline,
        Self::Rule,
        Self::Best,
        Self::Hold,
    ];

    fn placeholder(self) -> RGBColor {
        RGBColor(1, 2, self as u8)
    }

    fn class(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Axis => "axis",
            Self::Grid => "grid",
            Self::Cloud => "cloud",
            Self::Front => "front",
            Self::Baseline => "baseline",
            Self::Rule => "rule",
            Self::Best => "best",
            Self::Hold => "hold",
        }
    }
}

/// A point in the units of the axes.
type At = (f64, f64);

/// A drawn object, in the units of the axes; later ones are drawn on top.
enum Mark {
    Line { points: Vec<At>, ink: Ink },
    Dot { at: At, radius: i32, ink: Ink },
    Whisker { x: f64, low: f64, high: f64, ink: Ink },
}

/// A label beside a point; the first label gets the best position.
struct Label {
    at: At,
    /// The ends of the whisker through the point, beside which the label may also be put.
    ends: Option<(f64, f64)>,
    text: String,
    ink: Ink,
}

/// A drawing without its size.
struct Drawing {
    title: &'static str,
    x: Range<f64>,
    y: Range<f64>,
    x_unit: Unit,
    x_name: &'static str,
    y_name: &'static str,
    y_unit: Unit,
    marks: Vec<Mark>,
    labels: Vec<Label>,
}

/// The unit of an axis.
#[derive(Clone, Copy)]
enum Unit {
    Dollars,
    Count,
    /// Seconds.
    Time,
    Score(ScoreForm),
}

/// The incumbent's score against spending.
pub(super) fn score_against_spend(report: &Report<'_>) -> Option<Plot> {
    let (summary, form) = (report.summary, report.score_form());
    let moments = &report.history.moments;
    let (first, last) = (moments.first()?, moments.last()?);
    let is_free = summary.spent.usd <= 0.0;
    let spent = |usd: f64, calls: u64| if is_free { calls as f64 } else { usd };
    let calls = summary.spent.calls();
    let end = spent(summary.spent.usd, calls).max(spent(last.usd, last.calls));
    let mut line: Vec<At> = Vec::new();
    let mut marks = Vec::new();
    for moment in moments {
        let x = spent(moment.usd, moment.calls);
        if let Some((_, before)) = line.last().copied() {
            line.push((x, before));
        }
        line.push((x, moment.quality));
    }
    let baseline = summary.baseline.as_ref()?.dev.map_or(first.quality, |dev| dev.mean);
    let mut tip = line.last().copied().unwrap_or_default();
    if report.history.state.phase <= Phase::Searching {
        // The last incumbent is still the best at the end.
        tip.0 = end;
        line.push(tip);
    }
    let mut labels = Vec::new();
    if report.has_winner() {
        let text = format!("best on dev {}", form.score(tip.1));
        labels.push(Label { at: tip, ends: None, text, ink: Ink::Best });
    }
    let mut values: Vec<f64> = line.iter().map(|(_, y)| *y).collect();
    values.push(baseline);
    let right = end * 1.04;
    marks.push(Mark::Line { points: vec![(0.0, baseline), (right, baseline)], ink: Ink::Rule });
    marks.push(Mark::Line { points: line.clone(), ink: Ink::Best });
    let changes = moments
        .iter()
        .enumerate()
        .filter(|(place, moment)| *place == 0 || moments[place - 1].incumbent != moment.incumbent);
    for (_, moment) in changes {
        let at = (spent(moment.usd, moment.calls), moment.quality);
        marks.push(Mark::Dot { at, radius: 4, ink: Ink::Best });
    }
    let hold = |side: &Option<Prompted>| side.as_ref().and_then(|side| side.hold);
    let mut legend = vec![
        ("line best", "best so far, mean on dev".to_owned()),
        ("rule", "baseline, mean on dev".to_owned()),
    ];
    if let Some(baseline_hold) = hold(&summary.baseline) {
        let x = if report.has_winner() { end * 1.02 } else { end };
        whisker(&mut marks, x, &baseline_hold, Ink::Baseline);
        values.extend([baseline_hold.low, baseline_hold.high]);
        legend.push(("baseline", "baseline on held-out rows, with 95 % interval".to_owned()));
    }
    if let Some(best) = hold(&summary.best).filter(|_| report.has_winner()) {
        whisker(&mut marks, end, &best, Ink::Hold);
        values.extend([best.low, best.high]);
        let text = format!("held out {}", form.score(best.mean));
        let ends = Some((best.low, best.high));
        labels.push(Label { at: (end, best.mean), ends, text, ink: Ink::Hold });
        legend.push(("hold", "best on held-out rows, with 95 % interval".to_owned()));
    }
    labels.push(Label {
        at: (0.0, baseline),
        ends: None,
        text: format!("baseline on dev {}", form.score(baseline)),
        ink: Ink::Baseline,
    });
    let shown = |x: f64| {
        if is_free { plural(x as usize, "call") } else { money(x) }
    };
    let changes = moments.windows(2).filter(|pair| pair[0].incumbent != pair[1].incumbent).count();
    let mut description = format!(
        "The mean on dev of the best prompt so far: {} after {}, which is the baseline; ",
        form.score(first.quality),
        shown(spent(first.usd, first.calls)),
    );
    description.push_str(&match changes {
        0 => "no other prompt took its place.".to_owned(),
        changes => format!(
            "{} later {} after {}.",
            plural(changes, "change"),
            form.score(last.quality),
            shown(spent(last.usd, last.calls))
        ),
    });
    if let Some(best) = hold(&summary.best) {
        description.push_str(&format!(
            " On held-out rows the result is {} (95 % interval {}).",
            form.score(best.mean),
            form.range(best.low, best.high)
        ));
    }
    let drawing = Drawing {
        title: "Score against spending",
        x: 0.0..if right > 0.0 { right } else { 1.0 },
        y: around(&values),
        x_unit: if is_free { Unit::Count } else { Unit::Dollars },
        x_name: if is_free { "calls made" } else { "spent, in US dollars" },
        y_unit: Unit::Score(form),
        y_name: "mean score",
        marks,
        labels,
    };
    drawing.plot("spend", description, legend)
}

/// A finished candidate.
struct Point {
    candidate: CandidateIx,
    cost: f64,
    quality: f64,
}

/// All finished candidates by the cost and quality of the deployed prompt. If calls are free, the
/// prompt's tokens are the cost.
pub(super) fn quality_against_cost(report: &Report<'_>) -> Option<Plot> {
    let (state, summary, form) = (&report.history.state, report.summary, report.score_form());
    let finished = state.memory.fronts.finished().iter().filter_map(|candidate| {
        let standing = state.candidates.get(candidate.index())?;
        Some((*candidate, standing)).filter(|(_, standing)| !standing.misses_too_much())
    });
    let finished: Vec<_> = finished.collect();
    let is_free = is_free(report);
    let points: Vec<Point> = finished
        .iter()
        .filter_map(|(candidate, standing)| {
            let cost = if is_free {
                prompt_tokens(report.task, state, &standing.candidate.prompt) as f64
            } else {
                standing.usd_per_1k()?
            };
            Some(Point { candidate: *candidate, cost, quality: standing.dev().mean()? })
        })
        .collect();
    if points.is_empty() {
        return None;
    }
    let best = summary.best.as_ref().and_then(|best| state.find(&best.candidate));
    let front = unbeaten(report);
    let mut marks = Vec::new();
    let mut whiskers: BTreeMap<CandidateIx, (f64, Interval)> = BTreeMap::new();
    for point in &front {
        whiskers.insert(point.candidate, (point.cost, point.quality));
    }
    let mut named = Vec::new();
    for point in &points {
        let is_best = best == Some(point.candidate) && report.has_winner();
        let name = match point.candidate {
            CandidateIx::BASELINE => "baseline",
            _ if is_best => "best",
            _ => continue,
        };
        let ink = if is_best { Ink::Best } else { Ink::Baseline };
        let side = if is_best { &summary.best } else { &summary.baseline };
        if let Some(dev) = side.as_ref().and_then(|side| side.dev) {
            whiskers.entry(point.candidate).or_insert((point.cost, dev));
        }
        named.push((point, name, ink));
    }
    let ink_of = |candidate: CandidateIx| {
        let named = named.iter().find(|(point, ..)| point.candidate == candidate);
        named.map_or(Ink::Front, |(_, _, ink)| *ink)
    };
    for point in &points {
        marks.push(Mark::Dot { at: (point.cost, point.quality), radius: 3, ink: Ink::Cloud });
    }
    let line: Vec<At> = front.iter().map(|point| (point.cost, point.quality.mean)).collect();
    marks.push(Mark::Line { points: line.clone(), ink: Ink::Front });
    let mut values: Vec<f64> = points.iter().map(|point| point.quality).collect();
    for (candidate, (cost, interval)) in &whiskers {
        whisker(&mut marks, *cost, interval, ink_of(*candidate));
        values.extend([interval.low, interval.high]);
    }
    // The winner's label is placed first, so that it gets the better position.
    named.sort_by_key(|(_, _, ink)| *ink != Ink::Best);
    let mut labels = Vec::new();
    for (point, name, ink) in &named {
        let at = (point.cost, point.quality);
        marks.push(Mark::Dot { at, radius: 6, ink: *ink });
        let ends = whiskers.get(&point.candidate).map(|(_, dev)| (dev.low, dev.high));
        labels.push(Label {
            at,
            ends,
            text: format!("{name} {}", form.score(point.quality)),
            ink: *ink,
        });
    }
    let shown = |x: f64| {
        if is_free { plural(x as usize, "token") } else { format!("{} per 1,000 calls", cost(x)) }
    };
    let mut description = format!(
        "{}; {} of them {} on the Pareto front of quality and cost.",
        plural(points.len(), "finished prompt"),
        front.len(),
        if front.len() == 1 { "is" } else { "are" },
    );
    for (point, name, _) in named.iter().rev() {
        description.push_str(&format!(
            " The {name}{} has {} at {}.",
            if *name == "best" { " prompt" } else { "" },
            form.score(point.quality),
            shown(point.cost)
        ));
    }
    let costs: Vec<f64> = points.iter().map(|point| point.cost).collect();
    let mut legend = vec![
        ("front", "Pareto front, with 95 % interval".to_owned()),
        ("cloud", "other prompts".to_owned()),
        ("baseline", "baseline".to_owned()),
    ];
    if report.has_winner() {
        legend.insert(0, ("best", "best prompt".to_owned()));
    }
    let drawing = Drawing {
        title: "Quality against cost of the deployed prompt",
        x: beside(&costs),
        y: around(&values),
        x_unit: if is_free { Unit::Count } else { Unit::Dollars },
        x_name: if is_free { "prompt tokens" } else { "US dollars per 1,000 calls" },
        y_unit: Unit::Score(form),
        y_name: "mean score on dev",
        marks,
        labels,
    };
    drawing.plot("cost", description, legend)
}

/// What each role had spent, over the running time; calls where nothing costs money.
pub(super) fn spending_over_time(report: &Report<'_>) -> Option<Plot> {
    let history = report.history;
    let moments = history.spending.until(history.ran_ms, &history.wallet);
    let last = moments.last()?;
    let end = last.after.as_secs_f64();
    let is_free = last.roles.iter().all(|spent| spent.usd <= 0.0);
    if last.roles.iter().all(|spent| spent.calls == 0) || end <= 0.0 {
        return None;
    }
    let of = |spent: &RoleSpentBy| if is_free { spent.calls as f64 } else { spent.usd };
    let shown = |x: f64| if is_free { plural(x as usize, "call") } else { money(x) };
    // Several mutators share a line, as do roles beyond the three that most runs have.
    let group = |role: ModelRole| match role {
        ModelRole::Task => 0,
        ModelRole::Judge(_) => 2,
        role if role.is_mutator() => 1,
        _ => 3,
    };
    let groups = [
        ("task", Ink::Best, "line best"),
        ("mutator", Ink::Rule, "rule"),
        ("judge", Ink::Hold, "line hold"),
        ("others", Ink::Cloud, "line cloud"),
    ];
    let (mut marks, mut legend, mut told, mut most) = (Vec::new(), Vec::new(), Vec::new(), 0.0_f64);
    for (place, (name, ink, class)) in groups.into_iter().enumerate() {
        let sum = |roles: &[RoleSpentBy]| -> f64 {
            roles.iter().filter(|spent| group(spent.role) == place).map(of).sum()
        };
        let total = sum(&last.roles);
        if total <= 0.0 {
            continue;
        }
        let mut points = vec![(0.0, 0.0)];
        points
            .extend(moments.iter().map(|moment| (moment.after.as_secs_f64(), sum(&moment.roles))));
        most = most.max(total);
        marks.push(Mark::Line { points, ink });
        legend.push((class, format!("{name}: {}", shown(total))));
        told.push(format!("{name} {}", shown(total)));
    }
    let description = format!(
        "What each role had spent over the running time of {}: {}.",
        duration(last.after),
        told.join(", ")
    );
    let drawing = Drawing {
        title: "Spending over time",
        x: 0.0..end * 1.02,
        y: 0.0..most * 1.08,
        x_unit: Unit::Time,
        x_name: "running time",
        y_unit: if is_free { Unit::Count } else { Unit::Dollars },
        y_name: if is_free { "calls" } else { "US dollars" },
        marks,
        labels: Vec::new(),
    };
    drawing.plot("over-time", description, legend)
}

fn whisker(marks: &mut Vec<Mark>, x: f64, interval: &Interval, ink: Ink) {
    marks.push(Mark::Whisker { x, low: interval.low, high: interval.high, ink });
    marks.push(Mark::Dot { at: (x, interval.mean), radius: 4, ink });
}

/// The range of the score axis: with a margin, in steps of 5 %, within 0 and 1.
fn around(values: &[f64]) -> Range<f64> {
    let low = values.iter().copied().fold(1.0, f64::min);
    let high = values.iter().copied().fold(0.0, f64::max);
    let room = ((high - low) * 0.08).max(0.02);
    let low = (((low - room) * 20.0).floor() / 20.0).max(0.0);
    let high = (((high + room) * 20.0).ceil() / 20.0).min(1.0);
    // A dot at the end of the axis must not be cut off.
    let edge = (high - low) * 0.03;
    let low = if low <= 0.0 { -edge } else { low };
    let high = if high >= 1.0 { 1.0 + edge } else { high };
    low..high
}

/// The range of the cost axis, with a margin on both sides.
fn beside(values: &[f64]) -> Range<f64> {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let room = ((high - low) * 0.1).max(high.abs() * 0.02).max(1e-9);
    (low - room).max(0.0)..high + room
}

/// The size of a drawing.
struct Format {
    class: &'static str,
    width: u32,
    height: u32,
    /// Text size in pixels.
    text: f64,
    ticks: usize,
}

const WIDE: Format = Format { class: "wide", width: 760, height: 400, text: 14.0, ticks: 7 };
const NARROW: Format = Format { class: "narrow", width: 360, height: 330, text: 12.5, ticks: 4 };

impl Drawing {
    fn plot(
        self,
        name: &str,
        description: String,
        legend: Vec<(&'static str, String)>,
    ) -> Option<Plot> {
        let draw = |format: &Format| {
            let mut svg = String::new();
            // Writing to a string cannot fail. If drawing fails, the plot is left out.
            self.draw(&mut svg, format).ok()?;
            Some(styled(&svg, name, format, self.title, &description))
        };
        Some(Plot { wide: draw(&WIDE)?, narrow: draw(&NARROW)?, description, legend })
    }

    fn draw(&self, svg: &mut String, format: &Format) -> Result<(), Box<dyn std::error::Error>> {
        let font = |ink: Ink| {
            // The backend divides the font size by this number.
            let font = ("sans-serif", format.text * 1.24).into_font();
            TextStyle { color: ink.placeholder().to_backend_color(), ..TextStyle::from(font) }
        };
        let root = SVGBackend::with_string(svg, (format.width, format.height)).into_drawing_area();
        let text = format.text as i32;
        let mut chart = ChartBuilder::on(&root)
            .margin_top(text / 2)
            // Leaves room for half of the last tick's label.
            .margin_right(text * 2)
            .x_label_area_size(text * 7 / 2)
            .y_label_area_size(text * 5)
            .build_cartesian_2d(self.x.clone(), self.y.clone())?;
        let (x_label, y_label) = (self.x_unit.formatter(&self.x), self.y_unit.formatter(&self.y));
        chart
            .configure_mesh()
            .x_labels(format.ticks)
            .y_labels(6)
            .max_light_lines(0)
            .disable_x_mesh()
            .bold_line_style(Ink::Grid.placeholder())
            .axis_style(Ink::Axis.placeholder())
            .label_style(font(Ink::Axis))
            .axis_desc_style(font(Ink::Text))
            .x_desc(self.x_name)
            .y_desc(self.y_name)
            .x_label_formatter(&x_label)
            .y_label_formatter(&y_label)
            .draw()?;
        for mark in &self.marks {
            match mark {
                Mark::Line { points, ink } => {
                    let style = ink.placeholder().stroke_width(2);
                    chart.draw_series(LineSeries::new(points.iter().copied(), style))?;
                }
                Mark::Dot { at, radius, ink } => {
                    let style = ink.placeholder().filled();
                    chart.draw_series([Circle::new(*at, *radius, style)])?;
                }
                Mark::Whisker { x, low, high, ink } => {
                    let style = ink.placeholder().stroke_width(2);
                    chart.draw_series([PathElement::new(vec![(*x, *low), (*x, *high)], style)])?;
                    for end in [*low, *high] {
                        chart.draw_series([EmptyElement::at((*x, end))
                            + PathElement::new(vec![(-5, 0), (5, 0)], style)])?;
                    }
                }
            }
        }
        let area = chart.plotting_area();
        let (across, down) = area.get_pixel_range();
        let pixels = |at: At| area.map_coordinate(&at);
        let taken = self.taken(pixels);
        let mut boxes: Vec<Box2> = Vec::new();
        for label in &self.labels {
            let width = (label.text.chars().count() as f64 * format.text * 0.56) as i32;
            let ends = label
                .ends
                .map(|(low, high)| (pixels((label.at.0, low)).1, pixels((label.at.0, high)).1));
            let room = Room { across: &across, down: &down, taken: &taken, boxes: &boxes };
            let place = room.best_place(pixels(label.at), ends, (width, text));
            root.draw_text(&label.text, &font(label.ink), (place.left, place.top))?;
            boxes.push(place);
        }
        root.present()?;
        Ok(())
    }

    /// The points that a label should not cover.
    fn taken(&self, pixels: impl Fn(At) -> (i32, i32)) -> Vec<(i32, i32)> {
        let mut taken = Vec::new();
        let mut segment = |from: At, to: At| {
            let (from, to) = (pixels(from), pixels(to));
            let steps = ((to.0 - from.0).abs().max((to.1 - from.1).abs()) / 4).max(1);
            taken.extend((0..=steps).map(|step| {
                (from.0 + (to.0 - from.0) * step / steps, from.1 + (to.1 - from.1) * step / steps)
            }));
        };
        for mark in &self.marks {
            match mark {
                Mark::Line { points, .. } => {
                    points.windows(2).for_each(|pair| segment(pair[0], pair[1]));
                }
                Mark::Dot { at, .. } => segment(*at, *at),
                Mark::Whisker { x, low, high, .. } => segment((*x, *low), (*x, *high)),
            }
        }
        taken
    }
}

/// A label's position in pixels.
#[derive(Clone, Copy)]
struct Box2 {
    left: i32,
    top: i32,
    width: i32,
    height: i32,
}

impl Box2 {
    fn meets(&self, other: &Self) -> bool {
        self.left < other.left + other.width
            && other.left < self.left + self.width
            && self.top < other.top + other.height
            && other.top < self.top + self.height
    }

    fn holds(&self, (x, y): (i32, i32)) -> bool {
        (self.left - 2..=self.left + self.width + 2).contains(&x)
            && (self.top - 1..=self.top + self.height + 1).contains(&y)
    }
}

/// Finds positions for labels.
struct Room<'a> {
    across: &'a Range<i32>,
    down: &'a Range<i32>,
    /// Points that are already drawn.
    taken: &'a [(i32, i32)],
    /// Labels that are already placed.
    boxes: &'a [Box2],
}

impl Room<'_> {
    /// Tries positions around a point, nearest first, and takes the one that covers least. `ends`
    /// are the lower and upper end of the whisker through the point.
    fn best_place(
        &self,
        (x, y): (i32, i32),
        ends: Option<(i32, i32)>,
        (width, height): (i32, i32),
    ) -> Box2 {
        let gap = 10;
        let mut tops = vec![y - gap - height, y + gap, y - height / 2];
        if let Some((low, high)) = ends {
            tops.extend([high - gap / 2 - height, low + gap / 2]);
        }
        tops.extend([y - 3 * gap - height, y + 3 * gap, y - 6 * gap - height, y + 6 * gap]);
        let sides = [x + gap, x - gap - width, x - width / 2, x - width, x];
        let places = tops
            .into_iter()
            .flat_map(|top| sides.into_iter().map(move |left| Box2 { left, top, width, height }));
        let badness = |(number, place): &(usize, Box2)| {
            let is_out = place.left < self.across.start + 4
                || place.left + width > self.across.end
                || place.top < self.down.start
                || place.top + height > self.down.end;
            let covers = self.taken.iter().filter(|at| place.holds(**at)).count();
            let meets = self.boxes.iter().filter(|other| place.meets(other)).count();
            10_000 * usize::from(is_out) + 1_000 * meets + 20 * covers + number
        };
        let best = places.enumerate().min_by_key(badness);
        best.map_or(Box2 { left: x, top: y, width, height }, |(_, place)| place)
    }
}

impl Unit {
    /// Formats ticks with as many decimals as this range needs.
    fn formatter(self, range: &Range<f64>) -> impl Fn(&f64) -> String + use<> {
        let step = (range.end - range.start) / 8.0;
        let decimals =
            if step >= 1.0 { 0 } else { (-step.log10().floor()).clamp(0.0, 9.0) as usize };
        // Dollars have at least two decimals.
        let decimals = if decimals == 1 { 2 } else { decimals };
        move |value| match self {
            Self::Count => thousands(value.max(0.0).round() as u64),
            Self::Dollars => format!("${value:.decimals$}"),
            Self::Time => duration(Duration::from_secs_f64(value.max(0.0).round())),
            Self::Score(form) => form.tick(*value),
        }
    }
}

/// Replaces the placeholder colours by classes, and the fixed size by a view box that scales.
fn styled(svg: &str, name: &str, format: &Format, title: &str, description: &str) -> String {
    let (_, body) = svg.split_once('>').unwrap_or(("", svg));
    let id = format!("{name}-{}", format.class);
    let mut styled = format!(
        "<svg class=\"plot {}\" viewBox=\"0 0 {} {}\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-desc\">\n<title id=\"{id}-title\">{}</title>\n\
         <desc id=\"{id}-desc\">{}</desc>",
        format.class,
        format.width,
        format.height,
        escaped(title),
        escaped(description)
    );
    styled.push_str(body);
    for ink in Ink::ALL {
        let RGBColor(red, green, blue) = ink.placeholder();
        let colour = format!("#{red:02X}{green:02X}{blue:02X}");
        let class = ink.class();
        styled = styled
            .replace(&format!("fill=\"{colour}\""), &format!("class=\"f-{class}\""))
            .replace(&format!("stroke=\"{colour}\""), &format!("class=\"s-{class}\""));
    }
    styled.replace(" opacity=\"1\"", "").replace(" font-family=\"sans-serif\"", "")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::example::{Kind, run};
    use super::*;

    fn numbers(svg: &str, attribute: &str) -> Vec<f64> {
        svg.split(&format!(" {attribute}=\""))
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
            .collect()
    }

    #[test]
    fn both_plots_are_drawn_inside_their_box_and_without_fixed_colours() {
        for kind in
            [Kind::Confirmed, Kind::BaselineWon, Kind::Interrupted, Kind::Free, Kind::Unproven]
        {
            let example = run(kind);
            let report = example.report();
            for plot in [score_against_spend(&report), quality_against_cost(&report)] {
                let plot = plot.unwrap();
                for (svg, format) in [(&plot.wide, WIDE), (&plot.narrow, NARROW)] {
                    assert!(!svg.contains('#') && !svg.contains("http"), "{svg}");
                    assert!(!svg.contains("NaN") && !svg.contains("inf"));
                    assert!(svg.contains("role=\"img\"") && svg.contains("<desc"));
                    for x in ["x", "cx", "x1", "x2"].iter().flat_map(|name| numbers(svg, name)) {
                        assert!((0.0..=f64::from(format.width)).contains(&x), "{x}");
                    }
                    for y in ["y", "cy", "y1", "y2"].iter().flat_map(|name| numbers(svg, name)) {
                        assert!((0.0..=f64::from(format.height)).contains(&y), "{y}");
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let example = run(Kind::New);
        assert!(score_against_spend(&example.report()).is_none());
        assert!(quality_against_cost(&example.report()).is_none());
    }

    #[test]
    fn where_nothing_costs_money_calls_and_tokens_are_the_axes() {
        let example = run(Kind::Free);
        let plot = score_against_spend(&example.report()).unwrap();
        assert!(plot.wide.contains("calls made") && !plot.wide.contains('$'));
        let plot = quality_against_cost(&example.report()).unwrap();
        assert!(plot.wide.contains("prompt tokens") && !plot.wide.contains('$'));
    }

    #[test]
    fn ticks_have_the_decimals_that_they_need() {
        let shown = |range: Range<f64>, value: f64| Unit::Dollars.formatter(&range)(&value);
        assert_eq!(shown(0.0..2.0, 0.5), "$0.50");
        assert_eq!(shown(0.0..0.004, 0.0005), "$0.0005");
        assert_eq!(shown(0.0..80.0, 20.0), "$20");
        assert_eq!(Unit::Count.formatter(&(0.0..9_000.0))(&4_000.0), "4,000");
    }

    #[test]
    fn a_label_goes_where_nothing_is() {
        let place = |at, taken: &[(i32, i32)], boxes: &[Box2]| {
            let room = Room { across: &(0..400), down: &(0..300), taken, boxes };
            room.best_place(at, None, (60, 14))
        };
        let first = place((200, 150), &[(200, 150)], &[]);
        let second = place((202, 150), &[(200, 150)], &[first]);
        assert!(!first.meets(&second));
        let corner = place((398, 2), &[], &[]);
        assert!(corner.left + corner.width <= 400 && corner.top >= 0);
    }
}

//! `plan`: previews a run without calling a model: splits, detectable gain, calls, tokens, dollars.

use super::args::PreviewArgs;
use super::error::CliError;
use super::screen::Screen;
use super::settings;
use crate::caps::Caps;
use crate::clock::Clock;
use crate::engine::{MIN_HOLD_ROWS, fewest_rows, fewest_rows_of_less};
use crate::evaluate::Evaluator;
use crate::id::RowIx;
use crate::looks::{EarlierLooks, Looks};
use crate::prompt::value_text;
use crate::provider::Request;
use crate::recipe::Recipe;
use crate::report::{self, visible, without_schema};
use crate::run::{self, Access, Estimate, KnownUsage, Latencies, NIGHT, Rounds, RunKind};
use crate::score_form::ScoreForm;
use crate::stats::power::USUAL_DISCORDANCE;
use crate::stats::weighted;
use crate::stats::{Level, rows_for_margin, rows_needed, smallest_gain, smallest_margin};
use crate::strategy::Slots;
use crate::task::bound::Bound;
use crate::task::example::{Example, Split};
use crate::task::goal::{Aim, Claim, Least};
use crate::task::measure::Measure;
use crate::task::model::{Hedge, ModelRole, Price, PriceSource, Provider};
use crate::task::{Model, Task};
use crate::text;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// With fewer held-out rows than this, `plan` warns that only large gains can be confirmed.
const FEW_ROWS: usize = 100;

/// What is shown of a plan.
#[derive(Debug, Serialize)]
struct Plan {
    #[serde(flatten)]
    estimate: Estimate,
    /// One request of the baseline, whole.
    request: Option<Request>,
    /// How often the held-out rows were looked at before.
    held_out_looks: HeldOutLooks,
    /// How long it takes.
    time: Time,
    warnings: Vec<String>,
}

/// How often the held-out rows were looked at, and what that means for the next claim on them.
#[derive(Debug, Serialize)]
struct HeldOutLooks {
    /// The most looks that any of them has had.
    earlier: u32,
    /// The runs that looked, oldest first.
    runs: Vec<String>,
    /// The next claim's look and level.
    next: Level,
    /// The smallest gain that the next claim can show, in points; `None` without held-out rows.
    smallest_gain: Option<f64>,
    /// How scores are written for people.
    #[serde(skip)]
    score_form: ScoreForm,
}

impl HeldOutLooks {
    fn of(
        EarlierLooks { most, looks }: EarlierLooks,
        next: Level,
        rows: usize,
        score_form: ScoreForm,
    ) -> Self {
        let mut runs: Vec<String> = looks.into_iter().map(|look| look.by.run).collect();
        runs.dedup();
        let smallest_gain =
            (rows > 0).then(|| smallest_gain(next.first_look_rows(rows), USUAL_DISCORDANCE));
        Self { earlier: most, runs, next, smallest_gain, score_form }
    }

    /// `None` before the first look.
    fn in_words(&self) -> Option<String> {
        let shown = self.runs.iter().rev().take(MAX_RUNS).map(String::as_str).collect::<Vec<_>>();
        let more = if self.runs.len() > MAX_RUNS { ", …" } else { "" };
        let gain = self.smallest_gain.filter(|gain| *gain < 1.0).map(|gain| {
            format!(", which can detect a gain of {} or more", self.score_form.gain(gain))
        });
        (self.earlier > 0).then(|| {
            format!(
                "{} at the held-out rows (latest first: {}{more}): the next claim on them is look {}, tested at \
                 {} one-sided{}",
                text::plural(self.earlier as usize, "earlier look"),
                shown.join(", "),
                self.next.look,
                self.next.in_percent(),
                gain.unwrap_or_default()
            )
        })
    }
}

/// The most runs that a line names.
const MAX_RUNS: usize = 3;

/// How long a run takes, at latencies that are assumed.
#[derive(Debug, Serialize)]
struct Time {
    /// Seconds; `None` where nothing limits the calls, or where rows are asked in batches.
    seconds: Option<f64>,
    /// Requests at a time.
    concurrency: usize,
    /// Children that are bred side by side; `None` where the recipe's schedule has no width.
    width: Option<usize>,
    latencies: Latencies,
}

impl Time {
    fn of(task: &Task, recipe: &Recipe, estimate: &Estimate, concurrency: Option<usize>) -> Self {
        let (concurrency, latencies) = (run::slots(task, concurrency), Latencies::USUAL);
        let schedule = &recipe.slots.schedule;
        let width = schedule.width();
        let side_by_side = width.unwrap_or(schedule.lookahead().proposals);
        let seconds = run::expected_seconds(estimate, side_by_side, concurrency, latencies);
        let seconds = seconds.filter(|_| task.task_model().execution.is_live());
        Self { seconds, concurrency, width, latencies }
    }
}

pub(super) fn plan(args: &PreviewArgs, screen: &Screen) -> Result<(), CliError> {
    let task = Task::load(&args.task)?;
    let (recipe, left_out) =
        settings::recipe_for(&task, &args.strategy.strategy, &args.strategy.sets)?;
    let caps = settings::caps(&task, &args.caps, &Clock::System)?;
    let is_asked = |role| RunKind::Search.asks(&task, &recipe, role);
    run::check_models(&task, &Access::default(), is_asked)?;
    if caps.usd.is_some() {
        task.check_prices(is_asked)?;
    }
    let (looks, next) = next_look(&args.out.out, &task)?;
    let mut warnings = warnings(&task, next);
    warnings.extend(report::left_out(&task));
    warnings.extend(left_out);
    warnings.extend(temperature_warnings(&task, &recipe));
    warnings.extend(concurrency_warning(&recipe, args.concurrency));
    let first_block = run::check_first_block(&task, &recipe, caps);
    warnings.extend(first_block.err().map(|error| error.to_string()));
    warnings.extend(unknown_batch_prices(&task));
    warnings.extend(unused_embed(&task, &recipe));
    // As the run would freeze it.
    let recipe = run::frozen(&recipe, &task, caps, args.concurrency, Path::new("run.json"))?;
    let night = run::time_of(caps, Clock::System.now()).unwrap_or(NIGHT);
    let known =
        KnownUsage { live: run::without_batches(&task, &recipe, night), ..KnownUsage::default() };
    let mut estimate = run::estimate(&task, &recipe, caps, &known);
    let is_asked = |role| RunKind::Search.asks(&task, &recipe, role);
    warnings.extend(run::no_cap_binds(&task, caps, is_asked).map(str::to_owned));
    warnings.extend(unbounded(&estimate, caps).filter(|_| run::is_paid(&task, is_asked)));
    warnings.extend(estimate.is_too_little.then(|| {
        "this budget pays for fewer than 3 proposals, which is too few for a search".to_owned()
    }));
    let held_out = estimate.held_out_rows;
    warnings.extend((held_out < MIN_HOLD_ROWS && task.splits.hold.len() >= MIN_HOLD_ROWS).then(|| {
        format!(
            "a gain is confirmed on at least {MIN_HOLD_ROWS} held-out rows, and this budget asks {held_out}"
        )
    }));
    let task = Arc::new(task);
    let time = Time::of(&task, &recipe, &estimate, args.concurrency);
    let held_out_looks = HeldOutLooks::of(looks, next, held_out, task.score_form());
    // Earlier looks cost power.
    estimate.smallest_gain = held_out_looks.smallest_gain;
    warnings.extend(report::fresh_rows(next));
    let plan = Plan { request: first_request(&task)?, estimate, held_out_looks, time, warnings };
    screen.show(&serde_json::to_value(&plan)?, &shown(&plan, &task, &recipe, (caps, night)))
}

/// The baseline's request for the first row of dev. All rows are rendered, so that a template that fails
/// on one of them is known before anything is paid for.
fn first_request(task: &Arc<Task>) -> Result<Option<Request>, CliError> {
    let evaluator = Evaluator::new(Arc::clone(task), &[]);
    evaluator.check_rows()?;
    let request = evaluator.request(&task.baseline, Split::Dev, RowIx(0), 0);
    request.map_err(|error| CliError::invalid(error.to_string()))
}

/// The margin by which the winner may be worse, where the goal has one, and the held-out rows that it needs.
fn rows_of_margin(task: &Task, level: Level) -> Option<(f64, usize)> {
    let Claim::NotWorse { margin } = task.goal.quality_claim() else { return None };
    let rows = || rows_for_margin(margin, USUAL_DISCORDANCE) as f64 * level.sample_size_ratio();
    (margin > 0.0).then(|| (margin, rows().ceil() as usize))
}

/// What held-out rows a bound of the goal needs, as a part of a sentence, and whether the task has them.
fn rows_of_bound(task: &Task, bound: &Bound, level: Level) -> (String, bool) {
    let (needed, there) = (fewest_rows(bound, level), task.held_out_rows_of(&bound.measure));
    let rows = || text::plural(needed, "held-out row");
    let (needs, there_are) = match bound.measure {
        Measure::Precision(_) => {
            let have = text::plural(there, "held-out row");
            let verb = if there == 1 { "has" } else { "have" };
            (
                format!("{} that name it", text::plural(needed, "answer")),
                format!("about {have} {verb} the label"),
            )
        }
        Measure::Recall(_) => (
            format!("{} of its label", rows()),
            format!("there are {}", text::thousands(there as u64)),
        ),
        _ => (rows(), format!("there are {}", text::thousands(there as u64))),
    };
    let words = format!("`{bound}` needs {needs} at the least, and {there_are}");
    (words, there >= needed)
}

/// That a temperature of 0 leaves a consistency little to show, where the goal names one.
fn same_answers(task: &Task) -> Option<String> {
    let model = task.task_model();
    let is_asked = task.goal.answers_per_row() > 1;
    (is_asked && model.temperature == 0.0 && model.form.sends_temperature()).then(|| {
        format!(
            "the goal is `{}`, and `{}` is asked with temperature 0: its answers to a row are nearly always the same, so that \
             they say little of the consistency; set `temperature` of `models.task` to what the prompt will be used with",
            task.goal, model.name
        )
    })
}

/// What was looked at of the task's held-out rows, and the next look's level.
pub(super) fn next_look(results: &Path, task: &Task) -> Result<(EarlierLooks, Level), CliError> {
    let looks = Looks::of_folder(results).earlier(&task.splits.hold.content_hashes())?;
    let next = Level::of_look(looks.most.saturating_add(1));
    Ok((looks, next))
}

/// Warnings that the user should see before spending money; `level` is that of the next look.
pub(super) fn warnings(task: &Task, level: Level) -> Vec<String> {
    let (mut warnings, form) = (Vec::new(), task.score_form());
    let near = task.near_duplicates();
    for pair in near.iter().take(5) {
        warnings.push(format!(
            "rows `{}` ({}) and `{}` ({}) are near-duplicates ({} similar): the search would be \
             tested on data that it has seen",
            pair.a,
            pair.a_split,
            pair.b,
            pair.b_split,
            text::percent(pair.similarity)
        ));
    }
    if near.len() > 5 {
        warnings.push(format!("{} more such pairs", near.len() - 5));
    }
    let is_free = task.task_model().price.is_some_and(|price| price.is_free());
    if is_free && matches!(task.goal.aim, Aim::Least { of: Least::UsdPer1k, .. }) {
        warnings.push(format!(
            "the goal is `{}`, and the task model is free: no prompt costs less, so nothing can be confirmed; give \
             it a price",
            task.goal
        ));
    }
    if let Some(least) = task.goal.least_measure() {
        let (needed, there) = (fewest_rows_of_less(&task.goal, level), task.splits.hold.len());
        warnings.extend((needed > there && there >= MIN_HOLD_ROWS).then(|| {
            format!(
                "`{}` needs {} at the least, and there are {there}",
                least.words(true),
                text::plural(needed, "held-out row")
            )
        }));
    }
    warnings.extend(same_answers(task));
    warnings.extend(task.synthetic_rows());
    let bounds = task.goal.bounds.iter();
    let unshowable = bounds.map(|bound| rows_of_bound(task, bound, level));
    warnings.extend(unshowable.filter(|(_, is_enough)| !is_enough).map(|(words, _)| words));
    let hold = task.splits.hold.len();
    let rows_of_gain = rows_needed(0.05, USUAL_DISCORDANCE) as f64 * level.sample_size_ratio();
    // Groups go to a split whole, so that a split may get few rows.
    let groups = task.groups().filter(|_| hold < FEW_ROWS);
    if hold == 0 {
        warnings.push("there are no held-out rows: no result can be confirmed".to_owned());
    } else if hold < MIN_HOLD_ROWS {
        warnings.push(format!(
            "a gain is confirmed on at least {MIN_HOLD_ROWS} held-out rows, and the task has {hold}"
        ));
    } else if let Some((margin, rows)) =
        rows_of_margin(task, level).filter(|(_, rows)| *rows > hold)
    {
        warnings.push(format!(
            "the goal's margin of {} needs about {} if the prompts differ on {} of them, and the task has \
             {hold}: with these, a prompt as good as the baseline is shown to be at most {} worse",
            form.size(margin),
            text::plural(rows, "held-out row"),
            text::percent(USUAL_DISCORDANCE),
            form.size(smallest_margin(level.first_look_rows(hold), USUAL_DISCORDANCE)),
        ));
    } else if hold < FEW_ROWS {
        warnings.push(format!(
            "{} can detect a gain of {} or more; a gain of {} needs {} rows",
            text::plural(hold, "held-out row"),
            form.gain(smallest_gain(level.first_look_rows(hold), USUAL_DISCORDANCE)),
            if form.is_percent() { "5 points".to_owned() } else { form.size(0.05) },
            text::thousands(rows_of_gain as u64)
        ));
    }
    warnings.extend(groups.map(str::to_owned));
    let worth = weighted::effective_sample_size(task.splits.hold.weights()).floor();
    if worth < hold as f64 {
        warnings.push(format!(
            "rows count by their weights: {} show about as much as {} that count alike, so that gains and \
             margins need more rows than is said here",
            text::plural(hold, "held-out row"),
            text::thousands(worth as u64),
        ));
    }
    warnings.extend(without_schema(task));
    if task.splits.train.is_empty() {
        warnings.push("there are no train rows: the mutator sees no examples".to_owned());
    }
    warnings.extend(task.warnings());
    warnings
}

/// Warns of a temperature of the strategy that the protocol of a mutator does not take.
pub(super) fn temperature_warnings(task: &Task, recipe: &Recipe) -> Vec<String> {
    let slots = recipe.phases().iter();
    let highest = slots.filter_map(Slots::highest_temperature).max_by(f64::total_cmp);
    let Some(asked) = highest else { return Vec::new() };
    let mutators = task.mutators().map(|(_, model)| (&model.name, model));
    // One model in several places is named once.
    let mutators: BTreeMap<_, _> = mutators.filter(|(_, it)| it.form.sends_temperature()).collect();
    let sent = mutators.into_iter().map(|(name, it)| (name, it.form.nearest_temperature(asked)));
    sent.filter(|(_, sent)| *sent < asked)
        .map(|(name, sent)| {
            format!(
                "the strategy asks for a temperature of {asked}; `{name}` takes at most {sent}, \
                 which is sent"
            )
        })
        .collect()
}

/// Warns of a concurrency that the look-ahead cannot keep busy. It is not an error.
fn concurrency_warning(recipe: &Recipe, concurrency: Option<usize>) -> Option<String> {
    let lookahead = recipe.slots.schedule.lookahead().evaluations;
    let asked = concurrency?;
    (asked > lookahead / 4).then(|| {
        format!(
            "{asked} concurrent requests need a look-ahead of {}; with {lookahead}, some slots stay \
             idle (--set schedule.lookahead={})",
            4 * asked,
            4 * asked
        )
    })
}

/// Warns of calls that cost money and that nothing limits.
fn unbounded(estimate: &Estimate, caps: Caps) -> Option<String> {
    let but = if caps.is_empty() { "" } else { " but the time" };
    estimate.calls().is_none().then(|| {
        format!(
            "nothing limits the calls and their dollars{but}: give `--max-usd X`; `promptsearch doctor` \
             measures what a night would cost"
        )
    })
}

/// Warns of models whose price in batches is not known.
fn unknown_batch_prices(task: &Task) -> impl Iterator<Item = String> {
    let models = task.models().map(|(_, model)| model);
    let is_unknown = |model: &&Model| {
        !model.execution.is_live()
            && model.price.is_some_and(|price| price.batch.is_none() && price != Price::FREE)
    };
    models.filter(is_unknown).map(|model| {
        format!(
            "the price of `{}` in batches is not known, so they are counted at the full price; \
             write `batch = 0.5` into its price",
            model.name
        )
    })
}

/// Says that no text is compared, where the task names a model for that.
fn unused_embed(task: &Task, recipe: &Recipe) -> Option<String> {
    let role = ModelRole::Embed;
    let is_unused = task.model(role).is_some() && !RunKind::Search.asks(task, recipe, role);
    is_unused.then(|| {
        format!(
            "`[models] embed` is not used by this recipe: nothing in `{}` compares the texts of prompts",
            recipe.name
        )
    })
}

/// What batches mean for a night.
fn batches(task: &Task, recipe: &Recipe, night: Duration) -> String {
    let model = task.task_model();
    if model.execution.is_live() {
        return String::new();
    }
    let rounds = Rounds::of(model, recipe, night);
    let (time, wait) = (text::duration(night), text::duration(rounds.wait));
    match rounds.available() {
        0 => format!(
            "\nbatches: {time} have no room for one, which is expected to take {wait}: all rows are asked \
             live, at the full price\n"
        ),
        available => format!(
            "\nbatches: {time} have about {available} rounds, at {wait} for a batch; a round has at most {} \
             requests (schedule.lookahead), and no more than the strategy plans at a time: generations and \
             pools plan many\n",
            text::thousands(rounds.requests)
        ),
    }
}

/// Children, with their verb.
fn are(children: usize) -> String {
    match children {
        1 => "1 child is".to_owned(),
        several => format!("{several} children are"),
    }
}

/// What sending late requests twice costs.
fn hedges(task: &Task) -> String {
    let hedged = task.models().filter_map(|(role, model)| Some((role, model.hedge?)));
    hedged.fold(String::new(), |mut out, (role, hedge)| {
        let _ = match hedge {
            Hedge::P95 => writeln!(
                out,
                "\nhedging: requests to the {role} model that take longer than 95 % of its answers are sent a \
                 second time: about 5 % more requests, and at most 10 %; each is paid, within the budget"
            ),
            Hedge::After(after) => writeln!(
                out,
                "\nhedging: requests to the {role} model that take longer than {} are sent a second time; each \
                 is paid, within the budget. With \"p95\" that is about one request in twenty",
                text::duration(after)
            ),
        };
        out
    })
}

/// How many rows must pass, in a line; empty where none must.
fn must_pass(task: &Task) -> String {
    let of = |rows: &[Example]| rows.iter().filter(|row| row.must_pass).count();
    let (train, dev) = (of(&task.splits.train), of(&task.splits.dev));
    let hold = task.splits.hold.must_pass();
    match text::plural(train + dev + hold, "row") {
        _ if train + dev + hold == 0 => String::new(),
        all => format!("  {all} must pass: {train} of train, {dev} of dev, {hold} held out\n"),
    }
}

fn shown(plan: &Plan, task: &Task, recipe: &Recipe, (caps, night): (Caps, Duration)) -> String {
    let (mut out, estimate, form) = (String::new(), &plan.estimate, task.score_form());
    let _ = writeln!(out, "{}: {}", estimate.task, task.about);
    let _ = writeln!(out, "\nrows");
    for (split, purpose) in
        [("train", "shown to the mutator"), ("dev", "selects"), ("hold", "confirms, once")]
    {
        let _ =
            writeln!(out, "  {split:<6} {:>7}  {purpose}", estimate.rows.get(split).unwrap_or(&0));
    }
    out += &must_pass(task);
    if let Some(gain) = estimate.smallest_gain.filter(|_| estimate.held_out_rows >= MIN_HOLD_ROWS) {
        let rows = match estimate.held_out_rows {
            rows if rows < task.splits.hold.len() => {
                format!(
                    "the budget asks {} of the held-out rows, which",
                    text::thousands(rows as u64)
                )
            }
            _ => "the held-out rows".to_owned(),
        };
        let _ = writeln!(
            out,
            "  {rows} can detect a gain of {} or more (95 % interval above 0, power 80 %, if \
             the prompts differ on {} of the rows)",
            form.gain(gain),
            text::percent(USUAL_DISCORDANCE)
        );
        if let Some((margin, rows)) = rows_of_margin(task, plan.held_out_looks.next) {
            let _ = writeln!(
                out,
                "  the goal's margin of {} needs about {} (the same, for a prompt as good as the \
                 baseline)",
                form.size(margin),
                text::plural(rows, "held-out row")
            );
        }
    }
    let answers = task.goal.answers_per_row();
    if answers > 1 {
        let _ = writeln!(
            out,
            "  each row of dev and of the held-out rows is asked {answers} times, for the consistency in the goal"
        );
    }
    for bound in &task.goal.bounds {
        let _ = writeln!(out, "  {}", rows_of_bound(task, bound, plan.held_out_looks.next).0);
    }
    if let Some(words) = plan.held_out_looks.in_words() {
        let _ = writeln!(out, "  {words}");
    }
    let _ = writeln!(out, "\nstrategy {}: {}", recipe.name, recipe.about);
    let number = |count: Option<u64>| count.map_or("unlimited".to_owned(), text::thousands);
    let _ = match estimate.proposals_affordable {
        [_, None] => writeln!(out, "  no cap limits the proposals"),
        [low, high] if low == high => {
            writeln!(out, "  {} proposals fit into the budget", number(low))
        }
        [low, high] => {
            writeln!(out, "  {} to {} proposals fit into the budget", number(low), number(high))
        }
    };
    if let Some(width) = recipe.slots.schedule.width() {
        let costs = match width {
            1 => "",
            _ => ", which is faster and may cost some quality: docs/strategies.md",
        };
        let _ = writeln!(out, "  {} bred side by side (schedule.width{costs})", are(width));
    }
    if let Some(caveat) = recipe.order().caveat() {
        let _ = writeln!(out, "  {caveat}");
    }
    if let Some(seconds) = plan.time.seconds {
        let Time { concurrency, latencies: Latencies { answer, proposal }, .. } = plan.time;
        let _ = writeln!(
            out,
            "  takes about {} with {concurrency} requests at a time, at {answer} s per answer and {proposal} s per \
             proposal (`promptsearch doctor` measures them)",
            text::duration(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
        );
    }
    let reserved = text::thousands(estimate.hold_calls);
    let _ = writeln!(out, "  {reserved} calls are reserved for the held-out rows");
    let _ = writeln!(out, "\nestimate        calls     tokens in    tokens out        dollars");
    for (role, planned) in &estimate.roles {
        let unknown = if planned.calls.is_some() { "unknown" } else { "unlimited" };
        let dollars = planned.usd.map_or(unknown.to_owned(), |usd| format!("{usd:.4}"));
        let _ = writeln!(
            out,
            "  {role:<8} {:>10} {:>13} {:>13} {:>14}  {}",
            number(planned.calls),
            number(planned.prompt_tokens),
            number(planned.completion_tokens),
            dollars,
            planned.model
        );
    }
    for (role, planned) in &estimate.roles {
        if let Some(saved) = planned.batches_save_usd.filter(|saved| *saved > 0.0) {
            let _ = writeln!(
                out,
                "  {role}: at the full price; batches save up to {saved:.4} dollars of it"
            );
        }
    }
    for planned in estimate.roles.values() {
        if let Some(source @ PriceSource::Table { .. }) = &planned.price_source {
            let _ = writeln!(out, "  {}: {source}", planned.model);
        }
    }
    if task.providers().values().any(Provider::is_simulated) {
        let _ = writeln!(out, "  the prices of simulated models are not real");
    }
    out += &batches(task, recipe, night);
    out += &hedges(task);
    let _ = writeln!(out, "\ncaps: {}", shown_caps(caps));
    if let Some(request) = &plan.request {
        let _ = writeln!(out, "\nthe first request, whole: to {}", request.model);
        let form = &request.form;
        let fields = form.written(
            serde_json::Map::new(),
            request.temperature,
            request.max_output_tokens,
            request.draw,
        );
        let named = form.query().iter().chain(form.headers());
        let added = named.map(|(name, value)| format!("{name}: {value}"));
        let fields = fields.iter().map(|(name, value)| format!("{name} {value}"));
        let schema = form.schema().map(|schema| format!("schema {schema}"));
        let fields: Vec<String> = fields.chain(schema).chain(added).collect();
        let _ = writeln!(out, "  {}", visible(&fields.join(", ")));
        let mut shown = |title: &str, text: &str| {
            let _ = writeln!(out, "  {title}");
            for line in visible(text).lines() {
                let _ = writeln!(out, "  | {line}");
            }
        };
        for message in &request.messages {
            shown(&message.role.to_string(), &message.content);
        }
        // What a target is told beside them.
        if let Some(told) = &request.row {
            for (name, part) in &told.parts {
                shown(&format!("part `{}`", text::one_line(name)), &value_text(part));
            }
            for (name, value) in &told.row {
                shown(&format!("column `{}`", text::one_line(name)), &value_text(value));
            }
        }
    }
    for warning in &plan.warnings {
        let _ = writeln!(out, "warning: {warning}");
    }
    out
}

pub(super) fn shown_caps(caps: Caps) -> String {
    let parts: Vec<String> = [
        caps.usd.map(|usd| usd.to_string()),
        caps.calls.map(|calls| format!("{} calls", text::thousands(calls))),
        caps.tokens.map(|tokens| format!("{tokens} tokens")),
        caps.proposals.map(|proposals| format!("{proposals} proposals")),
        caps.wall.map(text::duration),
        caps.deadline.map(|deadline| format!("until {deadline}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { "none; a run needs at least one".to_owned() } else { parts.join(", ") }
}

//! Whether a run can begin, before a night is spent on finding out: one small call of each role, this
//! machine, and what a run as planned would cost and take.
//!
//! The calls are those of a run: the first row with the task's prompt, and a proposal of the recipe on
//! it, within the caps. Nothing of them is kept, and all checks are made, whatever fails. Not `plan`,
//! which calls no model.

// A file uses only files declared above it.
mod check; // One check, and how it stands.
mod probe; // One call.
mod role; // What came of it.
mod machine; // Clock, disk, folder.
mod night; // What a run would cost and take.
mod page; // All of it, for people.

pub use check::{Cause, Check, Status};
pub use machine::Machine;
pub use night::{NIGHT, Night};
pub use page::page;
pub use role::{RateFound, RoleFound};

use crate::caps::Caps;
use crate::clock::Clock;
use crate::engine::{FirstProposal, SearchError};
use crate::evaluate::Evaluator;
use crate::event::{Answered, ProposalOutcome};
use crate::id::RowIx;
use crate::ledger::Wallet;
use crate::provider::registry::Providers;
use crate::recipe::Recipe;
use crate::report::money;
use crate::run::{self, Access};
use crate::source::SourceError;
use crate::task::example::Split;
use crate::task::model::{ModelRole, PriceSource};
use crate::task::{Model, Task};
use crate::text;
use crate::units::Amount;
use check::Checks;
use night::Pace;
use probe::Question;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// All that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnosis {
    /// The version of this form.
    pub schema: u32,
    /// The task's name.
    pub task: String,
    /// The recipe's name.
    pub strategy: String,
    /// The worst of the checks.
    pub status: Status,
    /// What the checks asked and cost.
    pub asked: Asked,
    /// By role.
    pub roles: BTreeMap<String, RoleFound>,
    /// This machine.
    pub machine: Machine,
    /// A run as planned.
    pub night: Night,
    /// The checks, in the order in which they are shown.
    pub checks: Vec<Check>,
}

impl Diagnosis {
    /// The fault to see to first: the task's before a provider's.
    #[must_use]
    pub fn first_fault(&self) -> Option<&Check> {
        let faults = self.checks.iter().filter(|check| check.status == Status::Fault);
        faults.min_by_key(|check| check.cause)
    }
}

/// What is asked, and what it costs.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Asked {
    /// Calls of models.
    pub calls: u64,
    /// What they may cost; calls whose price is not known are not in it.
    pub worst_usd: f64,
    /// Tokens that they may use.
    pub worst_tokens: u64,
    /// What they cost.
    pub usd: f64,
    /// Tokens that they used.
    pub tokens: u64,
}

/// What is to be examined.
pub struct Patient {
    /// The task.
    pub task: Arc<Task>,
    /// The recipe, as the task can use it.
    pub recipe: Recipe,
    /// What a run may spend.
    pub caps: Caps,
    /// Keys, environment, limits, concurrency.
    pub access: Access,
    /// Keys that are not there, by provider: why, in words.
    pub keyless: BTreeMap<String, String>,
    /// The folder that holds the runs.
    pub out: PathBuf,
}

/// How the answer of a role is judged.
enum Reader {
    /// By the task's scorers.
    Scorers,
    /// By the operator that asked.
    Proposal(Box<FirstProposal>),
}

/// A role, before it is asked.
struct Asking {
    role: ModelRole,
    model: Model,
    found: RoleFound,
    checks: Checks,
    /// What it is asked; `None` where a fault is known before.
    question: Option<(Question, Reader)>,
}

/// Checks that need no call are made, and the calls are written.
pub struct Examination {
    patient: Patient,
    evaluator: Arc<Evaluator>,
    providers: Providers,
    files: Checks,
    asking: Vec<Asking>,
    asked: Asked,
}

impl Examination {
    /// Prepares the calls; nothing is sent yet.
    #[must_use]
    pub fn of(patient: Patient) -> Self {
        let Patient { task, recipe, access, caps, .. } = &patient;
        let evaluator = Arc::new(Evaluator::new(Arc::clone(task), &access.environment));
        let (providers, failed) = run::providers(task, access);
        let mut files = Checks::of("files");
        let rows = text::plural(task.visible_rows().len(), "row");
        match evaluator.check_rows() {
            Ok(()) => files.ok("rows", format!("{rows} of train and dev are rendered")),
            Err(error) => files.mistake("rows", &error),
        }
        let needed = run::check_searched_parts(task).and(run::check_mutator(recipe, task));
        if let Err(error) = needed {
            files.mistake("task", &error);
        }
        let mut asking = Vec::new();
        let (mut worst, mut calls) = (Amount::ZERO, 0);
        for (role, model) in task.models() {
            let provider = &task.providers()[model.name.provider()];
            let mut checks = Checks::of(role);
            let name = model.name.provider();
            let is_known = price(&mut checks, task, role, model, *caps);
            let key = patient.keyless.get(name);
            if let Some(why) = key {
                let remedy = "set the variable, or correct `api_key` of the provider";
                checks.fault("key", Cause::Task, why, remedy);
            } else if let Some(error) = failed.get(name) {
                let remedy = "correct the table of the provider";
                checks.fault("provider", Cause::Task, error.to_string(), remedy);
            }
            let is_ready = is_known && key.is_none() && !failed.contains_key(name);
            let question = if is_ready {
                question(&mut checks, role, &patient, &evaluator, calls)
            } else {
                None
            };
            if let Some((question, _)) = &question {
                worst += question.worst();
                calls += 1;
            }
            let found = RoleFound::of(model, provider);
            asking.push(Asking { role, model: model.clone(), found, checks, question });
        }
        let asked = Asked {
            calls,
            worst_usd: worst.usd.dollars(),
            worst_tokens: worst.tokens.0,
            usd: 0.0,
            tokens: 0,
        };
        Self { patient, evaluator, providers, files, asking, asked }
    }

    /// What the calls may cost.
    #[must_use]
    pub fn asked(&self) -> Asked {
        self.asked
    }

    /// Adds checks of files and programs that the caller made.
    #[must_use]
    pub fn with_mistake(mut self, check: &'static str, found: Result<(), SourceError>) -> Self {
        if let Err(error) = found {
            self.files.mistake(check, &error);
        }
        self
    }

    /// Makes the calls, side by side, and all other checks.
    pub async fn examine(self, clock: &Clock) -> Diagnosis {
        let Self { patient, evaluator, providers, files, asking, mut asked } = self;
        let Patient { task, recipe, caps, out, .. } = patient;
        let wallet = Mutex::new(Wallet::new(caps));
        let each = asking
            .into_iter()
            .map(|asking| examine_role(asking, &providers, &evaluator, &wallet, &recipe));
        let roles = futures_util::future::join_all(each).await;
        let spent = wallet.into_inner().unwrap_or_else(PoisonError::into_inner).spent();
        (asked.usd, asked.tokens) = (spent.usd.dollars(), spent.tokens.0);

        let paces: BTreeMap<ModelRole, Pace> =
            roles.iter().filter_map(|one| Some((one.role, one.pace?))).collect();
        let mut of_night = Checks::of("night");
        let night = night::examine(&mut of_night, &task, &recipe, caps, &paces, clock.now());
        let mut of_machine = Checks::of("machine");
        let written = roles.iter().map(|one| {
            let planned = night.estimate.roles.get(&one.role.to_string());
            (planned.map_or(0, |planned| planned.calls), one.found.answer_bytes.max(64))
        });
        let needed = machine::bytes_of(written);
        let ahead = roles.iter().filter_map(|one| one.clock_ahead);
        let machine = Machine::examine(&mut of_machine, ahead, needed, &out);

        let mut checks = files.list;
        let mut found = BTreeMap::new();
        for one in roles {
            checks.extend(one.checks.list);
            found.insert(one.role.to_string(), one.found);
        }
        checks.extend(of_machine.list);
        checks.extend(of_night.list);
        Diagnosis {
            schema: 1,
            task: task.name.clone(),
            strategy: recipe.name.clone(),
            status: checks.iter().map(|check| check.status).max().unwrap_or(Status::Ok),
            asked,
            roles: found,
            machine,
            night,
            checks,
        }
    }
}

/// The price of a role's model; false where it may not be asked.
fn price(checks: &mut Checks, task: &Task, role: ModelRole, model: &Model, caps: Caps) -> bool {
    match (model.price, &model.price_source) {
        (Some(_), Some(PriceSource::Free)) => checks.ok("price", "free"),
        (Some(price), source) => {
            let source = source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default();
            let (input, output) = (money(price.input), money(price.output));
            let words = format!("{input} in and {output} out per million tokens{source}");
            checks.ok("price", words);
        }
        (None, _) if caps.usd.is_some() => {
            if let Err(error) = task.check_price(role) {
                checks.mistake("price", &error);
            }
            return false;
        }
        (None, _) => checks.warn(
            "price",
            format!("the price of `{}` is not known", model.name),
            "state it in the provider's table: only then can a cap in dollars hold",
        ),
    }
    true
}

/// What a role is asked; `None` where it is asked nothing, or cannot be.
fn question(
    checks: &mut Checks,
    role: ModelRole,
    patient: &Patient,
    evaluator: &Arc<Evaluator>,
    before: u64,
) -> Option<(Question, Reader)> {
    let Patient { task, recipe, caps, .. } = patient;
    let model = task.model(role)?;
    if caps.calls.is_some_and(|cap| before >= cap) {
        let words = format!("not asked: the cap on calls is {before}");
        checks.warn("budget", words, "raise it");
        return None;
    }
    if let (ModelRole::Mutator(place), Some(cap)) = (role, caps.proposals)
        && u64::from(place.0) >= cap
    {
        match cap {
            0 => checks.ok("budget", "not asked: the caps allow no proposals"),
            _ => checks.warn(
                "budget",
                format!("not asked: the cap on proposals is {cap}"),
                "raise it",
            ),
        }
        return None;
    }
    let (request, reader) = match role {
        ModelRole::Task => {
            let request = evaluator.request(&task.baseline, Split::Dev, RowIx(0), 0);
            // A row that cannot be rendered is told with its place, once.
            (request.ok()??, Reader::Scorers)
        }
        ModelRole::Mutator(place) => match FirstProposal::of(task, recipe, evaluator, place) {
            Ok(Some(first)) => (first.request.clone(), Reader::Proposal(Box::new(first))),
            Ok(None) => {
                let words = format!("not asked: `{}` asks no mutator", recipe.name);
                checks.ok("request", words);
                return None;
            }
            Err(error) => {
                unwritten(checks, &error);
                return None;
            }
        },
        // No scorer asks one yet.
        ModelRole::Judge => return None,
    };
    let price = model.price;
    Some((Question { number: before, role, price, request }, reader))
}

fn unwritten(checks: &mut Checks, error: &SearchError) {
    match error {
        SearchError::Source(error) => checks.mistake("request", error),
        error => checks.fault(
            "request",
            Cause::Task,
            error.to_string(),
            "raise `context_tokens` of the mutator, or choose another strategy",
        ),
    }
}

/// A role that was asked.
struct Examined {
    role: ModelRole,
    found: RoleFound,
    checks: Checks,
    pace: Option<Pace>,
    clock_ahead: Option<jiff::SignedDuration>,
}

async fn examine_role(
    asking: Asking,
    providers: &Providers,
    evaluator: &Evaluator,
    wallet: &Mutex<Wallet>,
    recipe: &Recipe,
) -> Examined {
    let Asking { role, model, mut found, mut checks, question } = asking;
    let (mut pace, mut clock_ahead) = (None, None);
    let provider = providers.by_name.get(model.name.provider());
    if let (Some((question, reader)), Some(provider)) = (question, provider) {
        let probed = probe::ask(question, provider, wallet).await;
        clock_ahead = probed.clock_ahead();
        if let Some(answered) = found.examine(&mut checks, role, &model, probed) {
            match reader {
                Reader::Scorers => score(&mut checks, evaluator, &answered).await,
                Reader::Proposal(first) => form(&mut checks, *first, &answered),
            }
            let ahead = recipe.slots.schedule.lookahead();
            let most = match role {
                ModelRole::Mutator(_) => ahead.proposals,
                ModelRole::Task | ModelRole::Judge => ahead.evaluations,
            };
            let lanes = provider.concurrency.min(providers.concurrency).min(most);
            let per_call = found.pace(&mut checks, lanes, provider.limit.spacing());
            pace = Some(Pace { usage: answered.usage(), per_call: per_call.as_secs_f64() });
        }
    }
    Examined { role, found, checks, pace, clock_ahead }
}

/// Whether the task's scorers can use the answer.
async fn score(checks: &mut Checks, evaluator: &Evaluator, answered: &Answered) {
    if answered.flaw().is_some() {
        return;
    }
    let shown = text::shorten(&text::one_line(&answered.text), 60);
    match evaluator.score(Split::Dev, RowIx(0), answered).await {
        Err(error) => checks.fault(
            "score",
            Cause::Task,
            format!("the scorer's program: {error}"),
            "run it by hand with a row; docs/scoring.md says what it is given",
        ),
        Ok(verdict) => match verdict.invalid {
            Some(reason) => checks.warn(
                "score",
                format!("“{shown}” cannot be scored: {reason}"),
                "say in the prompt how to answer, or change `extract` under [[score]]",
            ),
            None => {
                let score = verdict.score.value();
                checks
                    .ok("score", format!("“{shown}” is worth {score:.2} on the first row of dev"));
            }
        },
    }
}

/// Whether the mutator's reply brings what its operator needs.
fn form(checks: &mut Checks, mut first: FirstProposal, answered: &Answered) {
    if answered.flaw().is_some() {
        return;
    }
    let author = first.author.clone();
    match first.outcome(answered) {
        Err(error) => unwritten(checks, &error),
        Ok(ProposalOutcome::Rejected { reason, detail }) if reason.brings_no_prompt() => checks.fault(
            "form",
            Cause::Provider,
            format!("no prompt can be read of the reply to `{author}` ({reason}): {detail}"),
            "run it once more; if it stays so, use another mutator: this one does not keep the tags that it is asked for",
        ),
        Ok(ProposalOutcome::Rejected { reason, detail }) => checks.warn(
            "form",
            format!("the reply to `{author}` keeps the form, and a run would refuse it ({reason}): {detail}"),
            "leave it, if it stays with this one: refused replies are counted by reason in the report",
        ),
        Ok(_) => checks.ok("form", format!("the reply to `{author}` keeps the form")),
    }
}

impl Asked {
    /// For people, before anything is sent.
    #[must_use]
    pub fn in_words(&self) -> String {
        let calls = text::plural(usize::try_from(self.calls).unwrap_or(usize::MAX), "call");
        let (usd, tokens) = (money(self.worst_usd), text::thousands(self.worst_tokens));
        format!("{calls}, at most {usd} and {tokens} tokens")
    }
}

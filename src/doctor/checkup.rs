//! All checks in their order: those that need no call, then the calls, then what follows from them.

use super::batches;
use super::check::{Cause, Check, Checks, Status};
use super::diagnosis::{Asked, Diagnosis};
use super::machine::{self, Machine};
use super::night::{self, CallPace};
use super::probe::{self, NotAnswered, ProbeBudget, Probed};
use super::question::{Question, check_price};
use super::reader::Reader;
use super::role::RoleFound;
use super::setup::Setup;
use super::unanswered::{self, Elsewhere};

use crate::clock::Clock;
use crate::evaluate::Evaluator;
use crate::ledger::Wallet;
use crate::provider::registry::{Providers, ThrottledProvider};
use crate::run::{self, RunKind};
use crate::source::SourceError;
use crate::task::Model;
use crate::task::model::{Execution, ModelRole, Usage};
use crate::text;
use crate::units::Amount;
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Checks that need no call are made, and the calls are written.
pub struct Checkup {
    setup: Setup,
    evaluator: Arc<Evaluator>,
    providers: Providers,
    files: Checks,
    roles: Vec<RoleCheck>,
    asked: Asked,
}

/// The checks of one role.
struct RoleCheck {
    role: ModelRole,
    model: Model,
    found: RoleFound,
    checks: Checks,
    /// What it is asked, until it is; `None` where a fault is known before.
    question: Option<Question>,
    /// What reads the answer.
    reader: Option<Reader>,
    /// What came of it.
    probed: Option<Probed>,
    /// What its call used.
    used: Option<Usage>,
    measured: Option<CallPace>,
    /// Whether it is asked in batches, as far as is known.
    takes_batches: bool,
}

impl Checkup {
    /// Prepares the calls; nothing is sent yet.
    #[must_use]
    pub fn of(setup: Setup) -> Self {
        let Setup { task, recipe, access, .. } = &setup;
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
        let (mut worst, mut asked) = (Amount::ZERO, 0);
        let mut roles = Vec::new();
        for (role, model) in task.models() {
            let failed = failed.get(model.name.provider()).map(ToString::to_string);
            let check = RoleCheck::of(role, model, &setup, &evaluator, failed, asked);
            if let Some(question) = &check.question {
                worst += question.worst();
                asked += 1;
            }
            roles.push(check);
        }
        let asked = Asked::planned(asked, worst);
        Self { setup, evaluator, providers, files, roles, asked }
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

    /// Makes the calls, and all other checks.
    pub async fn run(self, clock: &Clock) -> Diagnosis {
        let Self { setup, evaluator, providers, files, mut roles, asked } = self;
        let Setup { task, recipe, caps, out, .. } = setup;
        let purse = ProbeBudget::new(Wallet::new(caps));
        ask_all(&mut roles, &providers, &purse).await;
        let sent = roles.iter().filter_map(|it| Some(it.probed.as_ref()?.sent)).sum();
        let asked = asked.spent(sent, purse.spent());

        let ahead: Vec<_> =
            roles.iter().filter_map(|it| it.probed.as_ref()?.clock_ahead()).collect();
        let lookahead = recipe.slots.schedule.lookahead();
        let elsewhere: Vec<_> = roles.iter().map(|it| it.elsewhere(&roles)).collect();
        for (check, elsewhere) in roles.iter_mut().zip(&elsewhere) {
            let most = match check.role {
                ModelRole::Mutator(_) => lookahead.proposals,
                ModelRole::Task | ModelRole::Judge(_) => lookahead.evaluations,
                // Each is folded before anything else is decided.
                ModelRole::Embed => 1,
            };
            if let Some(provider) = providers.by_name.get(check.model.name.provider()) {
                let most = most.min(providers.concurrency);
                check.read(&evaluator, elsewhere).await;
                check.check_batches(provider, clock).await;
                check.check_pace(provider, most);
            }
        }

        let measured: BTreeMap<ModelRole, CallPace> =
            roles.iter().filter_map(|it| Some((it.role, it.measured?))).collect();
        let mut of_night = Checks::of("night");
        let asks_batches = roles.iter().filter(|it| !it.model.execution.is_live());
        let live = asks_batches.filter(|it| !it.takes_batches).map(|it| it.role).collect();
        let night = night::check(&mut of_night, &task, &recipe, caps, &measured, clock.now(), live);
        let mut of_machine = Checks::of("machine");
        let written = roles.iter().map(|it| {
            let planned = night.estimate.roles.get(&it.role.to_string());
            (planned.and_then(|planned| planned.calls).unwrap_or(0), it.found.answer_bytes.max(64))
        });
        let needed = machine::bytes_of(written);
        let machine = Machine::check(&mut of_machine, ahead.into_iter(), needed, &out);

        let mut checks = files.list;
        let mut found = BTreeMap::new();
        for it in roles {
            checks.extend(it.checks.list);
            found.insert(it.role.to_string(), it.found);
        }
        checks.extend(of_machine.list);
        checks.extend(of_night.list);
        Diagnosis {
            schema: 1,
            task: task.name.clone(),
            strategy: recipe.name.clone(),
            status: worst_of(&checks),
            asked,
            roles: found,
            machine,
            night,
            checks,
        }
    }
}

fn worst_of(checks: &[Check]) -> Status {
    checks.iter().map(|check| check.status).max().unwrap_or(Status::Ok)
}

/// Asks all roles that the caps have room for, side by side, and then those that they have room for when
/// these are settled. Worst cases are set aside in the order of the roles before any is sent, so that no
/// verdict depends on who is faster.
async fn ask_all(roles: &mut [RoleCheck], providers: &Providers, purse: &ProbeBudget) {
    loop {
        let mut sent = Vec::new();
        for (place, check) in roles.iter_mut().enumerate() {
            let Some(provider) = providers.by_name.get(check.model.name.provider()) else {
                continue;
            };
            if let Some(question) = check.question.take_if(|question| purse.reserve(question)) {
                sent.push(async move { (place, probe::ask(question, provider, purse).await) });
            }
        }
        if sent.is_empty() {
            break;
        }
        for (place, probed) in join_all(sent).await {
            if let Some(check) = roles.get_mut(place) {
                check.probed = Some(probed);
            }
        }
    }
    for check in roles {
        if let Some(question) = check.question.take() {
            check.probed = Some(Probed::without_room(question));
        }
    }
}

impl RoleCheck {
    /// Before it is asked. `failed` is why its provider's table cannot be used.
    fn of(
        role: ModelRole,
        model: &Model,
        setup: &Setup,
        evaluator: &Arc<Evaluator>,
        failed: Option<String>,
        before: u64,
    ) -> Self {
        let task = &setup.task;
        let name = model.name.provider();
        let mut checks = Checks::of(role);
        let is_asked = RunKind::Search.asks(&setup.task, &setup.recipe, role);
        let mut is_ready = check_price(&mut checks, task, role, model, setup.caps, is_asked);
        if let Some(why) = setup.keyless.get(name).filter(|_| is_asked) {
            let remedy = "set the variable, or correct `api_key` of the provider";
            checks.fault("key", Cause::Task, why, remedy);
            is_ready = false;
        } else if let Some(why) = failed {
            checks.fault("provider", Cause::Task, why, "correct the table of the provider");
            is_ready = false;
        }
        let question = match is_ready {
            true => Question::of(&mut checks, role, setup, evaluator, before),
            false => None,
        };
        let (question, reader) = question.unzip();
        let found = RoleFound::of(model, &task.providers()[name]);
        let (takes_batches, model) = (!model.execution.is_live(), model.clone());
        let (probed, used, measured) = (None, None, None);
        Self { role, model, found, checks, question, reader, probed, used, measured, takes_batches }
    }

    /// What other roles heard of the same provider.
    fn elsewhere(&self, roles: &[Self]) -> Elsewhere {
        let provider = self.model.name.provider();
        let mut elsewhere = Elsewhere::default();
        let others = roles.iter().filter(|it| it.role != self.role);
        for (other, probed) in others
            .filter(|it| it.model.name.provider() == provider)
            .filter_map(|it| Some((it, it.probed.as_ref()?)))
        {
            match &probed.result {
                Ok(_) => elsewhere.answers = true,
                Err(NotAnswered::Failed(error)) => {
                    elsewhere.said = Some((other.role, unanswered::said(error)));
                }
                Err(NotAnswered::NoRoom(_) | NotAnswered::Blocked(_)) => {}
            }
        }
        elsewhere
    }

    /// Reads what came of it.
    async fn read(&mut self, evaluator: &Evaluator, elsewhere: &Elsewhere) {
        let (Some(probed), Some(reader)) = (self.probed.take(), self.reader.take()) else {
            return;
        };
        let (found, checks) = (&mut self.found, &mut self.checks);
        let answered = found.check(checks, self.role, &self.model, probed, elsewhere);
        let Some(answered) = answered else { return };
        reader.read(checks, evaluator, &answered).await;
        self.used = Some(answered.usage());
    }

    /// How fast calls of it are answered, where they are made one by one. At most `most` of the role are out
    /// at a time.
    fn check_pace(&mut self, provider: &ThrottledProvider, most: usize) {
        let Some(usage) = self.used else { return };
        let lanes = provider.concurrency.min(most);
        let is_live = self.model.execution != Execution::Batch || !self.takes_batches;
        let spacing = provider.limit.spacing();
        let per_call = self.found.pace(&mut self.checks, lanes, spacing, is_live).as_secs_f64();
        self.measured = Some(CallPace { usage, per_call });
    }

    /// Whether a model that is to be asked in batches can be. A provider that did not answer has its fault
    /// already.
    async fn check_batches(&mut self, provider: &ThrottledProvider, clock: &Clock) {
        if self.takes_batches && self.found.answered {
            self.takes_batches =
                batches::check_api(&mut self.checks, &self.model, provider, clock.now()).await;
        }
    }
}

//! Runs of a task in memory, in folders.

use super::*;
use crate::caps::Caps;
use crate::event::StopReason;
use crate::id::MutatorIx;
use crate::provider::Request;
use crate::task::TaskBuilder;
use crate::task::model::{ModelName, ModelRole, ModelSpec};
use crate::units::Tokens;
use serde_json::{Value, json};

fn row(number: u32) -> Value {
    json!({"input": number, "answer": if number.is_multiple_of(2) { "even" } else { "odd" }})
}

fn builder(rows: u32) -> TaskBuilder {
    Task::builder("parity")
        .rows((1..=rows).map(row))
        .searched_part("system", "Is this number odd or even?")
        .part("user", "{{ input }}")
        .score_by("exact", |answer, row| answer == row.answer)
        .model(ModelRole::Task, "own/answerer")
        .model(ModelRole::MUTATOR, "own/writer")
        .caps(Caps { calls: Some(400), ..Caps::default() })
}

fn task() -> Task {
    builder(100).build().unwrap()
}

fn answer(request: &Request) -> String {
    if request.model.model() == "writer" {
        let hint = ["Think twice.", "Look at the last digit.", "Be brief."];
        let text = format!("{} Draw {}.", hint[request.draw as usize % 3], request.draw);
        return rewrite(request, "system", &text);
    }
    let looks = request.messages[0].content.contains("last digit");
    let number: u32 = request.messages[1].content.parse().unwrap();
    if looks == number.is_multiple_of(2) { "even" } else { "odd" }.to_owned()
}

fn random() -> Recipe {
    recipe::load("random", &[]).unwrap()
}

fn created(task: Task, dir: &Path) -> Run {
    let run = Run::create(task, &random(), Settings::default(), dir).unwrap();
    run.with_model("own", model(answer))
}

fn searched(run: &mut Run, observers: Vec<Box<dyn Observer>>, control: &Control) -> Ended {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run.search(observers, control)).unwrap()
}

/// Decisions, without the moments and the event numbers, which depend on arrival.
fn decisions(run: &Run) -> Vec<Value> {
    let events = run.events().unwrap();
    let decisions = events.iter().filter(|(_, event)| event.is_decision());
    decisions
        .map(|(_, event)| {
            let mut value = serde_json::to_value(event).unwrap();
            for of_event in value.as_object_mut().unwrap().values_mut() {
                if let Some(fields) = of_event.as_object_mut() {
                    fields.remove("at");
                    fields.remove("cached");
                }
            }
            value
        })
        .collect()
}

/// Stops a search at an event.
struct StopAt(u64, Control);

impl Observer for StopAt {
    fn observe(&mut self, number: EventNumber, _event: &Event, _state: &State) {
        // Which event has a number depends on arrival, and not each of them is observed.
        if number.0 >= self.0 {
            self.1.stop();
        }
    }
}

#[test]
fn a_run_of_a_task_in_memory_is_stopped_and_goes_on_in_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let dir = RunDir::at(folder.path().join("parted"));
    let mut parted = created(task(), dir.path());
    let control = Control::new();
    let stop = Box::new(StopAt(300, control.clone()));
    let ended = searched(&mut parted, vec![stop], &control);
    assert_eq!(ended.outcome, Outcome::Interrupted);
    drop(parted);
    let read = Run::read_with(task(), &dir).unwrap();
    assert_eq!(read.summary.status, Status::Interrupted);

    let mut parted = Run::open_with(task(), &dir).unwrap().with_model("own", model(answer));
    let ended = searched(&mut parted, Vec::new(), &Control::new());
    assert_eq!(ended.outcome, Outcome::Finished);
    let mut whole = created(task(), &folder.path().join("whole"));
    searched(&mut whole, Vec::new(), &Control::new());
    assert!(decisions(&whole).len() > 300);
    assert_eq!(decisions(&parted), decisions(&whole));
    let best = ended.summary().best.unwrap();
    assert!(best.prompt["system"].contains("last digit"), "{best:?}");

    let written: Summary = dir.read_json(SUMMARY_FILE).unwrap();
    assert_eq!(written, ended.summary());
    assert!(dir.file("best/system.md").exists());
}

#[test]
fn several_mutators_share_one_search_and_one_cap() {
    let folder = tempfile::tempdir().unwrap();
    let caps = Caps { calls: Some(1_000), proposals: Some(20), ..Caps::default() };
    let task = || {
        builder(100)
            .model(ModelRole::Mutator(MutatorIx(1)), "other/writer")
            .caps(caps)
            .build()
            .unwrap()
    };
    let with_models = |run: Run| {
        let run = run.with_model("own", model(answer));
        run.with_model("other", model(|request| rewrite(request, "system", "Look at nothing.")))
    };
    let create = |name: &str| {
        let settings = Settings { caps: Some(caps), ..Settings::default() };
        with_models(Run::create(task(), &random(), settings, folder.path().join(name)).unwrap())
    };
    let mut whole = create("whole");
    let spent = searched(&mut whole, Vec::new(), &Control::new()).summary().spent;
    let calls = |role: &str| spent.by_role[role].calls;
    assert_eq!(calls("mutator") + calls("mutator-2"), 20, "{spent:?}");
    assert!(calls("mutator") > 0 && calls("mutator-2") > 0, "{spent:?}");
    // The other one writes the same text each time.
    assert!(calls("mutator") > calls("mutator-2"), "{spent:?}");

    let dir = RunDir::at(folder.path().join("parted"));
    let control = Control::new();
    let stop = Box::new(StopAt(120, control.clone()));
    let ended = searched(&mut create("parted"), vec![stop], &control);
    assert_eq!(ended.outcome, Outcome::Interrupted);
    let mut parted = with_models(Run::open_with(task(), &dir).unwrap());
    searched(&mut parted, Vec::new(), &Control::new());
    assert_eq!(decisions(&parted), decisions(&whole));
}

/// The worst case of one mutator is more than the whole cap: the other one goes on, and an interruption
/// changes nothing.
#[test]
fn a_mutator_that_does_not_fit_the_budget_gives_way_to_one_that_does() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = Some(Tokens(300_000));
    let caps = Caps { tokens, proposals: Some(20), ..Caps::default() };
    let task = || {
        let spec = ModelSpec::of(ModelName::parse("own/writer").unwrap());
        let dear = ModelSpec { max_output_tokens: Some(1_000_000), ..spec };
        builder(100).model_spec(ModelRole::Mutator(MutatorIx(1)), dear).caps(caps).build().unwrap()
    };
    let create = |name: &str| {
        let settings = Settings { caps: Some(caps), ..Settings::default() };
        let dir = folder.path().join(name);
        Run::create(task(), &random(), settings, dir).unwrap().with_model("own", model(answer))
    };
    let mut whole = create("whole");
    let summary = searched(&mut whole, Vec::new(), &Control::new()).summary();
    // Both caps refuse what would come next.
    let ends = [Some(StopReason::BudgetProposals), Some(StopReason::BudgetTokens)];
    assert!(ends.contains(&summary.stop_reason), "{:?}", summary.spent);
    let earned: Vec<(&str, u64)> =
        summary.mutators.iter().map(|one| (one.role.as_str(), one.proposals)).collect();
    assert_eq!(earned, [("mutator", 20), ("mutator-2", 0)]);
    let [first, _] = &summary.mutators[..] else { panic!("there are two") };
    assert!(first.model == "own/writer" && first.accepted > 0 && first.gain > 0.0, "{first:?}");
    let replaced = |run: &Run| {
        let of_event = |event: &Value| event.get("mutator_replaced").is_some();
        decisions(run).iter().filter(|event| of_event(event)).count()
    };
    // Those that were drafted before it was known that it does not fit, and no more.
    assert!((1..=4).contains(&replaced(&whole)), "{}", replaced(&whole));

    let dir = RunDir::at(folder.path().join("parted"));
    let control = Control::new();
    let stop = Box::new(StopAt(150, control.clone()));
    searched(&mut create("parted"), vec![stop], &control);
    let mut parted = Run::open_with(task(), &dir).unwrap().with_model("own", model(answer));
    searched(&mut parted, Vec::new(), &Control::new());
    assert_eq!(decisions(&parted), decisions(&whole));
}

#[test]
fn a_search_that_is_over_is_not_searched_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = created(task(), &folder.path().join("r"));
    let first = searched(&mut run, Vec::new(), &Control::new()).summary();
    let events = run.events().unwrap().len();
    let second = searched(&mut run, Vec::new(), &Control::new()).summary();
    assert_eq!(run.events().unwrap().len(), events);
    assert_eq!((first.best, first.spent.usd), (second.best, second.spent.usd));
}

#[test]
fn a_split_whose_rows_are_gone_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let dir = RunDir::at(folder.path().join("r"));
    let rows = |from: u32, to: u32| (from..to).map(row).collect::<Vec<_>>();
    let split =
        |hold: Vec<Value>| builder(0).splits(rows(1, 20), rows(20, 40), hold).build().unwrap();
    drop(created(split(rows(40, 60)), dir.path()));
    let error = Run::open_with(split(Vec::new()), &dir).err().unwrap().to_string();
    assert!(
        error.contains("the held-out rows of the task `parity`: the rows have changed"),
        "{error}"
    );
    Run::open_with(split(rows(40, 60)), &dir).unwrap();
}

#[test]
fn another_task_is_refused_with_what_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let dir = RunDir::at(folder.path().join("r"));
    drop(created(task(), dir.path()));
    let refused = |task: Task| Run::open_with(task, &dir).err().unwrap().to_string();
    let rows = refused(builder(99).build().unwrap());
    assert!(rows.contains("the rows of the task `parity`: the rows have changed"), "{rows}");
    let about = refused(builder(100).about("Numbers.").build().unwrap());
    assert!(about.contains("its description has changed since the run `r`"), "{about}");
    let scorer = refused(builder(100).score_by("more", |_, _| true).build().unwrap());
    assert!(scorer.contains("its scorer 1 has changed"), "{scorer}");
    let needed = Run::open(&dir).err().unwrap();
    assert!(matches!(needed, RunError::TaskNeeded(_)), "{needed}");
    // What a run may spend is the run's, not the task's.
    Run::open_with(builder(100).caps(Caps::default()).build().unwrap(), &dir).unwrap();
}

#[test]
fn a_run_that_cannot_be_started_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("r");
    let start = |task: Task| Run::create(task, &random(), Settings::default(), &dir).err().unwrap();
    let unlimited = start(builder(100).caps(Caps::default()).build().unwrap());
    assert!(matches!(unlimited, RunError::Unlimited));
    let frozen = Task::builder("frozen")
        .rows((1..=100).map(row))
        .part("user", "{{ input }}")
        .score_by("exact", |answer, row| answer == row.answer)
        .model(ModelRole::Task, "own/answerer");
    let frozen = start(frozen.build().unwrap()).to_string();
    assert!(frozen.contains("no part of the prompt may change"), "{frozen}");
    assert!(!dir.exists());
}

#[test]
fn one_process_at_a_time_works_on_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let dir = RunDir::at(folder.path().join("r"));
    let run = created(task(), dir.path());
    let second = Run::open_with(task(), &dir).err().unwrap();
    assert!(matches!(second, RunError::Dir(RunDirError::InUse { .. })), "{second}");
    assert_eq!(Run::read_with(task(), &dir).unwrap().summary.status, Status::Running);
    drop(run);
    Run::open_with(task(), &dir).unwrap();
}

#[test]
fn a_provider_that_nothing_implements_is_named() {
    let mut run = Run::in_memory(task(), &random(), Settings::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = runtime.block_on(run.search(Vec::new(), &Control::new())).err().unwrap();
    assert!(matches!(&error, RunError::Provider { name, .. } if name == "own"), "{error}");
}

#[test]
fn an_evaluation_measures_the_rows_that_it_was_started_with() {
    let folder = tempfile::tempdir().unwrap();
    let dir = RunDir::at(folder.path().join("measured"));
    let hold = task().splits.hold.len();
    let split = Some(Split::Hold);
    let run = Run::evaluate(task(), split, None, Settings::default(), dir.path()).unwrap();
    assert_eq!(run.file().kind, RunKind::Evaluation { split });
    drop(run);
    let mut run = Run::open_with(task(), &dir).unwrap().with_model("own", model(answer));
    let ended = searched(&mut run, Vec::new(), &Control::new());
    assert_eq!(ended.outcome, Outcome::Finished);
    let summary = ended.summary();
    assert_eq!(summary.baseline.unwrap().dev.unwrap().n, hold);
    assert_eq!(summary.counts.proposals, 0);
    drop(run);
    // `latest` is a search where there is one, though the evaluation is younger.
    created(task(), &folder.path().join("search"));
    assert_eq!(RunDir::find(folder.path(), "latest").unwrap().name(), "search");
}

#[test]
fn the_meter_shows_a_search_while_it_runs() {
    struct Watch(Meter, std::sync::mpsc::Sender<Reading>);
    impl Observer for Watch {
        fn observe(&mut self, _number: EventNumber, _event: &Event, _state: &State) {
            let _ = self.1.send(self.0.read());
        }
    }
    let mut run = Run::in_memory(task(), &random(), Settings::default())
        .unwrap()
        .with_model("own", model(answer));
    let (seen, readings) = std::sync::mpsc::channel();
    let watch = Box::new(Watch(run.meter(), seen));
    assert_eq!(run.meter().read(), Reading::default());
    let ended = searched(&mut run, vec![watch], &Control::new());
    let most = readings.iter().map(|reading| reading.calls).max();
    assert_eq!(most, Some(ended.wallet.calls()));
}

#[test]
fn a_run_whose_journal_is_gone_is_not_paid_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let dir = RunDir::at(folder.path().join("r"));
    let mut run = created(task(), dir.path());
    let control = Control::new();
    searched(&mut run, vec![Box::new(StopAt(300, control.clone()))], &control);
    drop(run);
    let kept = std::fs::read(dir.events()).unwrap();
    std::fs::remove_file(dir.events()).unwrap();
    std::fs::remove_dir_all(dir.file("journal")).unwrap();
    for _ in 0..2 {
        let error = Run::open_with(task(), &dir).err().unwrap().to_string();
        assert!(error.contains("its summary.json shows paid calls"), "{error}");
        assert!(Run::read_with(task(), &dir).is_err());
    }
    // One of the copies is enough to go on.
    std::fs::write(dir.events(), kept).unwrap();
    let mut run = Run::open_with(task(), &dir).unwrap().with_model("own", model(answer));
    let ended = searched(&mut run, Vec::new(), &Control::new());
    assert_eq!(ended.outcome, Outcome::Finished);
}

#[test]
fn a_closure_that_panics_ends_the_search_with_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let dir = RunDir::at(folder.path().join("r"));
    let run = Run::create(task(), &random(), Settings::default(), dir.path()).unwrap();
    let asked = std::sync::atomic::AtomicU32::new(0);
    let faulty = move |request: &Request| {
        let asked = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        assert!(asked < 20, "no more answers");
        answer(request)
    };
    let mut run = run.with_model("own", model(faulty));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(run.search(Vec::new(), &Control::new())).err().unwrap();
    assert!(error.to_string().contains("no more answers"), "{error}");
    drop(run);
    // It goes on with a model that answers.
    let mut run = Run::open_with(task(), &dir).unwrap().with_model("own", model(answer));
    assert_eq!(searched(&mut run, Vec::new(), &Control::new()).outcome, Outcome::Finished);

    let scorer = builder(100).score_by("faulty", |_, _| -> bool { panic!("no more scores") });
    let mut run = created(scorer.build().unwrap(), &folder.path().join("s"));
    let error = runtime.block_on(run.search(Vec::new(), &Control::new())).err().unwrap();
    assert!(error.to_string().contains("no more scores"), "{error}");
}

#[test]
fn slots_that_a_program_puts_together_are_checked_too() {
    let mut recipe = random();
    recipe.slots.evaluate = recipe::load("triple-sh", &[]).unwrap().slots.evaluate;
    let error = Run::in_memory(task(), &recipe, Settings::default()).err().unwrap().to_string();
    assert!(error.contains("`sequential_halving` judges candidates together"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("r");
    assert!(Run::create(task(), &recipe, Settings::default(), &dir).is_err());
    assert!(!dir.exists(), "nothing is created then");
}

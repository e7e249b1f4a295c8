//! The loop itself, against a scripted model and a scripted strategy.

use super::*;
use crate::engine::error::{Outcome, SearchError, StopCause};
use crate::engine::{GoesOn, Remedy};
use crate::event::RowOutcome;
use crate::prompt::value_text;

fn small() -> Caps {
    Caps { calls: Some(20), ..Caps::default() }
}

/// Right answers to the first rows of dev.
fn right_answers(rows: usize) -> Vec<Result<Reply, LlmError>> {
    task().splits.dev.iter().take(rows).map(|row| Ok(reply(&value_text(&row.answer)))).collect()
}

#[test]
fn a_run_goes_from_its_start_to_its_end() {
    let (journal, llm) = (journal(), Scripted::new(right_answers(4)));
    let new = State::new(u32::try_from(task().splits.dev.len()).unwrap());
    let llm = Arc::clone(&llm) as Arc<dyn Llm>;
    let (mut search, _cancel) = search(vec![evaluate(0..4), win()], new, &journal, llm, small());
    let outcome = block_on(async { search.run().await.unwrap() });
    assert_eq!(outcome, Outcome::Finished);
    let all = events(&journal);
    assert!(matches!(all.first(), Some(Event::Started { .. })));
    assert!(matches!(all.last(), Some(Event::Finished { .. })));
    assert_eq!(search.state().baseline().dev().scored, 4);
    assert!(search.state().is_quiet());
    // The state is the fold of the journal and nothing else.
    let mut replayed = State::new(search.state().dev_rows);
    (0..).zip(&all).for_each(|(number, event)| replayed.apply(EventNumber(number), event));
    assert_eq!(format!("{:?}", replayed.plan), format!("{:?}", search.state().plan));
    assert_eq!(replayed.phase, search.state().phase);
}

#[test]
fn a_run_that_is_asked_to_stop_can_be_resumed() {
    let journal = journal();
    let (mut search, cancel) =
        search(vec![evaluate(0..4)], started(), &journal, Scripted::new([]), small());
    cancel.send(true).unwrap();
    assert_eq!(block_on(async { search.run().await.unwrap() }), Outcome::Interrupted);
    assert_eq!(search.state().phase, crate::state::Phase::Searching);
}

#[test]
fn a_refused_key_ends_the_session_with_the_providers_words() {
    let (journal, llm) = (journal(), Scripted::new([failure(Failure::Auth, false)]));
    let (mut search, _cancel) = search(vec![evaluate(0..1)], started(), &journal, llm, small());
    let outcome = block_on(async { search.run().await.unwrap() });
    assert_eq!(
        outcome,
        Outcome::Trouble {
            reason: StopReason::ProviderRefused,
            why: "task model: a scripted failure".to_owned(),
            remedy: Some(Remedy {
                check: "key",
                words: "check `api_key` of the provider, and that the key is valid",
                goes_on: GoesOn::Resumed,
            }),
        }
    );
    let folded = |event: &Event| matches!(event, Event::EvaluationFolded { .. });
    assert!(!events(&journal).iter().any(folded), "the row is as it was");
}

#[test]
fn a_stop_because_of_the_journal_is_an_error_of_the_journal() {
    let journal = journal();
    let (mut search, _cancel) = search(Vec::new(), started(), &journal, Scripted::new([]), small());
    search.stop = Some(StopCause::Journal(JournalError::Stopped));
    let error = block_on(async { search.run().await.unwrap_err() });
    assert!(matches!(error, SearchError::Journal(JournalError::Stopped)), "{error:?}");
}

#[test]
fn an_answer_that_was_durable_before_a_resume_is_scored_and_its_call_not_lost() {
    let (journal, mut state) = (journal(), started());
    // A session that issued a row, got its answer, and was killed before it folded it.
    let block = crate::event::Block {
        first: Call(0),
        candidate: CandidateIx::BASELINE,
        split: Split::Dev,
        replicate: 0,
        rows: vec![RowIx(0)],
        reserve: Amount::ZERO,
        cached: Vec::new(),
        judging: None,
    };
    let right = value_text(&task().splits.dev[0].answer).into_owned();
    let before = [Event::EvaluationIssued(block), Event::Answered(answered(0, &right))];
    for event in before {
        let number = block_on(async { journal.append_durable(event.clone()).await.unwrap() });
        state.apply(number, &event);
    }
    let llm = Scripted::new([]);
    let asked = Arc::clone(&llm);
    let (mut search, _cancel) = search(vec![win()], state, &journal, llm, small());
    assert_eq!(block_on(async { search.run().await.unwrap() }), Outcome::Finished);
    let all = events(&journal);
    let folded = all.iter().find_map(|event| match event {
        Event::EvaluationFolded { call: Call(0), outcome } => Some(outcome.clone()),
        _ => None,
    });
    assert!(matches!(folded, Some(RowOutcome::Scored { score, .. }) if score.value() == 1.0));
    let lost = |event: &Event| matches!(event, Event::Lost { .. });
    assert!(!all.iter().any(lost), "no event stands for something else");
    // Only held-out rows were asked.
    let hold =
        |event: &Event| matches!(event, Event::EvaluationIssued(b) if b.split == Split::Hold);
    assert!(all.iter().any(hold) && asked.asked() > 0);
}

/// What a row of useless answers meets is a state of the provider: none of them enters a score, live or on
/// replay.
#[test]
fn a_streak_of_useless_answers_stays_open_and_what_it_cost_is_kept() {
    let cut = || Ok(Reply { finish: Finish::Length, ..reply("cut") });
    let (journal, llm) = (journal(), Scripted::new((0..200).map(|_| cut())));
    let caps = Caps { calls: Some(200), ..Caps::default() };
    let rows = (0..4).map(|block| evaluate(block * 8..block * 8 + 8)).collect();
    let (mut search, _cancel) = search(rows, started(), &journal, llm, caps);
    let outcome = block_on(async { search.run().await.unwrap() });
    assert!(matches!(outcome, Outcome::Trouble { reason: StopReason::NoAnswers, .. }));
    let all = events(&journal);
    let (mut replayed, mut wallet) = (started(), Wallet::new(caps));
    for (number, event) in (0..).zip(&all) {
        replayed.apply(EventNumber(number), event);
        wallet.apply(event);
    }
    let live = search.state();
    assert!(live.arrivals.is_empty() && replayed.arrivals.is_empty());
    assert_eq!(live.counts.failed_calls, replayed.counts.failed_calls);
    assert_eq!(search.runner.wallet().calls(), wallet.calls());
    assert_eq!(wallet.calls(), 0, "they are asked again");
    assert_eq!(search.runner.wallet().spent(), wallet.spent());
    assert!(wallet.spent().tokens >= Tokens(20 * 12), "and were paid for");
}

/// Asks for one plan after the other, each once the one before is folded.
struct InTurn(Vec<Plan>);

impl Strategy for InTurn {
    fn ask(&self, state: &State, remaining: Remaining) -> Vec<Plan> {
        if state.is_quiet() {
            Asks(self.0.clone()).ask(state, remaining).into_iter().take(1).collect()
        } else {
            Vec::new()
        }
    }
}

/// Blocks of fewer rows than a streak has are folded before it stops the run: their rows are missing
/// then, live and on replay, and a resume asks them once more.
#[test]
fn useless_answers_that_were_folded_before_a_streak_stopped_the_run_count_no_more() {
    let cut = || Ok(Reply { finish: Finish::Length, ..reply("cut") });
    let replies = right_answers(8).into_iter().chain((0..20).map(|_| cut()));
    let (journal, llm) = (journal(), Scripted::new(replies));
    let blocks = (0..4).map(|block| evaluate(block * 8..block * 8 + 8)).collect();
    let (mut search, _cancel) = search(Vec::new(), started(), &journal, llm, Caps::default());
    search.planner.strategy = Box::new(InTurn(blocks));
    let outcome = block_on(async { search.run().await.unwrap() });
    assert!(matches!(outcome, Outcome::Trouble { reason: StopReason::NoAnswers, .. }));
    let all = events(&journal);
    let withdrawn: Vec<usize> = all
        .iter()
        .filter_map(|event| match event {
            Event::AnswersWithdrawn { answers } => Some(answers.len()),
            _ => None,
        })
        .collect();
    assert_eq!(withdrawn, [16]);
    let mut replayed = started();
    (0..).zip(&all).for_each(|(number, event)| replayed.apply(EventNumber(number), event));
    for state in [search.state(), &replayed] {
        let dev = state.baseline().dev();
        assert_eq!((dev.scored, dev.folded, dev.mean()), (8, 24, Some(1.0)));
        assert_eq!(
            (state.counts.invalid, state.counts.errors, state.counts.evaluations),
            (0, 16, 8)
        );
    }
    let resumed = Event::Resumed { at: jiff::Timestamp::UNIX_EPOCH, ran_ms: 0 };
    replayed.apply(EventNumber(all.len() as u64), &resumed);
    assert_eq!(replayed.to_ask_again.len(), 16);
}

/// A run whose first 32 rows are issued: 12 have useless answers, of which 4 are folded as 0.
fn with_useless_answers(journal: &Arc<Journal<Event>>) -> State {
    let useless = |call| {
        let answered = Answered { finish: Finish::Length, ..answered(call, "cut") };
        Event::Answered(answered)
    };
    let block = crate::event::Block {
        first: Call(0),
        candidate: CandidateIx::BASELINE,
        split: Split::Dev,
        replicate: 0,
        rows: (0..32).map(RowIx).collect(),
        reserve: Amount::ZERO,
        cached: Vec::new(),
        judging: None,
    };
    let folded = (0..4).map(|call| {
        let outcome = RowOutcome::scored(crate::units::Score::ZERO, true);
        Event::EvaluationFolded { call: Call(call), outcome }
    });
    let events = std::iter::once(Event::EvaluationIssued(block)).chain((0..12).map(useless));
    let mut state = started();
    for event in events.chain(folded) {
        let number = block_on(async { journal.append_durable(event.clone()).await.unwrap() });
        state.apply(number, &event);
    }
    state
}

/// The calls that a run opened again.
fn reopened(journal: &Journal<Event>) -> Vec<Call> {
    let calls = events(journal).into_iter().filter_map(|event| match event {
        Event::CallsReopened { calls, .. } => Some(calls),
        _ => None,
    });
    calls.flatten().collect()
}

/// A kill takes no call out of the row: what was useless and not folded waits again, and counts.
#[test]
fn a_streak_goes_on_after_a_resume() {
    let journal = journal();
    let state = with_useless_answers(&journal);
    let more = (0..8).map(|_| Ok(Reply { finish: Finish::Length, ..reply("cut") }));
    let (mut search, _cancel) =
        search(Vec::new(), state, &journal, Scripted::new(more), Caps::default());
    let outcome = block_on(async { search.run().await.unwrap() });
    let Outcome::Trouble { reason: StopReason::NoAnswers, why, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(why.starts_with("task model: 20 calls in a row"), "{why}");
    let dev = search.state().baseline().dev();
    assert_eq!((dev.folded, dev.scored), (4, 0), "those that were folded are missing");
    let reopened = reopened(&journal);
    assert!((4..20).map(Call).all(|call| reopened.contains(&call)), "{reopened:?}");
}

/// One server may serve both models: what the task model answered before the mutator broke is no score.
#[test]
fn useless_answers_before_the_mutator_breaks_count_no_more() {
    let journal = journal();
    let state = with_useless_answers(&journal);
    let (mut search, _cancel) =
        search(Vec::new(), state, &journal, Scripted::new([]), Caps::default());
    search.stop = Some(StopCause::trouble(StopReason::BrokenProposer, "it says nothing"));
    let outcome = block_on(async { search.run().await.unwrap() });
    assert!(matches!(outcome, Outcome::Trouble { reason: StopReason::BrokenProposer, .. }));
    let dev = search.state().baseline().dev();
    assert_eq!((dev.folded, dev.scored), (4, 0));
    assert_eq!(reopened(&journal), (4..12).map(Call).collect::<Vec<_>>());
}

//! Scripted runs for the tests of reports.

use super::Report;

use crate::candidate::{Candidate, Origin, Repair, RepairKind};
use crate::caps::Share;
use crate::event::{
    Abandoned, Answered, Block, Draft, Dropped, Event, Finish, ProposalOutcome, Rejection,
    RowOutcome, StopReason,
};
use crate::id::{Call, CandidateIx, EventNumber, ProposalNumber, RequestHash, RowIx};
use crate::prompt::Prompt;
use crate::run::{History, InvalidOfRun, RunInfo, Status, Summary};
use crate::seed::Seed;
use crate::state::Named;
use crate::task::Task;
use crate::task::example::Split;
use crate::task::model::{ModelRole, simulated_price};
use crate::units::{Amount, Score, Tokens};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A run with everything that a report needs.
pub(super) struct Example {
    pub(super) task: Task,
    pub(super) history: History,
    pub(super) summary: Summary,
    pub(super) folder: PathBuf,
    pub(super) events: Vec<(EventNumber, Event)>,
    pub(super) invalid: InvalidOfRun,
}

impl Example {
    pub(super) fn report(&self) -> Report<'_> {
        Report {
            summary: &self.summary,
            history: &self.history,
            invalid: &self.invalid,
            task: &self.task,
            folder: &self.folder,
            run_file: None,
            recipe: None,
            shows_rows: true,
        }
    }
}

/// The kind of run.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// Held-out rows confirm a gain.
    Confirmed,
    /// A small gain on 40 held-out rows.
    Unproven,
    /// A gain, and no held-out row.
    Unasked,
    /// No candidate beat the baseline.
    BaselineWon,
    /// The run was killed half-way.
    Interrupted,
    /// Like `Confirmed`, with free models.
    Free,
    /// Nothing has happened yet.
    New,
}

pub(super) fn ticket_routing() -> Task {
    Task::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tasks/ticket-routing")).unwrap()
}

/// Lines for the prompt, each with its effect on the score.
const LINES: [(&str, f64); 8] = [
    ("- A parcel that is late or still in transit goes to logistics.", 0.045),
    (
        "- Anyone who sees another person's login or account goes to security, even when they ask for a refund.",
        0.055,
    ),
    ("- Damaged with a photo attached: claims. Damaged without a photo: logistics.", 0.06),
    ("- A cancellation in the first month goes to billing, a later one to retention.", 0.05),
    ("- Be friendly and thorough, and think about the customer's feelings.", -0.01),
    ("- A card declined at checkout goes to technical.", 0.03),
    ("- Threatening a chargeback goes to claims, whatever the complaint is.", 0.03),
    ("- Read the ticket twice before you answer, and consider each department in turn.", 0.004),
];

/// The baseline's text with the lines whose bits are set, and a new last sentence.
fn text(baseline: &str, lines: u8) -> String {
    let mut text = baseline.trim_end().replace(
        "Read the ticket and answer with the department that should handle it.",
        "Read the ticket and reply with one word: the department that should handle it.",
    );
    text.push_str("\n\nRules:\n");
    for (bit, (line, _)) in LINES.iter().enumerate() {
        if lines >> bit & 1 == 1 {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

fn ability(lines: u8) -> f64 {
    let gain: f64 = LINES
        .iter()
        .enumerate()
        .filter(|(bit, _)| lines >> bit & 1 == 1)
        .map(|(_, (_, g))| g)
        .sum();
    0.48 + gain
}

/// A number in [0, 1) derived from a name.
fn uniform(name: &str, number: u64) -> f64 {
    (Seed(7).child(name, number).0 >> 11) as f64 / (1_u64 << 53) as f64
}

struct Recorder {
    history: History,
    events: Vec<(EventNumber, Event)>,
    calls: u64,
    proposals: u32,
    at: u64,
    is_free: bool,
}

impl Recorder {
    fn record(&mut self, event: Event) {
        let number = EventNumber(self.events.len() as u64);
        self.history.apply(number, &event);
        self.events.push((number, event));
    }

    fn answer(&mut self, role: ModelRole, share: Share, call: Call, bytes: usize, text: &str) {
        let out = if role == ModelRole::MUTATOR { 210 } else { 2 };
        let model = if role == ModelRole::MUTATOR { "editor" } else { "clerk" };
        let price = simulated_price(model).unwrap();
        self.at += 180;
        let mut answered = Answered {
            call,
            request: RequestHash::of(&call.0.to_le_bytes()),
            bytes: bytes as u64,
            text: text.to_owned(),
            input: bytes as u64 / 4,
            cached: 0,
            written: 0,
            out,
            reasoning: 0,
            usd: crate::units::Usd::ZERO,
            estimated: false,
            live: None,
            finish: Finish::Stop,
            why: String::new(),
            trajectory: Vec::new(),
            ms: 180,
            at: self.at,
        };
        if !self.is_free {
            answered.usd = price.of(answered.usage());
        }
        let amount = Amount { usd: answered.usd, tokens: Tokens(600) };
        self.record(Event::Reserved { call, amount, role, share });
        self.record(Event::Answered(answered));
    }

    /// Evaluates a candidate of this ability on rows.
    fn evaluate(&mut self, candidate: CandidateIx, split: Split, rows: Range<u32>, ability: f64) {
        let bytes = 40 + self.history.state.standing(candidate).candidate.prompt.bytes();
        let first = Call(self.calls);
        let rows: Vec<RowIx> = rows.map(RowIx).collect();
        self.calls += rows.len() as u64;
        let share = if split == Split::Hold { Share::Hold } else { Share::Search };
        self.record(Event::EvaluationIssued(Block {
            first,
            candidate,
            split,
            replicate: 0,
            rows: rows.clone(),
            reserve: Amount::ZERO,
            cached: Vec::new(),
            judging: None,
        }));
        for (offset, row) in rows.into_iter().enumerate() {
            let call = Call(first.0 + offset as u64);
            let length = bytes + 80 + (uniform("length", u64::from(row.0)) * 300.0) as usize;
            let difficulty = uniform(&split.to_string(), u64::from(row.0));
            // A little noise per candidate, so that their sets of correct rows differ.
            let luck = uniform("luck", u64::from(candidate.0) << 32 | u64::from(row.0)) - 0.5;
            let is_right = ability + 0.16 * luck > difficulty;
            let score = Score::new(f64::from(u8::from(is_right))).unwrap();
            let invalid = !is_right && uniform("invalid", call.0) < 0.01;
            let text = if invalid { "none of them" } else { "claims" };
            self.answer(ModelRole::Task, share, call, length, text);
            let outcome = RowOutcome::scored(score, invalid);
            self.record(Event::EvaluationFolded { call, outcome });
        }
    }

    fn draft(&mut self, parents: &[CandidateIx]) -> ProposalNumber {
        let proposal = ProposalNumber(self.proposals);
        self.proposals += 1;
        self.record(Event::ProposalDrafted(Draft {
            operator: Some(0),
            ..Draft::new(proposal, parents.to_vec())
        }));
        proposal
    }

    fn propose(
        &mut self,
        parents: &[CandidateIx],
        outcome: impl Fn(ProposalNumber) -> ProposalOutcome,
    ) {
        let proposal = self.draft(parents);
        let call = Call(self.calls);
        self.calls += 1;
        let reserve = Amount::ZERO;
        self.record(Event::ProposalIssued { proposal, call, rows: Vec::new(), reserve });
        self.answer(ModelRole::MUTATOR, Share::Search, call, 2_400, "");
        self.record(Event::ProposalFolded { call, outcome: outcome(proposal) });
    }

    fn add(&mut self, parents: &[CandidateIx], operator: &str, prompt: Prompt) -> CandidateIx {
        let number = CandidateIx(self.history.state.candidates.len() as u32);
        let repair = Repair {
            kind: RepairKind::Repeats,
            lines: vec!["- Route late parcels to logistics.".to_owned()],
        };
        // The first reply said something twice.
        let repairs = if number.0 == 1 { vec![repair] } else { Vec::new() };
        self.propose(parents, |proposal| ProposalOutcome::Added {
            candidate: Candidate {
                id: prompt.id(),
                prompt: prompt.clone(),
                parents: parents.to_vec(),
                demos: Vec::new(),
                gene: None,
                repairs: repairs.clone(),
                operator: operator.to_owned(),
                origin: Origin::Proposal(proposal),
            },
            gate: None,
        });
        number
    }
}

pub(super) fn run(kind: Kind) -> Example {
    run_of(kind, ticket_routing(), |text| text)
}

/// A run of this kind; `dress` changes each prompt before it is used.
pub(super) fn run_of(kind: Kind, task: Task, dress: impl Fn(String) -> String) -> Example {
    let mut log = Recorder {
        history: History::new(Named::of(&task)),
        events: Vec::new(),
        calls: 0,
        proposals: 0,
        at: 0,
        is_free: kind == Kind::Free,
    };
    if kind != Kind::New {
        search(&mut log, &task, kind, task.splits.sizes().dev, dress);
    }
    let status = match kind {
        Kind::Interrupted => Status::Interrupted,
        Kind::New => Status::Running,
        _ => Status::Finished,
    };
    let name = "ticket-routing-auto-20260101-220000";
    let info = RunInfo {
        run: name.to_owned(),
        strategy: "auto".to_owned(),
        seed: Seed(1),
        reuse: Vec::new(),
    };
    let ran = Duration::from_millis(log.at);
    let (history, events) = (log.history, log.events);
    let summary = Summary::of(&info, &task, &history.state, &history.wallet, ran, status);
    let invalid = InvalidOfRun::of(&events, &task, &history.state);
    Example { task, summary, history, folder: PathBuf::from("results").join(name), events, invalid }
}

fn search(log: &mut Recorder, task: &Task, kind: Kind, dev: u32, dress: impl Fn(String) -> String) {
    let part = task.layout.searched()[0].clone();
    let baseline_text = task.baseline.part(&part).unwrap().to_owned();
    let at = jiff::Timestamp::UNIX_EPOCH;
    log.record(Event::Started { at, baseline: Candidate::baseline(task.baseline.clone()) });
    log.evaluate(CandidateIx::BASELINE, Split::Dev, 0..dev, ability(0));
    let mut lines_of = vec![0_u8];
    let scale = match kind {
        Kind::BaselineWon => -0.3,
        Kind::Unproven => 0.18,
        _ => 1.0,
    };
    let ability = |lines: u8| 0.48 + scale * (ability(lines) - 0.48);
    let children = if kind == Kind::Interrupted { 9 } else { 30 };
    for child in 0..children {
        // A child of the incumbent or of an earlier candidate, with one line more or less.
        let state = &log.history.state;
        let parent = match child % 3 {
            2 => CandidateIx((uniform("parent", child) * state.candidates.len() as f64) as u32),
            _ => state.incumbent,
        };
        let other = CandidateIx((state.candidates.len() - 1) as u32);
        let bit = (uniform("bit", child) * 8.0) as u8;
        let is_merge = child % 5 == 4 && other != parent;
        let lines = if is_merge {
            lines_of[parent.index()] | lines_of[other.index()]
        } else {
            lines_of[parent.index()] ^ (1 << bit)
        };
        let prompt = task.baseline.with_part(&part, &dress(text(&baseline_text, lines)));
        if log.history.state.find(&prompt.id()).is_some() {
            log.propose(&[parent], |_| ProposalOutcome::Rejected {
                reason: Rejection::Dedup,
                detail: String::new(),
            });
            continue;
        }
        let (parents, operator) = match is_merge {
            true => (vec![parent, other], "merge"),
            false => (vec![parent], "reflect"),
        };
        let candidate = log.add(&parents, operator, prompt);
        lines_of.push(lines);
        log.evaluate(candidate, Split::Dev, 0..24.min(dev), ability(lines));
        let mean = |candidate: CandidateIx, rows: u32| {
            let column = log.history.state.standing(candidate).dev();
            (0..rows).filter_map(|row| column.cell(RowIx(row)).score()).sum::<f64>()
                / f64::from(rows)
        };
        let incumbent = log.history.state.incumbent;
        let behind = mean(incumbent, 24) - mean(candidate, 24);
        if behind > 0.1 {
            log.record(Event::CandidateDropped {
                candidate,
                why: Dropped::Futile { probability: (0.2 - behind).max(0.01), rows: 24 },
            });
            continue;
        }
        log.evaluate(candidate, Split::Dev, 24..dev, ability(lines));
        let state = &log.history.state;
        if state.standing(candidate).dev().mean() > state.standing(incumbent).dev().mean() {
            log.record(Event::IncumbentChanged { candidate, why: "0.97".to_owned() });
        }
    }
    for reason in [Rejection::Leak, Rejection::NoTags, Rejection::Leak] {
        let rejected = ProposalOutcome::Rejected { reason, detail: String::new() };
        log.propose(&[CandidateIx::BASELINE], |_| rejected.clone());
    }
    let proposal = log.draft(&[CandidateIx::BASELINE]);
    log.record(Event::ProposalAbandoned { proposal, why: Abandoned::Perfect });
    if kind == Kind::Interrupted {
        return;
    }
    log.record(Event::SearchEnded { reason: StopReason::BudgetCalls });
    let incumbent = log.history.state.incumbent;
    let winner = if kind == Kind::BaselineWon { CandidateIx::BASELINE } else { incumbent };
    let hold_rows = match kind {
        Kind::Unasked => 0,
        Kind::Unproven => 40,
        _ => task.splits.hold.len() as u32,
    };
    let gain = log.history.state.standing(winner).dev().mean().unwrap()
        - log.history.state.baseline().dev().mean().unwrap();
    let shrunken_dev = (winner != CandidateIx::BASELINE).then_some(0.9 * gain);
    log.record(Event::WinnerChosen { candidate: winner, shrunken_dev, hold_rows });
    let lines = lines_of[winner.index()];
    for (candidate, lines) in [(winner, lines), (CandidateIx::BASELINE, 0)] {
        if candidate != CandidateIx::BASELINE || lines == 0 {
            let column = log.history.state.standing(candidate).column(Split::Hold, 0);
            if column.issued == 0 && hold_rows > 0 {
                log.evaluate(candidate, Split::Hold, 0..hold_rows, ability(lines));
            }
        }
    }
    log.record(Event::Finished { at });
}

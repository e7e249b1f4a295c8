//! What slots remember, folded from events in O(1) per result (amortised).

use super::memo::Memo;
use crate::candidate::Demo;
use crate::event::{Event, ProposalOutcome, Round};
use crate::id::{CandidateIx, ProposalNumber, RowIx};
use crate::state::{Facts, Status, View};
use crate::stats::{Paired, Prior};
use crate::task::example::Split;
use std::collections::{BTreeMap, HashMap};

/// One field per slot that remembers something.
#[derive(Clone, Debug, Default)]
pub struct Views {
    /// For Pareto selection.
    pub fronts: Fronts,
    /// For races and acceptance.
    pub pairs: Pairs,
    /// For the best mean.
    pub best: BestMean,
    /// For penalties on length.
    pub longest_first: LongestFirst,
    /// For novelty and diversity.
    pub likeness: Likeness,
    /// For novelty among parents.
    pub children: Children,
    /// For samplers.
    pub trials: Trials,
    /// For what is costly to find out.
    pub memo: Memo,
    /// For bandits.
    pub rounds: Rounds,
    /// For tree search.
    pub tree: super::tree::Rollouts,
    /// For the cells of a grid.
    pub niches: super::cells::Niches,
    /// For drawing operators by what they brought.
    pub gains: super::gains::Gains,
    /// For operators that wait for their turn.
    pub turns: super::turns::Turns,
}

/// The length of the longest of the first candidates.
#[derive(Clone, Debug, Default)]
pub struct LongestFirst {
    bytes: usize,
    seen: usize,
}

impl LongestFirst {
    /// Bytes of its prompt.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn apply(&mut self, facts: &Facts) {
        while let Some(standing) = facts.candidates.get(self.seen) {
            self.seen += 1;
            if standing.generation == 0 {
                self.bytes = self.bytes.max(standing.candidate.prompt.bytes());
            }
        }
    }
}

/// How many children each candidate has.
#[derive(Clone, Debug, Default)]
pub struct Children {
    counts: Vec<u32>,
    seen: usize,
}

impl Children {
    /// Those that a candidate is the first parent of.
    #[must_use]
    pub fn of(&self, candidate: CandidateIx) -> u32 {
        self.counts.get(candidate.index()).copied().unwrap_or(0)
    }

    fn apply(&mut self, facts: &Facts) {
        while let Some(standing) = facts.candidates.get(self.seen) {
            self.seen += 1;
            self.counts.resize(facts.candidates.len(), 0);
            if let Some(parent) = standing.candidate.parents.first() {
                self.counts[parent.index()] += 1;
            }
        }
    }
}

/// The rounds of the last contest, in order.
#[derive(Clone, Debug, Default)]
pub struct Rounds {
    played: Vec<Round>,
}

impl Rounds {
    /// Those so far.
    #[must_use]
    pub fn played(&self) -> &[Round] {
        &self.played
    }

    fn apply(&mut self, event: &Event) {
        if let Event::RoundStarted(round) = event {
            if self.played.last().is_some_and(|last| last.contest != round.contest) {
                self.played.clear();
            }
            self.played.push(round.clone());
        }
    }
}

/// Combinations of texts and demonstrations: which were put together, and which were tried.
#[derive(Clone, Debug, Default)]
pub struct Trials {
    tried: Vec<Trial>,
    is_tried: Vec<bool>,
    promoted: Vec<CandidateIx>,
    promoted_at: Option<u32>,
    drafted: BTreeMap<ProposalNumber, (CandidateIx, Vec<Demo>)>,
    /// The candidate that a combination is; none where it was refused.
    combined: HashMap<(CandidateIx, Vec<Demo>), Option<CandidateIx>>,
    waiting: Option<CandidateIx>,
}

/// A combination that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Which.
    pub candidate: CandidateIx,
    /// The bracket that it was tried in; without brackets, its number.
    pub series: u32,
}

impl Trials {
    /// How many.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.tried.len()).unwrap_or(u32::MAX)
    }

    /// Which, in order; one may be tried more than once.
    #[must_use]
    pub fn tried(&self) -> &[Trial] {
        &self.tried
    }

    /// Whether a combination was tried.
    #[must_use]
    pub fn is_tried(&self, candidate: CandidateIx) -> bool {
        self.is_tried.get(candidate.index()).copied().unwrap_or(false)
    }

    /// Those that were tried in a bracket.
    #[must_use]
    pub fn of_series(&self, series: u32) -> Vec<CandidateIx> {
        let trials = self.tried.iter().filter(|trial| trial.series == series);
        trials.map(|trial| trial.candidate).collect()
    }

    /// Those that got more rows on their own, in order.
    #[must_use]
    pub fn promoted(&self) -> &[CandidateIx] {
        &self.promoted
    }

    /// How many trials there had been when one last got more rows.
    #[must_use]
    pub fn promoted_at(&self) -> Option<u32> {
        self.promoted_at
    }

    /// What a text with a set of demonstrations became: nothing yet, refused, or a candidate.
    #[must_use]
    #[expect(clippy::option_option, reason = "nobody asked, or it was refused")]
    pub fn combined(&self, text: CandidateIx, set: &[Demo]) -> Option<Option<CandidateIx>> {
        self.combined.get(&(text, set.to_vec())).copied()
    }

    /// A combination that was put together to be tried, and was not yet.
    #[must_use]
    pub fn waiting(&self) -> Option<CandidateIx> {
        self.waiting
    }

    fn apply(&mut self, event: &Event, facts: &Facts) {
        match event {
            Event::ProposalDrafted(draft) if draft.operator.is_none() && draft.init.is_none() => {
                if let (Some(text), Some(demos)) = (draft.parents.first(), &draft.demos) {
                    self.drafted.insert(draft.proposal, (*text, demos.clone()));
                }
            }
            Event::ProposalAbandoned { proposal, .. } => {
                self.drafted.remove(proposal);
            }
            Event::CandidateComposed { proposal, outcome } => {
                if let Some(combination) = self.drafted.remove(proposal) {
                    let newest = u32::try_from(facts.candidates.len()).unwrap_or(u32::MAX) - 1;
                    let is_new = matches!(outcome, ProposalOutcome::Added { .. });
                    self.waiting = is_new.then_some(CandidateIx(newest));
                    self.combined.insert(combination, self.waiting);
                }
            }
            Event::RoundStarted(round) => {
                if let [candidate] = round.candidates[..] {
                    self.round_of_one(candidate, round.round, round.contest);
                }
            }
            _ => {}
        }
    }

    fn round_of_one(&mut self, candidate: CandidateIx, round: u32, series: u32) {
        if round > 0 {
            self.promoted.push(candidate);
            self.promoted_at = Some(series);
            return;
        }
        self.tried.push(Trial { candidate, series });
        if self.is_tried.len() <= candidate.index() {
            self.is_tried.resize(candidate.index() + 1, false);
        }
        self.is_tried[candidate.index()] = true;
        self.waiting = self.waiting.filter(|waiting| *waiting != candidate);
    }
}

impl View for Views {
    fn apply(&mut self, event: &Event, facts: &Facts) {
        self.pairs.apply(event, facts);
        self.longest_first.apply(facts);
        self.children.apply(facts);
        self.trials.apply(event, facts);
        self.rounds.apply(event);
        self.tree.apply(event);
        self.turns.apply(event, facts);
        self.gains.apply(event, facts);
        let judged: &[CandidateIx] = match event {
            Event::EvaluationFolded { .. } => match &facts.last_folded {
                // Only the fold of its last row finds a candidate with all rows folded.
                Some((candidate, Split::Dev, 0, _))
                    if facts.dev_rows > 0
                        && facts.standing(*candidate).dev().folded == facts.dev_rows =>
                {
                    std::slice::from_ref(candidate)
                }
                _ => &[],
            },
            Event::CandidateFinished { candidate } => std::slice::from_ref(candidate),
            Event::ContestEnded { survivors } => survivors,
            _ => &[],
        };
        for &candidate in judged {
            self.fronts.add(candidate, facts);
            self.best.add(candidate, facts);
            self.niches.add(candidate, facts, &self.likeness);
        }
        if let (Event::EvaluationFolded { .. }, Some((candidate, Split::Dev, 0, row))) =
            (event, facts.last_folded)
        {
            self.fronts.add_row(candidate, row, facts);
        }
    }
}

/// Per row of dev: the best score, and the finished candidates that reach it.
#[derive(Clone, Debug, Default)]
pub struct Fronts {
    best: Vec<f64>,
    holders: Vec<Vec<u32>>,
    finished: Vec<CandidateIx>,
    is_finished: Vec<bool>,
}

impl Fronts {
    /// Finished candidates in order of finishing.
    #[must_use]
    pub fn finished(&self) -> &[CandidateIx] {
        &self.finished
    }

    /// Per row, who is among the best.
    #[must_use]
    pub fn holders(&self) -> &[Vec<u32>] {
        &self.holders
    }

    fn add(&mut self, candidate: CandidateIx, facts: &Facts) {
        if self.is_finished.len() <= candidate.index() {
            self.is_finished.resize(candidate.index() + 1, false);
        }
        // Whoever stays in a population is judged again and again.
        if std::mem::replace(&mut self.is_finished[candidate.index()], true) {
            return;
        }
        self.finished.push(candidate);
        let standing = facts.standing(candidate);
        if standing.misses_too_much() {
            return;
        }
        let rows = facts.dev_rows as usize;
        self.best.resize(rows, f64::NEG_INFINITY);
        self.holders.resize(rows, Vec::new());
        for (row, cell) in standing.dev().cells().iter().enumerate().take(rows) {
            if let Some(score) = cell.score() {
                self.hold(candidate, row, score);
            }
        }
    }

    /// A row that a candidate was given after it was judged.
    fn add_row(&mut self, candidate: CandidateIx, row: RowIx, facts: &Facts) {
        let known = self.is_finished.get(candidate.index()).copied().unwrap_or(false);
        if known
            && let Some(score) = facts.standing(candidate).dev().cell(row).score()
            && row.index() < self.holders.len()
            && !self.holders[row.index()].contains(&candidate.0)
        {
            self.hold(candidate, row.index(), score);
        }
    }

    fn hold(&mut self, candidate: CandidateIx, row: usize, score: f64) {
        if score > self.best[row] {
            self.best[row] = score;
            self.holders[row].clear();
        }
        if score >= self.best[row] {
            self.holders[row].push(candidate.0);
        }
    }
}

/// The finished candidate with the best mean; the earlier one of equals.
#[derive(Clone, Debug, Default)]
pub struct BestMean {
    best: Option<(f64, CandidateIx)>,
    /// Those that were the best of their time among all but the seed, with their means.
    leaders: Vec<(CandidateIx, f64)>,
}

impl BestMean {
    /// Who it is.
    #[must_use]
    pub fn candidate(&self) -> Option<CandidateIx> {
        self.best.map(|(_, candidate)| candidate)
    }

    /// Those that were the best of their time among all but the seed, oldest first, with their means.
    #[must_use]
    pub fn leaders(&self) -> &[(CandidateIx, f64)] {
        &self.leaders
    }

    fn add(&mut self, candidate: CandidateIx, facts: &Facts) {
        let standing = facts.standing(candidate);
        if standing.misses_too_much() {
            return;
        }
        let Some(mean) = standing.dev().mean() else { return };
        if self.best.is_none_or(|(best, _)| mean > best) {
            self.best = Some((mean, candidate));
        }
        let leads = self.leaders.last().is_none_or(|(_, best)| mean > *best);
        if candidate != CandidateIx::BASELINE && leads {
            self.leaders.push((candidate, mean));
        }
    }
}

/// How alike the texts of candidates are: the cosine of hashed n-grams. Kept, since it is asked for
/// again and again; it follows from the texts alone.
#[derive(Clone, Debug, Default)]
pub struct Likeness {
    features: std::sync::Arc<std::sync::RwLock<Vec<std::sync::Arc<Vec<f64>>>>>,
}

/// Dimensions of the hashed n-grams.
const GRAMS: usize = 512;

impl Likeness {
    /// The cosine of two candidates' texts.
    #[must_use]
    pub fn between(&self, facts: &Facts, a: CandidateIx, b: CandidateIx) -> f64 {
        crate::stats::features::cosine(&self.of(facts, a), &self.of(facts, b)).unwrap_or(0.0)
    }

    fn of(&self, facts: &Facts, candidate: CandidateIx) -> std::sync::Arc<Vec<f64>> {
        let mut features = self.features.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        for standing in facts.candidates.iter().skip(features.len()) {
            let text: Vec<&str> =
                standing.candidate.prompt.parts().iter().map(|part| &*part.text).collect();
            features
                .push(std::sync::Arc::new(crate::stats::features::hashed(&text.join("\n"), GRAMS)));
        }
        std::sync::Arc::clone(&features[candidate.index()])
    }
}

/// However bad the children so far were, one that ties on its first block is not given up.
const LOWEST_PRIOR_MEAN: f64 = -0.05;

/// Paired differences on common rows of dev: each candidate against the incumbent and the seed.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    against_incumbent: Vec<Paired>,
    against_seed: Vec<Paired>,
    /// (mean difference from its parent, its sampling variance) of children as they were decided.
    decided: Vec<(f64, f64)>,
    is_decided: Vec<bool>,
    prior: Prior,
}

impl Pairs {
    /// A candidate against the incumbent.
    #[must_use]
    pub fn against_incumbent(&self, candidate: CandidateIx) -> Paired {
        self.against_incumbent.get(candidate.index()).copied().unwrap_or_default()
    }

    /// A candidate against the seed.
    #[must_use]
    pub fn against_seed(&self, candidate: CandidateIx) -> Paired {
        self.against_seed.get(candidate.index()).copied().unwrap_or_default()
    }

    /// What is believed of a child beside its parent before its first row: fitted to the children
    /// decided so far.
    #[must_use]
    pub fn prior(&self) -> Prior {
        self.prior
    }

    /// The same beside a reference that need not be the parent: shifted by how the parent fares
    /// beside it (`parent`), and wider by how little is known of that.
    #[must_use]
    pub fn prior_beside(&self, parent: &Paired) -> Prior {
        match parent.mean() {
            None => self.prior,
            Some(mean) => Prior {
                mean: self.prior.mean + mean,
                variance: self.prior.variance + parent.sampling_variance(),
            },
        }
    }

    fn apply(&mut self, event: &Event, facts: &Facts) {
        match event {
            Event::EvaluationFolded { .. } => {
                if let Some((candidate, Split::Dev, 0, row)) = facts.last_folded {
                    self.row_folded(candidate, row, facts);
                }
            }
            Event::IncumbentChanged { .. } => {
                for (candidate, _) in facts.numbered() {
                    if let Some(pair) = self.against_incumbent.get_mut(candidate.index()) {
                        *pair = paired(facts, candidate, facts.incumbent);
                    }
                }
            }
            Event::CandidateDropped { candidate, .. } | Event::CandidateFinished { candidate } => {
                self.decide(*candidate, facts);
            }
            _ => {}
        }
    }

    fn row_folded(&mut self, candidate: CandidateIx, row: RowIx, facts: &Facts) {
        let count = facts.candidates.len();
        self.against_incumbent.resize(count, Paired::default());
        self.against_seed.resize(count, Paired::default());
        let Some(score) = facts.standing(candidate).dev().cell(row).score() else {
            return;
        };
        push(&mut self.against_incumbent, facts, candidate, facts.incumbent, row, score);
        push(&mut self.against_seed, facts, candidate, CandidateIx::BASELINE, row, score);
        // The reference's own rows come first as a rule; where one comes late, whoever has the row
        // already is paired now.
        if candidate == facts.incumbent || candidate == CandidateIx::BASELINE {
            for (other, standing) in facts.numbered().filter(|(other, _)| *other != candidate) {
                let Some(theirs) = standing.dev().cell(row).score() else {
                    continue;
                };
                if candidate == facts.incumbent {
                    self.against_incumbent[other.index()].push(theirs - score);
                }
                if candidate == CandidateIx::BASELINE {
                    self.against_seed[other.index()].push(theirs - score);
                }
            }
        }
        if facts.standing(candidate).status == Status::Finished {
            self.decide(candidate, facts);
        }
    }

    /// What a decided child was worth beside its parent teaches what to expect of the next one.
    fn decide(&mut self, candidate: CandidateIx, facts: &Facts) {
        // Once: whoever is judged may get more rows later.
        if self.is_decided.len() <= candidate.index() {
            self.is_decided.resize(candidate.index() + 1, false);
        }
        if std::mem::replace(&mut self.is_decided[candidate.index()], true) {
            return;
        }
        let Some(parent) = facts.standing(candidate).candidate.parents.first() else { return };
        let pair = paired(facts, candidate, *parent);
        if let Some(mean) = pair.mean() {
            self.decided.push((mean, pair.sampling_variance()));
            // Children are decided on few rows, so that their spread is mostly noise, and a fit to it
            // can be sure of anything: the prior may shift, but never know more than it did at first.
            let fitted = Prior::fit(&self.decided);
            let first = Prior::default();
            self.prior = Prior {
                mean: fitted.mean.max(LOWEST_PRIOR_MEAN),
                variance: fitted.variance.max(first.variance),
            };
        }
    }
}

fn push(
    pairs: &mut [Paired],
    facts: &Facts,
    candidate: CandidateIx,
    reference: CandidateIx,
    row: RowIx,
    score: f64,
) {
    if candidate == reference {
        return;
    }
    if let Some(theirs) = facts.standing(reference).dev().cell(row).score() {
        pairs[candidate.index()].push(score - theirs);
    }
}

/// The paired differences of two candidates over all common rows of dev.
#[must_use]
pub(crate) fn paired(facts: &Facts, candidate: CandidateIx, reference: CandidateIx) -> Paired {
    let (mine, theirs) =
        (facts.standing(candidate).dev().cells(), facts.standing(reference).dev().cells());
    if candidate == reference {
        return Paired::default();
    }
    mine.iter()
        .zip(theirs)
        .filter_map(|(mine, theirs)| Some(mine.score()? - theirs.score()?))
        .collect()
}

//! Changes of what a night may spend, and of what one of its runs may: written down before they count.
//!
//! The process that works on a night alone writes its ledger. Another process asks it, by files in the night's
//! folder.

use super::Night;
use super::ledger::Fact;
use super::share::{RunState, left, taken, units};
use crate::caps::Caps;
use crate::run::{Answer, Inbox, RunDirError};
use crate::text;
use crate::units::Usd;
use serde::{Deserialize, Serialize};

/// What may be asked of a night.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum BudgetRequest {
    /// That all of its runs may spend other amounts: these caps take the place of those that it has.
    Total {
        /// The caps that are to be others.
        caps: Caps,
    },
    /// That a run may have these caps.
    Share {
        /// Its number.
        run: usize,
        /// Its caps; a missing one stays.
        caps: Caps,
    },
}

/// Why a budget was not changed.
#[derive(Debug, thiserror::Error)]
pub enum BudgetError {
    /// The ledger cannot be written.
    #[error(transparent)]
    Dir(#[from] RunDirError),
    /// The budget would not hold.
    #[error("{0}")]
    Refused(String),
}

impl BudgetRequest {
    /// The files of requests, by [`name`](Self::name).
    const FILES: [&'static str; 2] = ["total", "share"];

    /// The name of its file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        let [total, share] = Self::FILES;
        match self {
            Self::Total { .. } => total,
            Self::Share { .. } => share,
        }
    }

    /// The requests to the process that works on this night.
    #[must_use]
    pub fn inbox(night: &Night) -> Inbox {
        Inbox::new(night.dir().clone(), &Self::FILES)
    }
}

impl Night {
    /// Carries out what lies in its inbox.
    pub fn serve(&mut self, inbox: &mut Inbox) {
        for received in inbox.look() {
            let answer = match received.request().map(|request| self.change(request)) {
                Ok(Ok(())) => Answer::Done,
                Ok(Err(error)) => Answer::Refused(error.to_string()),
                Err(why) => Answer::Refused(why),
            };
            received.answer(&self.dir, &answer);
        }
    }

    /// Changes the budget.
    ///
    /// # Errors
    /// The budget would not hold, or the ledger cannot be written.
    pub fn change(&mut self, request: BudgetRequest) -> Result<(), BudgetError> {
        match request {
            BudgetRequest::Total { caps } => self.set_total(caps.over(self.caps())),
            BudgetRequest::Share { run, caps } => self.grant(run, caps),
        }
    }

    /// Changes what all runs together may spend. What has begun keeps its share; the others share what is left.
    ///
    /// # Errors
    /// Its runs have spent, or were given, more, or the ledger cannot be written.
    pub fn set_total(&mut self, caps: Caps) -> Result<(), BudgetError> {
        let name = format!("{} `{}`", self.noun(), self.file.night);
        if caps == self.caps() {
            return Ok(());
        }
        let spent = self.taken();
        let spent = Caps {
            usd: Some(spent.usd),
            calls: Some(spent.calls),
            tokens: Some(spent.tokens),
            proposals: Some(spent.proposals),
            ..Caps::default()
        };
        for ((unit, new), (_, spent)) in units(&caps).into_iter().zip(units(&spent)) {
            if let (Some(new), Some(spent)) = (new, spent)
                && new < spent
            {
                return Err(BudgetError::Refused(format!(
                    "the runs of the {name} have spent, or were given, {}: its total must be at least that",
                    in_words(unit, spent)
                )));
            }
        }
        for (state, run) in self.runs().iter().zip(&self.file.runs) {
            let RunState::Given(own) = state else { continue };
            let pairs = units(&caps).into_iter().zip(units(own));
            if let Some(((unit, _), _)) =
                pairs.into_iter().find(|(new, own)| new.1.is_some() && own.1.is_none())
            {
                return Err(BudgetError::Refused(format!(
                    "the run `{}` of the {name} has begun without a cap on {unit}: give it one first",
                    run.run
                )));
            }
        }
        Ok(self.ledger.append(&Fact::Total { caps })?)
    }

    /// The most that a run may spend in each unit beside what the other runs take; a unit without a cap is left out.
    #[must_use]
    pub fn room_of(&self, run: usize) -> Caps {
        let others = self.runs().iter().enumerate().filter(|(number, _)| *number != run);
        left(self.caps(), &taken(others.map(|(_, state)| state)))
    }

    /// Gives a run more, as far as the night has it left beside what the other runs take.
    ///
    /// # Errors
    /// The night does not have as much left, or the ledger cannot be written.
    pub fn grant(&mut self, run: usize, caps: Caps) -> Result<(), BudgetError> {
        let given = match self.runs().get(run) {
            Some(RunState::Given(caps)) => *caps,
            _ => Caps::default(),
        };
        let asked = caps.over(given);
        let room = self.room_of(run);
        for ((unit, left), (_, asked)) in units(&room).into_iter().zip(units(&asked)) {
            let Some(left) = left.filter(|left| asked.is_none_or(|asked| asked > *left)) else {
                continue;
            };
            return Err(BudgetError::Refused(format!(
                "the {} `{}` has {} for this run, beside what its other runs have spent or were given",
                self.noun(),
                self.file.night,
                in_words(unit, left)
            )));
        }
        let more = Caps {
            usd: asked.usd.max(given.usd),
            calls: asked.calls.max(given.calls),
            tokens: asked.tokens.max(given.tokens),
            proposals: asked.proposals.max(given.proposals),
            ..asked
        };
        let is_given = matches!(self.runs().get(run), Some(RunState::Given(_)));
        if is_given && units(&more) == units(&given) {
            return Ok(());
        }
        Ok(self.ledger.append(&Fact::Given { run, caps: more })?)
    }
}

fn in_words(unit: &str, amount: u64) -> String {
    match unit {
        "dollars" => Usd::from_nanos(amount).to_string(),
        unit => format!("{} {unit}", text::thousands(amount)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{NightFile, NightRun, SCHEMA, Spending};
    use super::*;
    use crate::seed::Seed;
    use jiff::Timestamp;

    fn calls(calls: u64) -> Caps {
        Caps { calls: Some(calls), ..Caps::default() }
    }

    fn night(place: &std::path::Path) -> Night {
        let run = |name: &str| NightRun::new("t".into(), name.to_owned());
        let file = NightFile {
            schema: SCHEMA,
            night: "n".to_owned(),
            created: Timestamp::UNIX_EPOCH,
            caps: calls(300),
            runs: vec![run("n-a"), run("n-b"), run("n-c")],
            strategy: "auto".to_owned(),
            sets: Vec::new(),
            seed: Some(Seed(1)),
            concurrency: None,
            migration: None,
        };
        Night::create(&place.join("n"), file).unwrap().0
    }

    /// All that may be spent stays within the total, whatever is changed, also after a restart.
    #[test]
    fn a_run_gets_no_more_than_its_night_has_left() {
        let place = tempfile::tempdir().unwrap();
        let mut night = night(place.path());
        let spent = |calls| Spending { calls, ..Spending::default() };
        assert_eq!(night.give(0).unwrap(), Some(calls(100)));
        let refused = night.grant(0, calls(301)).unwrap_err().to_string();
        assert!(refused.contains("the night `n` has 300 calls for this run"), "{refused}");
        night.grant(0, calls(160)).unwrap();
        // A cap of the run that is lowered again is not taken for what it may have at most.
        night.grant(0, calls(120)).unwrap();
        assert_eq!(night.runs()[0], RunState::Given(calls(160)));
        assert_eq!(night.give(1).unwrap(), Some(calls(70)));
        let low = night.set_total(calls(229)).unwrap_err().to_string();
        assert!(low.contains("were given, 230 calls"), "{low}");
        night.set_total(calls(600)).unwrap();
        let usd = Caps { usd: Some(Usd::from_nanos(1)), ..calls(600) };
        let unit = night.set_total(usd).unwrap_err().to_string();
        assert!(unit.contains("`n-a`") && unit.contains("without a cap on dollars"), "{unit}");
        // One that has ended, and is to go on, takes what it is given.
        night.ended(0, spent(150)).unwrap();
        assert!(night.grant(0, calls(531)).is_err());
        night.grant(0, calls(500)).unwrap();
        let dir = night.dir().clone();
        let mut night = Night::read(&dir).unwrap();
        assert_eq!(night.caps(), calls(600));
        assert_eq!(night.give(2).unwrap(), Some(calls(30)));
        std::fs::create_dir(night.run_dir(1)).unwrap();
        assert_eq!(Night::of_run(&crate::run::RunDir::at(night.run_dir(1))).unwrap().unwrap().1, 1);
    }
}

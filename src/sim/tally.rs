//! What the simulated server was asked, answered, and would bill.

use super::faults::Fault;
use super::{CLERK, EDITOR, EMBEDDER, JUDGE};
use crate::task::model::{Usage, simulated_price};
use crate::units::Usd;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// A request body's hash.
pub(super) type BodyHash = [u8; 16];

/// What became of a request for which an answer was generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// The whole answer was sent.
    Answered,
    /// The client left before it could be sent.
    Abandoned,
    /// It was never sent.
    Hung,
    /// Half of it was sent.
    Truncated,
    /// It was sent without its text.
    Empty,
}

impl Outcome {
    const ALL: [Self; 5] =
        [Self::Answered, Self::Abandoned, Self::Hung, Self::Truncated, Self::Empty];
}

/// Tokens and simulated dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bill {
    count: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    usd: Usd,
}

impl Serialize for Bill {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown {
            count: u64,
            prompt_tokens: u64,
            completion_tokens: u64,
            usd: f64,
        }
        let shown = Shown {
            count: self.count,
            prompt_tokens: self.prompt_tokens,
            completion_tokens: self.completion_tokens,
            usd: self.usd.dollars(),
        };
        shown.serialize(serializer)
    }
}

impl Bill {
    fn add(&mut self, usage: Usage, usd: Usd) {
        self.count += 1;
        self.prompt_tokens += usage.prompt().0;
        self.completion_tokens += usage.answer().0;
        self.usd += usd;
    }
}

/// Faults met, by kind.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Met {
    throttled: u64,
    failed: u64,
    unavailable: u64,
    hung: u64,
    truncated: u64,
    empty: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    times: u32,
    answered: u32,
}

/// All counts since the start or the last reset.
#[derive(Debug, Default)]
pub(super) struct Tally {
    requests: u64,
    unauthorized: u64,
    bad_request: u64,
    unrecorded: u64,
    faults: Met,
    models: BTreeMap<String, Bill>,
    billed: BTreeMap<Outcome, Bill>,
    bodies: HashMap<BodyHash, Seen>,
    repeated_bodies: u64,
    repeat_answers: u64,
}

/// The counts as they are shown.
#[derive(Serialize)]
struct Shown<'a> {
    requests: u64,
    answered: u64,
    refused: Refused,
    faults: Met,
    models: BTreeMap<&'a str, Bill>,
    billed: Billed,
    bodies: Bodies,
}

#[derive(Serialize)]
struct Refused {
    unauthorized: u64,
    bad_request: u64,
    unrecorded: u64,
}

#[derive(Serialize)]
struct Billed {
    total: Bill,
    #[serde(flatten)]
    by_outcome: BTreeMap<Outcome, Bill>,
}

#[derive(Serialize)]
struct Bodies {
    distinct: usize,
    answered_more_than_once: u64,
    repeat_answers: u64,
}

impl Tally {
    /// A request came in.
    pub(super) fn received(&mut self) {
        self.requests += 1;
    }

    /// It had no key.
    pub(super) fn unauthorized(&mut self) {
        self.unauthorized += 1;
    }

    /// It was no chat request.
    pub(super) fn refused(&mut self) {
        self.bad_request += 1;
    }

    /// Nothing was recorded that answers it.
    pub(super) fn unrecorded(&mut self) {
        self.unrecorded += 1;
    }

    /// A body; says how often it was seen before.
    pub(super) fn see(&mut self, body: BodyHash) -> u32 {
        let seen = self.bodies.entry(body).or_default();
        seen.times += 1;
        seen.times - 1
    }

    /// A fault was drawn.
    pub(super) fn met(&mut self, fault: Fault) {
        let count = match fault {
            Fault::Throttled => &mut self.faults.throttled,
            Fault::Failed => &mut self.faults.failed,
            Fault::Unavailable => &mut self.faults.unavailable,
            Fault::Hung => &mut self.faults.hung,
            Fault::Truncated => &mut self.faults.truncated,
            Fault::Empty => &mut self.faults.empty,
        };
        *count += 1;
    }

    /// An answer was generated, and a provider would bill it.
    pub(super) fn bill(&mut self, body: BodyHash, model: &str, usage: Usage, outcome: Outcome) {
        let usd = simulated_price(model).map_or(Usd::ZERO, |price| price.of(usage));
        if let Some(bill) = self.models.get_mut(model) {
            bill.add(usage, usd);
        } else {
            self.models.entry(model.to_owned()).or_default().add(usage, usd);
        }
        self.billed.entry(outcome).or_default().add(usage, usd);
        if outcome == Outcome::Answered {
            let seen = self.bodies.entry(body).or_default();
            seen.answered += 1;
            self.repeated_bodies += u64::from(seen.answered == 2);
            self.repeat_answers += u64::from(seen.answered >= 2);
        }
    }

    /// The counts as JSON.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let mut total = Bill::default();
        for bill in self.billed.values() {
            total.count += bill.count;
            total.prompt_tokens += bill.prompt_tokens;
            total.completion_tokens += bill.completion_tokens;
            total.usd += bill.usd;
        }
        // What has not happened yet is shown as zero.
        let of = |outcome| self.billed.get(&outcome).copied().unwrap_or_default();
        let of_model = |model| self.models.get(model).copied().unwrap_or_default();
        let shown = Shown {
            requests: self.requests,
            answered: of(Outcome::Answered).count,
            refused: Refused {
                unauthorized: self.unauthorized,
                bad_request: self.bad_request,
                unrecorded: self.unrecorded,
            },
            faults: self.faults,
            models: [CLERK, EDITOR, EMBEDDER, JUDGE].map(|model| (model, of_model(model))).into(),
            billed: Billed { total, by_outcome: Outcome::ALL.map(|it| (it, of(it))).into() },
            bodies: Bodies {
                distinct: self.bodies.len(),
                answered_more_than_once: self.repeated_bodies,
                repeat_answers: self.repeat_answers,
            },
        };
        // Numbers by name always serialise.
        serde_json::to_vec(&shown).unwrap_or_default()
    }
}

//! How many proposals and rows caps pay for.

use crate::caps::Caps;
use crate::ledger::Finale;
use crate::units::Usd;

/// What one call uses, and costs where its price is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallCost {
    pub(super) usd: Option<Usd>,
    pub(super) tokens: u64,
}

impl CallCost {
    pub(super) fn times(self, calls: u64) -> Self {
        Self {
            usd: self.usd.map(|usd| usd.saturating_mul(calls)),
            tokens: self.tokens.saturating_mul(calls),
        }
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            usd: self.usd.zip(other.usd).map(|(one, other)| one + other),
            tokens: self.tokens.saturating_add(other.tokens),
        }
    }
}

/// The numbers that the calls of a run follow from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Affordable {
    pub(super) caps: Caps,
    /// The most proposals: what a cap or the recipe says.
    pub(super) proposals: Option<u64>,
    /// The share of what is left that proposals are made of: all, but where other phases follow.
    pub(super) share: f64,
    /// What is kept for the choice of the winner.
    pub(super) finale: Finale,
    /// Rows that are asked whatever is proposed: the baseline's of dev, and the held-out ones.
    pub(super) kept: u64,
    /// What these rows use together.
    pub(super) of_kept: CallCost,
    /// Calls that a row takes: its own, and those of a judge.
    pub(super) calls_per_row: u64,
    /// Of one row, with a prompt that is tried, and with its grades.
    pub(super) row: CallCost,
    /// Of one proposal, as the mutators are drawn, with the vectors of its texts.
    pub(super) proposal: CallCost,
    /// Requests to a mutator for each prompt: one or none.
    pub(super) requests: u64,
    /// Requests for vectors for each prompt: one or none.
    pub(super) embeds: u64,
}

impl Affordable {
    /// The most proposals that it pays for, with this many rows asked for each; `None` where nothing
    /// limits them.
    pub(super) fn proposals(&self, rollouts: u64) -> Option<u64> {
        let limits = [self.by_calls(rollouts), self.by_usd(rollouts), self.by_tokens(rollouts)];
        let by_caps = limits.into_iter().flatten().min();
        let share = |all: u64| (all as f64 * self.share) as u64;
        [self.proposals, by_caps.map(share)].into_iter().flatten().min()
    }

    fn by_calls(&self, rollouts: u64) -> Option<u64> {
        let cap = self.caps.calls?;
        let each = self.calls_per_row;
        let left = cap.saturating_sub(self.finale.kept(cap, each));
        // One for the baseline, too.
        let left = left.saturating_sub(self.kept * each + self.embeds);
        left.checked_div(rollouts.saturating_mul(each) + self.requests + self.embeds)
    }

    fn by_usd(&self, rollouts: u64) -> Option<u64> {
        let (cap, row, proposal) = (self.caps.usd?, self.row.usd?, self.proposal.usd?);
        let each = row.saturating_mul(rollouts) + proposal;
        let finale = Usd::from_nanos(self.finale.kept(cap.nanos(), row.nanos()));
        let left = cap.saturating_sub(finale).saturating_sub(self.of_kept.usd?);
        left.nanos().checked_div(each.nanos())
    }

    fn by_tokens(&self, rollouts: u64) -> Option<u64> {
        let each = self.row.tokens.saturating_mul(rollouts).saturating_add(self.proposal.tokens);
        let cap = self.caps.tokens?.0;
        let left = cap.saturating_sub(self.finale.kept(cap, self.row.tokens));
        Some(left.saturating_sub(self.of_kept.tokens) / each.max(1))
    }

    /// The rows that are asked beside this many proposals, each with this many rows at least and at most: what
    /// the tightest cap leaves, else what is planned. `None` where nothing limits them, as nothing may limit
    /// the proposals.
    pub(super) fn rows(&self, proposals: Option<u64>, per_proposal: [u64; 2]) -> Option<u64> {
        let planned = |each: u64| Some(self.kept.saturating_add(proposals?.saturating_mul(each)));
        let [least, most] = per_proposal;
        // Without a limit they cost nothing that a cap counts.
        let proposals = proposals.unwrap_or(0);
        let by_calls = self.caps.calls.map(|cap| {
            let of_prompts = proposals.saturating_mul(self.requests + self.embeds) + self.embeds;
            cap.saturating_sub(of_prompts) / self.calls_per_row
        });
        let by_usd = || {
            let (cap, row, proposal) = (self.caps.usd?, self.row.usd?, self.proposal.usd?);
            let left = cap.saturating_sub(proposal.saturating_mul(proposals));
            self.rows_of(left.nanos(), self.of_kept.usd?.nanos(), row.nanos())
        };
        let by_tokens = || {
            let left = self.caps.tokens?.0;
            let left = left.saturating_sub(self.proposal.tokens.saturating_mul(proposals));
            self.rows_of(left, self.of_kept.tokens, self.row.tokens)
        };
        // A recipe that stops by itself also replicates its shortlist.
        let each = self.calls_per_row;
        let finale = self.finale.kept(self.caps.calls.unwrap_or(u64::MAX), each) / each;
        let by_proposals = self
            .proposals
            .and_then(|_| Some(planned(u64::midpoint(least, most))?.saturating_add(finale)));
        let caps = [by_calls, by_usd(), by_tokens(), by_proposals];
        caps.into_iter().flatten().min().or_else(|| planned(u64::midpoint(least, most)))
    }

    /// The rows that an amount pays for: those that are kept, which use `of_kept` together, and then others at `row` each.
    /// `None` where a row is free.
    fn rows_of(&self, left: u64, of_kept: u64, row: u64) -> Option<u64> {
        match left.checked_sub(of_kept) {
            Some(rest) => Some(rest.checked_div(row)?.saturating_add(self.kept)),
            None => {
                let rows = u128::from(left) * u128::from(self.kept) / u128::from(of_kept);
                u64::try_from(rows).ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::model::Usage;
    use crate::units::Tokens;

    fn usd(dollars: f64) -> Option<Usd> {
        Usd::from_dollars(dollars)
    }

    /// Ten rows are kept; a row costs a cent and 100 tokens, a proposal ten cents and 1,000 tokens.
    fn affordable(caps: Caps, share: f64) -> Affordable {
        let finale = Finale { share, least: 0, most: u64::MAX };
        let row = CallCost { usd: usd(0.01), tokens: 100 };
        let proposal = CallCost { usd: usd(0.1), tokens: 1_000 };
        let of_kept = row.times(10);
        Affordable {
            calls_per_row: 1,
            caps,
            proposals: caps.proposals,
            share: 1.0,
            finale,
            kept: 10,
            of_kept,
            row,
            proposal,
            requests: 1,
            embeds: 0,
        }
    }

    #[test]
    fn a_budget_pays_for_as_many_proposals_as_its_tightest_cap() {
        let none = Caps::default();
        let cases = [
            // Nothing limits them.
            (none, 0.0, 4, None),
            (Caps { proposals: Some(7), ..none }, 0.0, 4, Some(7)),
            // (110 - 10) / (4 + 1)
            (Caps { calls: Some(110), ..none }, 0.0, 4, Some(20)),
            // A finale keeps a fifth: (110 * 0.8 - 10) / 5 = 15.6
            (Caps { calls: Some(110), ..none }, 0.2, 4, Some(15)),
            (Caps { calls: Some(9), ..none }, 0.0, 4, Some(0)),
            // ($1.50 - 10 * $0.01) / (4 * $0.01 + $0.10)
            (Caps { usd: usd(1.5), ..none }, 0.0, 4, Some(10)),
            // ($1.50 * 0.8 - $0.10) / $0.14 = 7.86
            (Caps { usd: usd(1.5), ..none }, 0.2, 4, Some(7)),
            // (15,000 - 1,000) / (400 + 1,000)
            (Caps { tokens: Some(Tokens(15_000)), ..none }, 0.0, 4, Some(10)),
            // (15,000 * 0.8 - 1,000) / 1,400 = 7.86
            (Caps { tokens: Some(Tokens(15_000)), ..none }, 0.2, 4, Some(7)),
            (
                Caps { calls: Some(110), usd: usd(1.5), proposals: Some(12), ..none },
                0.0,
                4,
                Some(10),
            ),
        ];
        for (caps, finale, rollouts, proposals) in cases {
            assert_eq!(affordable(caps, finale).proposals(rollouts), proposals, "{caps:?}");
        }
        // Where a price is not known, a cap in dollars says nothing.
        let row = CallCost { usd: None, tokens: 100 };
        let unknown =
            Affordable { row, of_kept: row, ..affordable(Caps { usd: usd(1.5), ..none }, 0.0) };
        assert_eq!(unknown.proposals(4), None);
        // Models that cost nothing are limited by nothing.
        let free = CallCost { usd: usd(0.0), tokens: 0 };
        let free = Affordable {
            of_kept: free,
            row: free,
            proposal: free,
            ..affordable(Caps { usd: usd(1.5), ..none }, 0.0)
        };
        assert_eq!((free.proposals(4), free.rows(None, [2, 6])), (None, None));
    }

    #[test]
    fn the_rows_are_what_the_proposals_leave() {
        let none = Caps::default();
        let rows = |caps, proposals| affordable(caps, 0.0).rows(proposals, [2, 6]);
        assert_eq!(rows(none, None), None, "nothing limits them");
        assert_eq!(rows(Caps { calls: Some(110), ..none }, Some(20)), Some(90));
        // 20 requests to the mutator, 20 for vectors, and one for the baseline's.
        let embeds = Affordable { embeds: 1, ..affordable(Caps { calls: Some(110), ..none }, 0.0) };
        assert_eq!(embeds.rows(Some(20), [2, 6]), Some(69));
        // (110 - 10 - 1) / (4 + 2)
        assert_eq!(embeds.proposals(4), Some(16));
        // ($1.50 - 10 * $0.10) / $0.01
        assert_eq!(rows(Caps { usd: usd(1.5), ..none }, Some(10)), Some(50));
        // 10 + 5 * (2 + 6) / 2
        assert_eq!(rows(none, Some(5)), Some(30));
    }

    #[test]
    fn a_share_a_limit_and_a_cap_below_what_is_kept_leave_less() {
        // Whatever the caps would pay for.
        let few = Affordable {
            proposals: Some(4),
            ..affordable(Caps { usd: usd(1_000.0), ..Caps::default() }, 0.0)
        };
        assert_eq!(few.proposals(8), Some(4));
        assert_eq!(few.rows(Some(4), [8, 20]), Some(10 + 4 * 14));
        let first = Affordable {
            share: 0.5,
            ..affordable(Caps { calls: Some(110), ..Caps::default() }, 0.0)
        };
        assert_eq!(first.proposals(4), Some(10), "half of 20");
        // A cap that does not pay for what is kept: $0.04 of $0.10 for ten rows.
        let little = affordable(Caps { usd: usd(0.04), ..Caps::default() }, 0.0);
        assert_eq!((little.proposals(4), little.rows(Some(0), [8, 20])), (Some(0), Some(4)));
    }

    #[test]
    fn held_out_rows_and_tried_prompts_cost_more_than_the_baseline() {
        let longer = Usage::plain(100, 10).with_longer_prompt(Tokens(600));
        assert_eq!((longer.prompt(), longer.answer()), (Tokens(700), Tokens(10)));
        let row = CallCost { usd: usd(0.01), tokens: 100 };
        let both = row.times(30).and(CallCost { usd: usd(0.02), tokens: 700 }.times(5));
        assert_eq!((both.usd, both.tokens), (usd(0.4), 6_500));
        let unknown = CallCost { usd: None, tokens: 1 };
        assert_eq!(row.and(unknown).usd, None);
    }
}

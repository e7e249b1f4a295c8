//! What rows of a simulated task are about: phrases to build inputs of, and the rules that decide.

/// A subject with its rules.
#[derive(Debug)]
pub(crate) struct Domain {
    /// For the task file.
    pub(crate) about: &'static str,
    /// What the baseline says first.
    pub(crate) intro: &'static str,
    /// How the baseline asks for an answer.
    pub(crate) ask: &'static str,
    /// How a good prompt asks for it.
    pub(crate) form: &'static str,
    /// What comes between a rule's condition and where it leads.
    pub(crate) verb: &'static str,
    pub(crate) answers: Answers,
    pub(crate) openings: &'static [&'static str],
    pub(crate) asides: &'static [&'static str],
    /// An empty one is none.
    pub(crate) closings: &'static [&'static str],
    /// Placeholders of this domain; `name`, `day`, `month` and `n` are known everywhere.
    pub(crate) slots: &'static [(&'static str, &'static [&'static str])],
    pub(crate) rules: &'static [Rule],
}

/// What answers look like.
#[derive(Debug)]
pub(crate) enum Answers {
    /// One of these.
    Label(&'static [&'static str]),
    /// A number.
    Number,
    /// An object with three fields that the text names and one that a rule decides.
    Object {
        /// The keys of what the text names: a code, a person, a number.
        named: [&'static str; 3],
        /// The key of what a rule decides.
        decided: &'static str,
        /// Says the three, with `{code}`, `{person}` and `{count}`.
        says: &'static str,
    },
}

/// One rule with ways in which rows show its case.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The case; where answers are numbers, the whole rule.
    pub(crate) when: &'static str,
    /// Where it leads.
    pub(crate) to: &'static str,
    /// Why.
    pub(crate) why: &'static str,
    /// Sentences that show the case.
    pub(crate) cases: [&'static str; 3],
    /// How to reckon, where answers are numbers.
    pub(crate) sum: Option<Sum>,
}

/// How to get the answer from the numbers `{a}` and `{b}`.
#[derive(Debug)]
pub(crate) struct Sum {
    pub(crate) of: fn(f64, f64) -> f64,
    /// Least and most of `{a}`.
    pub(crate) a: (u32, u32),
    /// Least and most of `{b}`.
    pub(crate) b: (u32, u32),
}

/// A rule that leads to a name.
pub(crate) const fn rule(
    when: &'static str,
    to: &'static str,
    why: &'static str,
    cases: [&'static str; 3],
) -> Rule {
    Rule { when, to, why, cases, sum: None }
}

/// A rule by which one reckons.
pub(crate) const fn sum(
    when: &'static str,
    of: fn(f64, f64) -> f64,
    a: (u32, u32),
    b: (u32, u32),
    cases: [&'static str; 3],
) -> Rule {
    Rule { when, to: "", why: "", cases, sum: Some(Sum { of, a, b }) }
}

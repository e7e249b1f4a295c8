//! What a command may spend, as flags say it, and the numbers that flags take.

use crate::units::Usd;
use clap::Args;

/// The caps on what is spent.
#[derive(Debug, Default, Args)]
pub(crate) struct SpendingArgs {
    /// Spend at most X dollars, across all models
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = dollars)]
    pub max_usd: Option<Usd>,
    /// Make at most N calls, across all models
    #[arg(long, value_name = "N", value_parser = whole_number)]
    pub max_calls: Option<u64>,
    /// Use at most N tokens (input and output), across all models
    #[arg(long, value_name = "N", value_parser = whole_number)]
    pub max_tokens: Option<u64>,
    /// Request at most N proposals from the mutator
    #[arg(long, value_name = "N", value_parser = whole_number)]
    pub max_proposals: Option<u64>,
}

/// Caps on the command line.
#[derive(Debug, Default, Args)]
pub(crate) struct CapArgs {
    #[command(flatten)]
    pub spending: SpendingArgs,
    /// Stop after this long, for example 8h
    #[arg(long = "for", value_name = "DURATION")]
    pub wall: Option<String>,
    /// Stop by this time, for example 07:00 or 2026-01-31T07:00
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

impl CapArgs {
    /// Whether any of them is on the command line.
    pub(super) fn is_given(&self) -> bool {
        let SpendingArgs { max_usd, max_calls, max_tokens, max_proposals } = &self.spending;
        let numbers = [max_calls, max_tokens, max_proposals];
        max_usd.is_some()
            || numbers.iter().any(|it| it.is_some())
            || self.wall.is_some()
            || self.until.is_some()
    }
}

pub(super) fn whole_number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "write a whole number in digits, such as 1000".to_owned())
}

pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "write a whole number of 1 or more".to_owned())
}

/// A cap in dollars, to the nano-dollar.
pub(super) fn dollars(text: &str) -> Result<Usd, String> {
    let number: f64 =
        text.parse().map_err(|_| "write a number with a point, such as 2.50".to_owned())?;
    let usd = Usd::from_dollars(number).filter(|usd| *usd > Usd::ZERO);
    usd.ok_or_else(|| "it is not a positive amount of dollars".to_owned())
}

pub(super) fn share(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "it must be a number from 0 to 1".to_owned())
}

pub(super) fn chance(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| *number > 0.0 && *number < 1.0);
    number.ok_or_else(|| "it must be a number above 0 and below 1".to_owned())
}

pub(super) fn not_negative(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "it must be a number, 0 or more".to_owned())
}

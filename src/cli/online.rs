//! `ab --log` and `assign`: an online test, from the division of its traffic to what its log says.

use super::args::{AbArgs, AssignArgs, CodeLanguage};
use super::error::CliError;
use super::screen::Screen;
use crate::compare::online::{
    self, ArmWeights, Assignment, Language, Log, LogColumns, OnlineTest, TestDesign,
};
use serde_json::json;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

/// Says what the log of an online test shows.
pub(super) fn ab(file: &Path, args: &AbArgs, screen: &Screen) -> Result<(), CliError> {
    let columns = LogColumns {
        unit: args.unit.clone(),
        arm: args.arm.clone(),
        outcome: args.outcome.clone(),
        cost: args.cost.clone(),
        time: args.time.clone(),
        segments: args.segment.clone(),
    };
    let arms = (!args.arms.is_empty()).then(|| ArmWeights::new(args.arms.clone()));
    let design = TestDesign {
        control: args.control.clone(),
        arms: arms.transpose().map_err(CliError::usage)?,
        margin: args.margin,
        effect: args.effect,
        late_from: args.late_from,
    };
    let log = Log::read(file, &columns)?;
    let test = OnlineTest::of(&log, &columns, &design)
        .map_err(|message| CliError::invalid(format!("{}: {message}", file.display())))?;
    screen.show(&serde_json::to_value(&test)?, &online::page(&test))
}

/// Says which arm each unit is in, or how another language finds it.
pub(super) fn assign(args: &AssignArgs, screen: &Screen) -> Result<(), CliError> {
    let assignment = ArmWeights::new(args.arms.clone())
        .and_then(|arms| Assignment::new(&args.experiment, arms))
        .map_err(CliError::usage)?;
    if let Some(language) = args.code {
        let code = assignment.code(match language {
            CodeLanguage::Python => Language::Python,
            CodeLanguage::Javascript => Language::JavaScript,
            CodeLanguage::Java => Language::Java,
        });
        return screen.show(&json!({ "code": code }), code.trim_end());
    }
    let units = match args.units.is_empty() {
        false => args.units.clone(),
        true => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(|error| {
                CliError::invalid(format!("the standard input cannot be read: {error}"))
            })?;
            text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
        }
    };
    let mut out = String::new();
    let mut assigned = Vec::new();
    for unit in &units {
        let arm = assignment.arm(unit);
        let _ = writeln!(out, "{arm}");
        assigned.push(json!({ "unit": unit, "arm": arm }));
    }
    screen.show(&json!(assigned), out.trim_end())
}

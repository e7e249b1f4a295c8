//! Results as a build server reads them: test cases in JUnit's XML, and a run as such cases.

use super::Report;
use super::claim;
use super::verdict;
use super::words::visible_line;
use crate::run::{RunKind, Status};
use std::fmt::Write as _;

/// How a test case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseOutcome {
    /// What was to be shown is shown.
    Passed,
    /// It is not.
    Failed(String),
    /// It was not measured: the case neither passed nor failed.
    NotMeasured(String),
    /// It is not known yet.
    Skipped(String),
}

/// A test case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCase {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: CaseOutcome,
    /// What a person should know of it, one fact a line.
    pub facts: Vec<String>,
}

/// A suite of test cases about a task in JUnit's XML.
#[must_use]
pub fn junit(suite: &str, task: &str, cases: &[TestCase]) -> String {
    let of = |is: fn(&CaseOutcome) -> bool| cases.iter().filter(|it| is(&it.outcome)).count();
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\"",
        cases.len(),
        of(|it| matches!(it, CaseOutcome::Failed(_))),
        of(|it| matches!(it, CaseOutcome::NotMeasured(_))),
    );
    let skipped = of(|it| matches!(it, CaseOutcome::Skipped(_)));
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n\
         <testsuite name=\"{}\" {counts} skipped=\"{skipped}\">\n",
        xml(suite)
    );
    for TestCase { name, outcome, facts } in cases {
        let facts = facts.iter().map(|fact| xml(fact)).collect::<Vec<_>>().join("\n");
        let inside = match outcome {
            CaseOutcome::Passed if facts.is_empty() => String::new(),
            CaseOutcome::Passed => format!("<system-out>{facts}</system-out>"),
            CaseOutcome::Failed(why) => {
                format!("<failure message=\"{}\">{facts}</failure>", xml(why))
            }
            CaseOutcome::NotMeasured(why) => {
                format!("<error message=\"{}\">{facts}</error>", xml(why))
            }
            CaseOutcome::Skipped(why) => format!("<skipped message=\"{}\"/>", xml(why)),
        };
        let [task, name] = [task, name].map(xml);
        let _ = writeln!(out, "<testcase classname=\"{task}\" name=\"{name}\">{inside}</testcase>");
    }
    out.push_str("</testsuite>\n</testsuites>\n");
    out
}

/// A run: whether its goal is confirmed, and a case for each claim that the goal makes. An evaluation is measured or
/// not.
#[must_use]
pub fn run_junit(report: &Report<'_>) -> String {
    let summary = report.summary;
    let is_evaluation = report.run_file.is_some_and(|file| file.kind != RunKind::Search);
    let verdict = verdict::verdict(report);
    let sentence = format!("{}: {}", verdict.word, verdict.sentence);
    let is_over = matches!(summary.status, Status::Finished | Status::Failed);
    let is_asked = summary.gain.is_some() || !report.has_winner();
    let outcome = match summary.confirmed {
        _ if !is_over => CaseOutcome::Skipped(sentence.clone()),
        _ if is_evaluation => match summary.baseline.as_ref().and_then(|it| it.dev) {
            Some(_) => CaseOutcome::Passed,
            None => CaseOutcome::NotMeasured(sentence.clone()),
        },
        Some(true) => CaseOutcome::Passed,
        _ if summary.status == Status::Failed => CaseOutcome::NotMeasured(sentence.clone()),
        _ if is_asked => CaseOutcome::Failed(sentence.clone()),
        _ => CaseOutcome::NotMeasured(sentence.clone()),
    };
    let simulated = verdict.simulated.map(str::to_owned);
    let facts = [sentence].into_iter().chain(verdict.details).chain(simulated);
    let name =
        if is_evaluation { "measured".to_owned() } else { format!("goal: {}", report.task.goal) };
    // What is not decided of the goal is not decided of its claims, unless it is shown.
    let open = match &outcome {
        CaseOutcome::Skipped(_) | CaseOutcome::NotMeasured(_) => outcome.clone(),
        _ => CaseOutcome::Failed("held-out rows do not show it".to_owned()),
    };
    let mut cases = vec![TestCase { name, outcome, facts: facts.collect() }];
    if summary.claims.len() > 1 {
        cases.extend(claim::each(report).map(|(words, is_shown, measured)| TestCase {
            outcome: match is_shown {
                true => CaseOutcome::Passed,
                false => open.clone(),
            },
            name: format!("claim: {words}"),
            facts: measured.into_iter().collect(),
        }));
    }
    junit(&format!("promptsearch {}", summary.run), &report.task.name, &cases)
}

/// Text between tags or in quotes. What XML cannot hold is left out.
fn xml(text: &str) -> String {
    visible_line(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_counted_by_outcome_and_no_text_leaves_its_place() {
        let case = |outcome: CaseOutcome, fact: &str| TestCase {
            name: "a \"b\"".to_owned(),
            outcome,
            facts: vec![fact.to_owned()],
        };
        let why = || "1 < 2 & \"so\"".to_owned();
        let cases = [
            case(CaseOutcome::Passed, "</system-out>]]>\u{0}"),
            case(CaseOutcome::Failed(why()), "x"),
            case(CaseOutcome::NotMeasured(why()), "x"),
            case(CaseOutcome::Skipped(why()), "x"),
        ];
        insta::assert_snapshot!(junit("s<", "t&", &cases), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites tests="4" failures="1" errors="1">
        <testsuite name="s&lt;" tests="4" failures="1" errors="1" skipped="1">
        <testcase classname="t&amp;" name="a &quot;b&quot;"><system-out>&lt;/system-out&gt;]]&gt;␀</system-out></testcase>
        <testcase classname="t&amp;" name="a &quot;b&quot;"><failure message="1 &lt; 2 &amp; &quot;so&quot;">x</failure></testcase>
        <testcase classname="t&amp;" name="a &quot;b&quot;"><error message="1 &lt; 2 &amp; &quot;so&quot;">x</error></testcase>
        <testcase classname="t&amp;" name="a &quot;b&quot;"><skipped message="1 &lt; 2 &amp; &quot;so&quot;"/></testcase>
        </testsuite>
        </testsuites>
        "#);
    }
}

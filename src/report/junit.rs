//! Results as a build server reads them: test cases in JUnit's XML, and a run as a suite of them.

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

/// Test cases about a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestSuite {
    /// Its name.
    pub name: String,
    /// The task's name.
    pub task: String,
    /// Its cases.
    pub cases: Vec<TestCase>,
}

/// One suite in JUnit's XML.
#[must_use]
pub fn junit(suite: &str, task: &str, cases: &[TestCase]) -> String {
    let (name, task, cases) = (suite.to_owned(), task.to_owned(), cases.to_vec());
    junit_of(&[TestSuite { name, task, cases }])
}

/// Suites in JUnit's XML.
#[must_use]
pub fn junit_of(suites: &[TestSuite]) -> String {
    let all = counts(suites.iter().flat_map(|suite| &suite.cases));
    let mut out = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {all}>\n");
    suites.iter().for_each(|suite| write_suite(suite, &mut out));
    out.push_str("</testsuites>\n");
    out
}

fn counts<'a>(cases: impl Iterator<Item = &'a TestCase>) -> String {
    let (mut tests, mut failures, mut errors) = (0, 0, 0);
    for case in cases {
        tests += 1;
        failures += usize::from(matches!(case.outcome, CaseOutcome::Failed(_)));
        errors += usize::from(matches!(case.outcome, CaseOutcome::NotMeasured(_)));
    }
    format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"")
}

fn write_suite(TestSuite { name, task, cases }: &TestSuite, out: &mut String) {
    let skipped = cases.iter().filter(|it| matches!(it.outcome, CaseOutcome::Skipped(_))).count();
    let (name, counts) = (xml(name), counts(cases.iter()));
    let _ = writeln!(out, "<testsuite name=\"{name}\" {counts} skipped=\"{skipped}\">");
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
        let (task, name) = (xml(task), xml(name));
        let _ = writeln!(out, "<testcase classname=\"{task}\" name=\"{name}\">{inside}</testcase>");
    }
    out.push_str("</testsuite>\n");
}

/// A run: whether its goal is confirmed, and a case for each claim that the goal makes. An evaluation is measured or
/// not.
#[must_use]
pub fn run_suite(report: &Report<'_>) -> TestSuite {
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
    let facts =
        [sentence].into_iter().chain(verdict.details).chain(verdict.advice).chain(simulated);
    let name =
        if is_evaluation { "measured".to_owned() } else { format!("goal: {}", report.task.goal) };
    // What is not decided of the goal is not decided of its claims, unless it is shown.
    let open = match &outcome {
        CaseOutcome::Skipped(_) | CaseOutcome::NotMeasured(_) => outcome.clone(),
        _ => CaseOutcome::Failed("held-out rows do not show it".to_owned()),
    };
    let mut cases = vec![TestCase { name, outcome, facts: facts.collect() }];
    if summary.claims.len() + usize::from(summary.must_pass.is_some()) > 1 {
        cases.extend(claim::each(report).map(|(words, is_shown, measured)| TestCase {
            outcome: match is_shown {
                true => CaseOutcome::Passed,
                false => open.clone(),
            },
            name: format!("claim: {words}"),
            facts: measured.into_iter().collect(),
        }));
    }
    TestSuite { name: suite_name(&summary.run), task: report.task.name.clone(), cases }
}

/// The name of a run's suite.
#[must_use]
pub fn suite_name(run: &str) -> String {
    format!("promptsearch {run}")
}

/// Text between tags or in quotes. Characters that XML forbids (XML 1.0, production 2) are shown by others.
fn xml(text: &str) -> String {
    visible_line(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
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
            case(CaseOutcome::Passed, "</system-out>]]>\u{0}\u{fffe}\u{ffff}"),
            case(CaseOutcome::Failed(why()), "x"),
            case(CaseOutcome::NotMeasured(why()), "x"),
            case(CaseOutcome::Skipped(why()), "x"),
        ];
        insta::assert_snapshot!(junit("s<", "t&", &cases), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites tests="4" failures="1" errors="1">
        <testsuite name="s&lt;" tests="4" failures="1" errors="1" skipped="1">
        <testcase classname="t&amp;" name="a &quot;b&quot;"><system-out>&lt;/system-out&gt;]]&gt;␀��</system-out></testcase>
        <testcase classname="t&amp;" name="a &quot;b&quot;"><failure message="1 &lt; 2 &amp; &quot;so&quot;">x</failure></testcase>
        <testcase classname="t&amp;" name="a &quot;b&quot;"><error message="1 &lt; 2 &amp; &quot;so&quot;">x</error></testcase>
        <testcase classname="t&amp;" name="a &quot;b&quot;"><skipped message="1 &lt; 2 &amp; &quot;so&quot;"/></testcase>
        </testsuite>
        </testsuites>
        "#);
    }
}

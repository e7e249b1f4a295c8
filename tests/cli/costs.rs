//! `mistakes`: where kinds of mistakes have costs, a score is no share, and no page writes it as one.

use crate::env::{TestEnv, colour_rows};
use crate::export::{colours_repository, git};
use crate::server::{Server, says, tile};

const TASK: &str = "colours/task.toml";

/// The baseline calls every tile cold. Each other prompt is right on all.
fn env() -> (Server, TestEnv) {
    let server = Server::start(|_, request| {
        let is_baseline = request.content("system") == "Answer warm or cold.";
        let number = tile(request);
        says(if is_baseline || number % 2 == 1 { "cold" } else { "warm" })
    });
    let env = TestEnv::with_server(&server, "");
    let labels = "labels = [\"warm\", \"cold\"]";
    let costs = "mistakes = [{ expected = \"warm\", cost = 10 }]";
    env.edit(TASK, labels, &format!("{labels}\n{costs}"));
    env.edit(TASK, "calls = 300", "calls = 900");
    colours_repository(&env);
    env.write("colours/rows.jsonl", &colour_rows(400));
    (server, env)
}

/// Percentages of other things than scores: levels, power, and shares of rows.
const NO_SCORES: [&str; 8] = [
    "95 % interval",
    "(95 %)",
    "power 80 %",
    "80 % of cases",
    "5 % of cases",
    " % of this look",
    " % (one-sided",
    " % one-sided",
];

/// Checks that a page writes no score in percent.
fn assert_no_share(name: &str, page: &str) {
    let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut scores = NO_SCORES.iter().fold(words.clone(), |page, other| page.replace(other, ""));
    while let Some(start) = scores.find("differ on ") {
        let end = scores[start..].find(" %").map_or(scores.len(), |end| start + end + 2);
        scores.replace_range(start..end, "");
    }
    assert!(!scores.contains('%') && !scores.contains(" pp"), "{name}: {scores}");
    assert!(!words.contains("in percent"), "{name}: {words}");
}

#[test]
fn scores_with_the_cost_of_mistakes_are_plain_numbers_on_every_page() {
    let (_server, env) = env();
    let told = |line: &str| {
        let ran = env.run(line).ok();
        let page = format!("{}\n{}", ran.stdout, ran.stderr);
        assert_no_share(line, &page);
        page.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(told("plan colours").contains("can detect a gain of +0."));
    let ran = told("run colours --name one --strategy random");
    assert!(
        ran.contains("Confirmed: better by +0.5") && ran.contains("95 % interval +0.4"),
        "{ran}"
    );
    told("run colours --name two --strategy random");
    assert!(told("status one").contains("on dev: 1.0"));
    assert!(told("list").contains("confirmed 1.000"));
    for format in ["md", "html", "junit"] {
        // A style sheet has widths in percent.
        let report = env.run(&format!("report one --format {format}")).ok().stdout;
        let body = report.split("</style>").last().unwrap();
        assert_no_share(format, body);
    }
    assert!(told("report one --format md").contains("| 0.5"));
    // Recall and precision are shares.
    let rows = env.run("rows one best --by id").ok().stdout;
    assert_no_share("rows", rows.split("By `id`").last().unwrap());
    assert!(rows.contains("dev: 1.0"), "{rows}");
    for line in ["compare one two", "explain one best", "eval colours"] {
        assert!(told(line).contains(" 1.000") || told(line).contains(" 0.5"), "{line}");
    }
    told("export one --to . --path route.md --branch prompts");
    told("export one --to . --path route.md --branch prompts --pr-body");
    assert_no_share("commit", &git(&env, ".", "log prompts --format=%B"));
    git(&env, ".", "checkout --quiet prompts");
    assert!(env.read("route.evidence.json").contains("\"score_form\": \"number\""));
    assert!(told("log route.md").contains("held out 1.000"));
    assert!(told("verify route.md --tolerance 0.04").contains("by more than 0.040"));
}

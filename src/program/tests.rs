//! Programs that reply, hang, fork, lie and end.

use super::tail::KEPT;
use super::*;
use crate::evaluate::scorer_program::{self, read_reply};
use crate::id::ExampleId;
use crate::task::example::Example;
use crate::task::scorer::{CommandSpec, Verdict};
use crate::units::Score;
use futures_util::{StreamExt, stream};
use serde_json::json;
use std::collections::BTreeSet;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(30);

/// Replies with the answer as feedback, and writes its process id to a file.
const ECHO: &str = r#"
    echo $$ >> pids
    while read -r line; do
        answer=${line#*\"answer\":}
        answer=${answer%%,\"expected\"*}
        printf '{"score":0.5,"feedback":%s,"metrics":{"x":2}}\n' "$answer"
    done"#;

struct Pool {
    folder: tempfile::TempDir,
    pool: CommandPool,
}

fn pool(script: &str, limit: Duration) -> Pool {
    let folder = tempfile::tempdir().unwrap();
    let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
    let pool =
        CommandPool::new(argv, folder.path(), limit, allowed_environment(std::env::vars_os(), &[]));
    Pool { folder, pool }
}

impl Pool {
    async fn ask(&self, answer: &str) -> Result<Verdict, CommandError> {
        scorer_program::score(&self.pool, answer, &row()).await
    }

    fn pids(&self) -> Vec<String> {
        let pids = std::fs::read_to_string(self.folder.path().join("pids")).unwrap_or_default();
        pids.lines().map(str::to_owned).collect()
    }
}

fn row() -> Example {
    Example {
        numbers: Vec::new(),
        id: ExampleId::new("r1"),
        columns: serde_json::Map::new(),
        answer: json!("x"),
        feedback: None,
        group: None,
        weight: 1.0,
        must_pass: false,
        origin: crate::task::example::RowOrigin::Collected,
        file: 0,
        line: 1,
    }
}

fn is_alive(pid: &str) -> bool {
    let alive = std::process::Command::new("sh")
        .args(["-c", "kill -0 \"$0\" 2>/dev/null", pid])
        .status()
        .unwrap();
    // A process that has not been reaped yet counts as dead.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    alive.success() && !matches!(state, Some('Z' | 'X'))
}

async fn assert_all_die(pids: &[String]) {
    assert!(!pids.is_empty());
    for _ in 0..100 {
        if !pids.iter().any(|pid| is_alive(pid)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("left behind: {:?}", pids.iter().filter(|pid| is_alive(pid)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_reply_is_a_verdict_and_the_process_is_kept() {
    let pool = pool(ECHO, LONG);
    for answer in ["one", "two \u{2028} \n lines"] {
        let verdict = pool.ask(answer).await.unwrap();
        assert_eq!(verdict.score.value(), 0.5);
        assert_eq!(verdict.feedback.as_deref(), Some(answer));
        assert_eq!(verdict.metrics["x"], 2.0);
    }
    let pids = pool.pids();
    assert_eq!(pids.len(), 1);
    assert!(is_alive(&pids[0]));
    drop(pool.pool);
    assert_all_die(&pids).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_answers_at_eight_in_parallel() {
    let mut pool = pool(ECHO, LONG);
    pool.pool = pool.pool.at_most(8);
    let pool = &pool;
    let said: Vec<(usize, Verdict)> = stream::iter(0..1_000)
        .map(async |number| (number, pool.ask(&format!("a{number}")).await.unwrap()))
        .buffer_unordered(32)
        .collect()
        .await;
    assert_eq!(said.len(), 1_000);
    for (number, verdict) in said {
        assert_eq!(verdict.feedback, Some(format!("a{number}")));
    }
    let pids: BTreeSet<String> = pool.pids().into_iter().collect();
    assert!((1..=8).contains(&pids.len()), "{pids:?}");
}

#[tokio::test]
async fn a_program_may_exit_after_one_line() {
    let pool = pool("read -r line; echo $$ >> pids; echo '{\"score\": 1}'", LONG);
    for _ in 0..5 {
        assert_eq!(pool.ask("a").await, Ok(Verdict::right()));
    }
    assert_eq!(pool.pids().len(), 5);
}

#[tokio::test]
async fn a_program_may_reply_without_reading() {
    let pool = pool("printf '{\"score\": 0}'", LONG);
    let huge = "x".repeat(1 << 20);
    for _ in 0..2 {
        assert_eq!(pool.ask(&huge).await.unwrap().score, Score::ZERO);
    }
}

#[tokio::test]
async fn a_program_that_never_replies_is_stopped_with_its_children() {
    let script =
        "echo $$ >> pids; sleep 1000 & echo $! >> pids; echo waiting >&2; while true; do :; done";
    let pool = pool(script, Duration::from_millis(500));
    let begun = Instant::now();
    let error = pool.ask("a").await.unwrap_err();
    assert_eq!(
        error,
        CommandError::Deadline { limit: Duration::from_millis(500), stderr: "waiting".into() }
    );
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(error.to_string(), "no reply within 0.5 s; its standard error: waiting");
    assert_eq!(pool.pids().len(), 2);
    assert_all_die(&pool.pids()).await;
}

#[tokio::test]
async fn children_of_a_program_that_is_kept_or_has_exited_die_with_the_pool() {
    for ending in ["cat > /dev/null", "exit 0"] {
        let script = format!(
            "sleep 1000 >/dev/null 2>&1 & echo $! >> pids; read -r line; echo '{{\"score\": 1}}'; {ending}"
        );
        let pool = pool(&script, LONG);
        assert_eq!(pool.ask("a").await, Ok(Verdict::right()));
        let pids = pool.pids();
        drop(pool.pool);
        assert_all_die(&pids).await;
    }
}

/// By what is in their environment.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn children_that_leave_the_group_of_their_program_die_with_it() {
    let script = "setsid sh -c 'echo $$ >> pids; exec sleep 1000' >/dev/null 2>&1 & while [ ! -s pids ]; do sleep 0.05; done; read -r line; echo '{\"score\": 1}'; cat";
    let pool = pool(script, LONG);
    assert_eq!(pool.ask("a").await, Ok(Verdict::right()));
    let pids = pool.pids();
    drop(pool.pool);
    assert_all_die(&pids).await;
}

#[tokio::test]
async fn a_cancelled_question_leaves_nothing_behind() {
    let pool = pool("echo $$ >> pids; sleep 1000 & echo $! >> pids; wait", LONG);
    assert!(timeout(Duration::from_millis(500), pool.ask("a")).await.is_err());
    assert_eq!(pool.pids().len(), 2);
    assert_all_die(&pool.pids()).await;
}

#[tokio::test]
async fn an_end_without_a_reply_is_an_error_with_status_and_last_words() {
    let long_words = "i=0; while [ $i -lt 500 ]; do echo line $i >&2; i=$((i+1)); done; exit 3";
    let error = pool(long_words, LONG).ask("a").await.unwrap_err();
    let CommandError::Exited { status, stderr } = error else { panic!("{error:?}") };
    assert_eq!(status, "exit status: 3");
    assert!(stderr.ends_with("line 499") && stderr.len() <= KEPT, "{stderr}");
    let killed = pool("read -r line; kill -TERM $$", LONG).ask("a").await.unwrap_err();
    assert!(killed.to_string().contains("signal: 15"), "{killed}");
}

#[tokio::test]
async fn a_program_that_dies_of_one_answer_still_serves_the_others() {
    let script =
        "while read -r line; do case $line in *bad*) exit 1;; esac; echo '{\"score\": 1}'; done";
    let pool = pool(script, LONG);
    assert!(pool.ask("good").await.is_ok());
    assert!(matches!(pool.ask("bad").await, Err(CommandError::Exited { .. })));
    assert!(pool.ask("good").await.is_ok());
}

#[tokio::test]
async fn what_is_not_a_score_is_an_error_and_never_a_zero() {
    for (reply, message) in [
        ("hello", "expected value"),
        ("", "EOF while parsing"),
        ("0.5", "needs `score`"),
        ("{}", "needs `score`"),
        ("{\"score\": 2}", "the score 2 is not in [0, 1]"),
        ("{\"score\": null}", "invalid type: null"),
        ("{\"score\": \"1\"}", "invalid type: string"),
        (
            "{\"score\": 1, \"reason\": \"x\"}",
            "unknown key `reason`: known: score, feedback, metrics, id",
        ),
        ("{\"score\": 1, \"metrics\": {\"a\": \"b\"}}", "invalid type: string"),
        ("{\"score\": 1, \"id\": \"r2\"}", "scored the row `r2`"),
        ("{\"score\": 1} {\"score\": 1}", "trailing characters"),
    ] {
        let script = format!("read -r line; echo oh >&2; echo '{reply}'; cat");
        let error = pool(&script, LONG).ask("a").await.unwrap_err();
        let CommandError::Malformed { message: said, excerpt, .. } = &error else {
            panic!("{reply}: {error:?}")
        };
        assert!(said.contains(message), "{reply}: {error}");
        assert_eq!(excerpt, reply);
    }
}

#[tokio::test]
async fn a_second_line_is_not_taken_for_the_next_reply() {
    let pool = pool(
        "echo $$ >> pids; while read -r line; do echo '{\"score\": 1}'; sleep 0.1; echo '{\"score\": 0}'; done",
        LONG,
    );
    assert_eq!(pool.ask("a").await, Ok(Verdict::right()));
    tokio::time::sleep(Duration::from_millis(400)).await;
    let error = pool.ask("b").await.unwrap_err();
    assert!(error.to_string().contains("more than one line"), "{error}");
    assert_all_die(&pool.pids()).await;
}

#[tokio::test]
async fn an_endless_line_is_stopped() {
    let error = pool(
        "while true; do printf xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done",
        LONG,
    );
    let error = error.ask("a").await.unwrap_err();
    assert!(error.to_string().contains("longer than 1,048,576 bytes"), "{error}");
}

#[tokio::test]
async fn only_listed_variables_are_seen() {
    let all = [("PATH", "/usr/bin:/bin"), ("OPENAI_API_KEY", "secret"), ("MODEL", "m")];
    let all = all.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let spec = CommandSpec {
        argv: [
            "sh",
            "-c",
            r#"read -r line; printf '{"score":1,"feedback":"%s/%s"}\n' "$MODEL" "$OPENAI_API_KEY""#,
        ]
        .map(str::to_owned)
        .to_vec(),
        timeout: LONG,
        env: vec!["MODEL".into()],
    };
    let pool = scorer_program::pool(&spec, Path::new("."), all);
    assert_eq!(
        scorer_program::score(&pool, "a", &row()).await.unwrap().feedback.as_deref(),
        Some("m/")
    );
}

#[tokio::test]
async fn a_program_is_found_beside_the_task() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("score.sh");
    std::fs::write(&script, "#!/bin/sh\nread -r line\necho '{\"score\": 1}'\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    // The same folder as a relative path.
    let up = std::env::current_dir().unwrap().components().count() - 1;
    let relative = "../".repeat(up) + folder.path().to_str().unwrap().trim_start_matches('/');
    let pool = |program: &str, folder: &Path| {
        CommandPool::new(vec![program.to_owned()], folder, Duration::MAX, Vec::new())
    };
    for folder in [folder.path(), Path::new(&relative)] {
        let said = scorer_program::score(&pool("./score.sh", folder), "a", &row()).await;
        assert_eq!(said, Ok(Verdict::right()));
    }
    let missing = scorer_program::score(&pool("./other.sh", folder.path()), "a", &row()).await;
    let missing = missing.unwrap_err().to_string();
    assert!(missing.starts_with("cannot start `./other.sh`: "), "{missing}");
}

#[test]
fn a_list_is_no_reply() {
    let score = |line: &[u8]| read_reply(line, &row());
    assert_eq!(score(b" {\"score\": 0.5}\n").unwrap().score.value(), 0.5);
    for list in [&b"[0.5]"[..], b"[0.5, \"well\"]"] {
        let complaint = score(list).unwrap_err();
        assert!(complaint.contains("needs `score`"), "{complaint}");
    }
}

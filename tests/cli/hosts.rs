//! Which hosts are contacted: those of the models that a task names, and no other.
//!
//! Every host but this machine is behind a proxy that refuses everything and keeps who was asked for. That nothing goes
//! around the provider's client, and so around the proxy, is a law of `tests/architecture.rs`.

use crate::env::TestEnv;
use crate::server::{Server, answer};
use std::collections::BTreeSet;

/// Lets nothing out.
fn deny_all(env: &mut TestEnv) -> Server {
    let guard = Server::start(|_, _| (403, "", "denied".to_owned()));
    let address = guard.base_url().trim_end_matches("/v1").to_owned();
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
    {
        env.set(name, &address);
    }
    guard
}

fn asked_for(guard: &Server) -> BTreeSet<String> {
    guard.requests().iter().map(|request| request.target.clone()).collect()
}

#[test]
fn no_command_asks_for_a_host_that_no_model_has() {
    let server = Server::start(|_, request| answer(request));
    let mut env = TestEnv::with_server(&server, "");
    let guard = deny_all(&mut env);
    env.run("init fresh --from colours/rows.jsonl");
    for line in [
        "plan colours",
        "doctor colours",
        "run colours --name one --max-calls 120",
        "run colours --name two --max-calls 120 --seed 7",
        "eval colours",
        "list",
        "status one",
        "report one",
        "report one --format md",
        "explain one best",
        "rows one best",
        "compare one two",
        "journal one",
    ] {
        env.run(line).ok();
    }
    assert!(!server.requests().is_empty());
    assert_eq!(asked_for(&guard), BTreeSet::new());
}

#[test]
fn only_the_hosts_of_the_models_that_are_asked_are_contacted() {
    for kind in ["openai", "openai-responses", "anthropic", "gemini"] {
        let mut env = TestEnv::with_colours();
        let guard = deny_all(&mut env);
        let provider = |name: &str| {
            format!(
                "[providers.{name}]\nkind = \"{kind}\"\nbase_url = \"https://{name}.invalid/v1\"\n\
                 api_key = \"env:LOCAL_KEY\"\npatience = \"1s\"\nprice = {{ input = 1.0, output = 1.0 }}\n\n"
            )
        };
        // A provider that no model names is not asked.
        let all = ["answers", "writes", "idles"].map(provider).concat();
        env.edit("colours/task.toml", "sim/clerk", "answers/m");
        env.edit("colours/task.toml", "sim/editor", "writes/m");
        env.edit("colours/task.toml", "[goal]", &format!("{all}[goal]"));
        env.set("LOCAL_KEY", "sk-sentinel-0123456789");
        env.run("plan colours --max-usd 1").ok();
        assert_eq!(asked_for(&guard), BTreeSet::new(), "{kind}: a plan makes no request");
        env.run("eval colours --max-usd 1").exits(4);
        assert_eq!(asked_for(&guard), BTreeSet::from(["answers.invalid:443".to_owned()]), "{kind}");
        env.run("doctor colours --max-usd 1").exits(4);
        let both = ["answers.invalid:443", "writes.invalid:443"].map(str::to_owned);
        assert_eq!(asked_for(&guard), BTreeSet::from(both), "{kind}");
    }
}

/// A webhook is the one host beside those of the models, and only where the task names it.
#[test]
fn a_webhook_is_contacted_at_its_own_host() {
    let mut env = TestEnv::with_colours();
    let guard = deny_all(&mut env);
    env.run("run colours --name one --max-calls 120").ok();
    assert_eq!(asked_for(&guard), BTreeSet::new());
    let text = env.read("colours/task.toml");
    let table = "[notify]\nwebhook = \"https://hooks.invalid/secret\"";
    env.write("colours/task.toml", &format!("{text}\n{table}\n"));
    for line in ["plan colours", "doctor colours", "eval colours", "status one"] {
        env.run(line).ok();
    }
    assert_eq!(asked_for(&guard), BTreeSet::new(), "only a search tells anything");
    let ran = env.run("run colours --name two --max-calls 120").ok();
    assert!(ran.stderr.contains("a notification was not delivered"), "{}", ran.stderr);
    assert_eq!(asked_for(&guard), BTreeSet::from(["hooks.invalid:443".to_owned()]));
}

/// A redirect is not followed, wherever it leads.
#[test]
fn a_redirect_leads_to_no_other_host() {
    let location = "location: https://elsewhere.invalid/v1/chat/completions\r\n";
    let server = Server::start(move |_, _| (307, location, String::new()));
    let mut env = TestEnv::with_server(&server, "patience = \"1s\"");
    let guard = deny_all(&mut env);
    let ran = env.run("eval colours").exits(4);
    assert!(ran.stderr.contains("elsewhere.invalid"), "{}", ran.stderr);
    assert_eq!(asked_for(&guard), BTreeSet::new());
}

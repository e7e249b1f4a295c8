//! `view`: pages about runs from a local server, and the report as a file. What needs a browser is in `tests/browser`, and is
//! skipped with a word where there is none.

use crate::env::{Ran, TestEnv};
use crate::server::{Server, answer, says, writes};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server of pages, which ends with this.
struct View {
    child: Child,
    url: String,
    port: u64,
}

impl Drop for View {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status, the head and the body of an answer.
struct Got {
    status: u16,
    head: String,
    body: String,
}

impl View {
    fn of(env: &TestEnv, what: &str) -> Self {
        let mut child =
            env.command(&format!("view --json {what}")).stdout(Stdio::piped()).spawn().unwrap();
        let mut told = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut told).unwrap();
        let told: Value = serde_json::from_str(&told).unwrap();
        let (url, port) =
            (told["url"].as_str().unwrap().to_owned(), told["port"].as_u64().unwrap());
        Self { child, url, port }
    }

    fn token(&self) -> &str {
        self.url.split_once("token=").unwrap().1
    }

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn cookie(&self) -> String {
        format!("promptsearch-{}={}", self.port, self.token())
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port as u16)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let lines: String =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let size = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\n{lines}content-length: {size}\r\nconnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Got { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    /// A page for somebody who was let in.
    fn get(&self, path: &str) -> Got {
        self.send("GET", path, &[("host", &self.host()), ("cookie", &self.cookie())], "")
    }

    fn page(&self, path: &str) -> String {
        let got = self.get(path);
        assert_eq!(got.status, 200, "{path}: {}", got.body);
        assert!(!got.body.contains("template is broken"), "{path}: {}", got.body);
        got.body
    }
}

const PAGES: [&str; 10] = [
    "overview",
    "candidates",
    "candidate/best",
    "map",
    "rows",
    "edge",
    "judge",
    "spending",
    "lineage",
    "about",
];

fn searched() -> TestEnv {
    let env = TestEnv::with_colours();
    env.run("run colours --name one --quiet").ok();
    env
}

/// Node and what the browser's tests need; `None` with a word where something is missing.
fn browser(script: &str) -> Option<(PathBuf, Command)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let has_chromium = std::env::var_os("CHROMIUM").is_some()
        || ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
            .iter()
            .any(|place| Path::new(place).exists());
    let has_node = Command::new("node").arg("--version").output().is_ok();
    if !has_chromium || !has_node || !folder.join("node_modules").is_dir() {
        println!("skipped: it needs Chromium, node and `npm ci --prefix tests/browser`");
        return None;
    }
    let mut node = Command::new("node");
    node.arg(folder.join(script)).current_dir(&folder);
    Some((folder, node))
}

fn runs_well(node: &mut Command) {
    let ran = Ran::of(node.output().unwrap()).ok();
    assert_eq!(ran.stdout.trim(), "ok", "{}", ran.stderr);
}

/// Who has no token, comes under another name, or sends the form of another page, is not let in.
#[test]
fn only_who_has_the_token_is_let_in() {
    let env = searched();
    let view = View::of(&env, "one");
    let (host, cookie) = (view.host(), view.cookie());
    let paths = ["/", "/run/one/overview", "/run/one/events", "/static/view.css", "/nothing"];
    for path in paths {
        let got = view.send("GET", path, &[("host", &host)], "");
        assert_eq!(got.status, 403, "{path}");
        assert!(!got.body.contains("colours") && !got.body.contains(view.token()), "{}", got.body);
        let wrong = cookie.replace(view.token(), &"0".repeat(64));
        assert_eq!(view.send("GET", path, &[("host", &host), ("cookie", &wrong)], "").status, 403);
    }
    assert_eq!(
        view.send("GET", "/?token=0", &[("host", &host), ("cookie", &cookie)], "").status,
        403
    );
    // A name that somebody has resolve to this machine.
    for name in ["evil.example", "evil.example:80", "127.0.0.1", "localhost:1"] {
        let got = view.send("GET", "/run/one/overview", &[("host", name), ("cookie", &cookie)], "");
        assert_eq!(got.status, 421, "{name}");
    }
    let first = view.send("GET", &format!("/?token={}", view.token()), &[("host", &host)], "");
    assert_eq!(first.status, 303);
    assert!(first.head.contains("location: /\r\n"), "{}", first.head);
    let set = format!("set-cookie: {cookie}; httponly; samesite=strict; path=/");
    assert!(first.head.contains(&set), "{}", first.head);
    let page = view.get("/run/one/overview");
    assert_eq!(page.status, 200);
    for said in [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "cache-control: no-store",
        "nosniff",
    ] {
        assert!(page.head.contains(said), "{said}: {}", page.head);
    }
    assert!(!page.body.contains(view.token()), "the token is in no page");
    for path in [
        "/run/two/overview",
        "/run/one/nothing",
        "/run/..%2f..%2fetc/overview",
        "/static/..%2fview.js",
    ] {
        assert_eq!(view.get(path).status, 404, "{path}");
    }
}

/// A form is taken from a page of this server alone, with what that page holds.
#[test]
fn a_form_of_another_page_is_refused() {
    let env = searched();
    let view = View::of(&env, "one");
    let (host, cookie) = (view.host(), view.cookie());
    let own = format!("http://{host}");
    let token = format!("key={}&action=stop", view.token());
    let ask = |origin: Option<&str>, body: &str| {
        let mut headers = vec![("host", host.as_str()), ("cookie", cookie.as_str())];
        headers.extend(origin.map(|origin| ("origin", origin)));
        view.send("POST", "/run/one/control", &headers, body).status
    };
    for origin in [None, Some("null"), Some("http://evil.example"), Some("http://127.0.0.1:1")] {
        assert_eq!(ask(origin, &token), 403, "{origin:?}");
    }
    // Neither nothing nor the token itself is what the page's form holds.
    for body in ["", "action=stop", &token] {
        assert_eq!(ask(Some(&own), body), 403, "{body}");
    }
    let headers = [("host", host.as_str()), ("origin", own.as_str())];
    assert_eq!(view.send("POST", "/run/one/control", &headers, &token).status, 403, "no cookie");
}

#[test]
fn all_pages_of_all_kinds_of_runs_are_there() {
    let env = searched();
    env.run("run colours --name two --seed 2 --quiet").ok();
    env.run("eval colours --quiet").ok();
    let one = View::of(&env, "one");
    for name in PAGES {
        let page = one.page(&format!("/run/one/{name}"));
        assert!(page.contains("<main"), "{name}");
    }
    assert!(
        one.page("/run/one/rows?wrong=1&split=train&by=input&page=9").contains("not wholly right")
    );
    assert!(one.page("/run/one/rows?candidate=zzz").contains("no candidate"));
    assert!(one.page("/run/one/map?rows=99&prompts=99").contains("<table"));
    let all = View::of(&env, "--all");
    let list = all.page("/");
    assert!(list.contains("/run/one/overview") && list.contains("/run/two/overview"), "{list}");
    let beside = all.page("/compare?run=one&run=two");
    assert!(beside.contains("Settings that differ") && beside.contains("seed"), "{beside}");
    assert_eq!(all.get("/compare?run=one").status, 400);
    let names = list.split("href=\"/run/").skip(1).map(|rest| rest.split('/').next().unwrap());
    let evaluation = names.into_iter().find(|name| !["one", "two"].contains(name)).unwrap();
    for name in PAGES {
        all.page(&format!("/run/{evaluation}/{name}"));
    }
}

/// What was sent is written again from the journal, byte for byte: its hash is that of the answer.
#[test]
fn every_request_is_shown_as_it_was_sent() {
    let env = searched();
    let view = View::of(&env, "one");
    let same = "has the same hash";
    for split in ["dev", "train"] {
        let rows = view.page(&format!("/run/one/rows?split={split}")).replace("&#x2f;", "/");
        let links = rows.split("href=\"/run/one/request?").skip(1);
        let links: Vec<&str> = links.map(|rest| rest.split('"').next().unwrap()).collect();
        assert!(links.len() > 5, "{split}: {rows}");
        for link in links {
            let page = view.page(&format!("/run/one/request?{}", link.replace("&amp;", "&")));
            assert!(page.contains(same) && page.contains("Tile "), "{link}: {page}");
        }
    }
    let issued = env.events("one").into_iter().filter(|(kind, _)| kind == "proposal_issued");
    let proposals: Vec<u64> =
        issued.map(|(_, event)| event["proposal"].as_u64().unwrap()).collect();
    assert!(proposals.len() > 2);
    for proposal in proposals {
        let page = view.page(&format!("/run/one/request?proposal={proposal}"));
        assert!(page.contains(same) && page.contains("&lt;prompt-"), "{proposal}: {page}");
    }
}

const HOSTILE: &str = "</title></script><script>window.pwned=1</script><img src=x onerror=window.pwned=1><svg onload=window.pwned=1>\u{202e}\" ' onfocus=window.pwned=1 &lt; {{ 7*7 }} javascript:alert(1)";

/// A run whose rows, ids, answers and prompts are all scripts.
fn hostile() -> (Server, TestEnv) {
    let server = Server::start(|number, request| {
        if request.content("system") == "You improve prompts."
            || request.content("user").contains("<prompt-")
        {
            return writes(request, &format!("Say warm or cold {number}. {HOSTILE}"));
        }
        says(&format!("{} {HOSTILE}", ["warm", "lime"][number % 2]))
    });
    let env = TestEnv::with_server(&server, "");
    env.edit("colours/task.toml", "sim/editor", "local/editor");
    env.edit("colours/task.toml", "Say warm or cold.", "About <img src=x onerror=window.pwned=1>");
    let row = |number: usize| {
        json!({"id": format!("r{number}{HOSTILE}"), "input": format!("Tile {number}. {HOSTILE}"),
               // The form gives the name of a column back as it is.
               format!("c{}", HOSTILE.replace('\u{202e}', "")): HOSTILE, "answer": (["warm", "cold"][number % 2])})
        .to_string()
            + "\n"
    };
    env.write("colours/rows.jsonl", &(1..=60).map(row).collect::<String>());
    env.run("run colours --name one --max-calls 250 --quiet").ok();
    (server, env)
}

#[test]
fn nothing_from_outside_is_run() {
    let (_server, env) = hostile();
    let view = View::of(&env, "one");
    env.run("report one").ok();
    let mut pages = vec![env.read("results/one/report.html")];
    pages.extend(PAGES.map(|name| view.page(&format!("/run/one/{name}"))));
    pages.push(view.page("/run/one/rows?by=c&label=%3Cscript%3E&candidate=%3Cimg%20src%3Dx%3E"));
    pages.push(view.get("/run/%3Cimg%20src=x%3E/overview").body);
    for page in &pages {
        for markup in ["<img", "<script>", "<svg onload", "\u{202e}", "49 javascript"] {
            let around = page
                .split_once(markup)
                .map(|(before, _)| &before[before.len().saturating_sub(200)..]);
            assert!(!page.contains(markup), "{markup:?} after {around:?}");
        }
    }
    assert!(pages[0].contains("&lt;img src=x onerror"), "the payload is there, and is text");
    let Some((_, mut node)) = browser("pages.mjs") else { return };
    runs_well(node.arg(&view.url).arg(env.path("results/one/report.html")));
}

#[test]
fn pages_are_accessible_and_work_by_keys() {
    let env = searched();
    env.run("report one").ok();
    let view = View::of(&env, "one");
    let Some((_, mut node)) = browser("pages.mjs") else { return };
    runs_well(node.arg(&view.url).arg(env.path("results/one/report.html")));
}

#[test]
fn a_page_is_live_and_steers_its_run() {
    let server = Server::start(|_, request| {
        std::thread::sleep(Duration::from_millis(80));
        answer(request)
    });
    let env = TestEnv::with_server(&server, "");
    let Some((_, mut node)) = browser("live.mjs") else { return };
    let line = "run colours --name slow --max-calls 4000 --concurrency 2 --quiet";
    let mut run = env.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while server.requests().len() < 8 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let view = View::of(&env, "slow");
    runs_well(node.arg(&view.url));
    assert_eq!(run.wait().unwrap().code(), Some(130), "as `ctl stop` ends it");
    let caps = env.events("slow").into_iter().find(|(kind, _)| kind == "caps_changed").unwrap();
    assert_eq!(caps.1["caps"]["calls"], 3_900, "what the page changes is journaled");
}

/// The report holds a thousand rows, opens at once, and leaves them out on request.
#[test]
fn a_report_of_a_thousand_rows_is_small_and_leaves_rows_out_on_request() {
    let env = TestEnv::with_colours();
    let row = |number: usize| {
        json!({"id": format!("id-{number}-secret"), "answer": (["warm", "cold"][number % 2]),
               "input": format!("Tile {number} of shade {}. {}", number * 31 % 97, "Zebra & <b>words</b>. ".repeat(90))})
        .to_string()
            + "\n"
    };
    env.write("colours/rows.jsonl", &(1..=2_600).map(row).collect::<String>());
    env.edit(
        "colours/task.toml",
        "train = 0.4, dev = 0.3, hold = 0.3",
        "train = 0.1, dev = 0.4, hold = 0.5",
    );
    env.run("run colours --name one --strategy random --max-calls 4500 --quiet").ok();
    let page = env.read("results/one/report.html");
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
    let rows = page.matches("<details class=\"row\" id=").count();
    assert!(rows > 900, "{rows} rows");
    for format in ["html", "md", "json", "csv", "junit"] {
        let file = format!("bare.{format}");
        env.run(&format!("report one --no-rows --format {format} -o {file}")).ok();
        let bare = env.read(&file);
        for secret in ["-secret", "Zebra", "Tile "] {
            assert!(!bare.contains(secret), "{format} has {secret}");
        }
    }
}

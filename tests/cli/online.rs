//! Online tests: the same assignment in every language, and what a log says.

use crate::env::TestEnv;
use std::fmt::Write as _;
use std::process::{Command, Stdio};

const ASSIGN: &str = "assign --experiment greeting --arms control=0.1,new=0.7,third=0.2";

/// What a program prints for lines of its standard input; `None` where it is not installed.
fn piped(env: &TestEnv, program: &str, arguments: &[&str], input: &str) -> Option<String> {
    use std::io::Write as _;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(env.path(".")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        println!("skipped: {program} is not installed");
        return None;
    };
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{program}");
    Some(String::from_utf8(out.stdout).unwrap())
}

#[test]
fn every_language_assigns_as_the_program_does() {
    let env = TestEnv::new();
    let mut units: Vec<String> = (0..400).map(|number| format!("user-{number}")).collect();
    units.extend(["é", "日本", "a b", "\"", "😀"].map(str::to_owned));
    // As a file of Windows has them.
    let input = units.join("\r\n") + "\r\n";
    let arguments: Vec<&str> = units.iter().map(String::as_str).collect();
    let ours = env.run_with(ASSIGN, &arguments).ok().stdout;
    assert_eq!(ours.lines().count(), units.len());
    for arm in ["control", "new", "third"] {
        assert!(ours.lines().filter(|line| *line == arm).count() > 20, "{arm}");
    }
    for (language, file, program) in [
        ("python", "assign.py", "python3"),
        ("javascript", "assign.mjs", "node"),
        ("java", "Assign.java", "java"),
    ] {
        let code = env.run(&format!("{ASSIGN} --code {language}")).ok().stdout;
        env.write(file, &code);
        if let Some(theirs) = piped(&env, program, &[file], &input) {
            assert_eq!(theirs.replace('\r', ""), ours, "{language}");
        }
    }
}

/// A log of units of which `control` succeeds in `least` of ten, and `new` in `most`.
fn log(least: usize, most: usize) -> String {
    let mut log = "user,variant,solved,usd,at\n".to_owned();
    for number in 0..2_000 {
        let (arm, of_ten) = if number % 2 == 0 { ("control", least) } else { ("new", most) };
        let solved = (number / 2) % 10 < of_ten;
        let _ = writeln!(log, "u{number},{arm},{solved},0.00{},{}", 1 + number % 3, 1_000 + number);
    }
    log
}

const AB: &str = "ab --log log.csv --unit user --arm variant --outcome solved";

#[test]
fn a_log_is_read_and_a_verdict_given() {
    let env = TestEnv::new();
    env.write("log.csv", &log(5, 7));
    let page = env.run(&format!("{AB} --cost usd --time at")).ok().stdout;
    assert!(page.contains("✓ new has a higher outcome than control."), "{page}");
    assert!(page.contains("new less control"), "{page}");
    let json = env.run(&format!("{AB} --control new --json")).json();
    assert_eq!(json["comparisons"][0]["decision"], "lower");
    let difference = json["comparisons"][0]["effect"]["difference"].as_f64().unwrap();
    assert!((difference + 0.2).abs() < 1e-9, "{difference}");
    env.write("log.csv", &log(6, 6));
    let json = env.run(&format!("{AB} --margin 0.1 --json")).json();
    assert_eq!(json["comparisons"][0]["decision"], "same");
    let json = env.run(&format!("{AB} --arms control=1,new=2 --json")).json();
    assert_eq!(json["allocation"]["is_off"], true);
    assert_eq!(json["comparisons"][0]["decision"], "open");
}

#[test]
fn mistakes_in_a_log_are_named_with_their_lines() {
    let env = TestEnv::new();
    let complaint = |text: &str, line: &str| {
        env.write("log.csv", text);
        env.complaint(line)
    };
    let said = complaint(&log(5, 5), "ab --log log.csv");
    assert!(said.contains("there is no column `unit`"), "{said}");
    let said = complaint("user,variant,solved\nu1,a,1\nu2,,0\n", AB);
    assert!(said.contains("log.csv:3: this line has no value in column `variant`"), "{said}");
    let said = complaint("user,variant,solved\nu1,a,1\nu2,b,maybe\n", AB);
    assert!(said.contains("log.csv:3: `maybe` in column `solved` is not a number"), "{said}");
    let said = complaint("user,variant,solved\nu1,a,1\nu2,a,0\n", AB);
    assert!(said.contains("the log has one arm only: `a`"), "{said}");
    let said = complaint(&log(5, 5), &format!("{AB} --arms control=1,now=1"));
    assert!(said.contains("no unit of the log is in the arm `now`"), "{said}");
    let said = complaint(&log(5, 5), &format!("{AB} --control old"));
    assert!(said.contains("there is no arm `old` in the log"), "{said}");
    let said = env.complaint("assign u1 --experiment a/b --arms x=1,y=1");
    assert!(said.contains("`a/b` is not a valid name"), "{said}");
    let said = env.complaint("assign u1 --experiment a --arms x=1");
    assert!(said.contains("two arms at least"), "{said}");
}

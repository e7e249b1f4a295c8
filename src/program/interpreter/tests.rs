//! Programs that end, hang, reach out and fork.

use super::*;
use crate::program::allowed_environment;

/// A shell that is shut in; `None` where the machine gives no sandbox: the tests from the user's side say so.
fn shell(limit: Duration) -> Option<Interpreter> {
    let environment = allowed_environment(std::env::vars_os(), &[]);
    let shell = Interpreter::new(vec!["sh".to_owned()], Path::new("."), limit, environment);
    let shell = shell.shut_in(512, &[]);
    shell.check("echo ok", "ok").is_ok().then_some(shell)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_runs_until_its_end_or_its_limit() {
    let Some(shell) = shell(Duration::from_secs(20)) else { return };
    let end = shell.run("echo said; echo no >&2; exit 7").await.unwrap();
    assert_eq!(end.status, Some((false, "exit status: 7".to_owned())));
    assert_eq!((&*end.output, &*end.stderr), ("said", "no"));
    // More output than a pipe holds.
    let end = shell.run("yes | head -c 1000000; exit 0").await.unwrap();
    assert_eq!(end.status.map(|it| it.0), Some(true));
    let Some(hasty) = self::shell(Duration::from_secs(2)) else { return };
    let end = hasty.run("while :; do echo x; done").await.unwrap();
    assert_eq!(end.status, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_outside_is_out_of_reach() {
    let Some(shell) = shell(Duration::from_secs(20)) else { return };
    let here = std::env::current_dir().unwrap();
    let here = here.display();
    for (program, is_held) in [
        ("echo x > /etc/promptsearch-was-here".to_owned(), false),
        ("echo x > /tmp/file && [ $(ls /tmp | wc -l) = 1 ]".to_owned(), true),
        (format!("[ $(ls '{here}' | wc -l) = 0 ]"), true),
        (format!("echo x > '{here}/promptsearch-was-here'"), false),
        ("mount -o remount,bind,rw /".to_owned(), false),
        ("mount -t tmpfs tmpfs /var".to_owned(), false),
        (format!("umount '{here}'"), false),
        (
            "unshare --user --map-root-user --mount mount -o remount,bind,rw / && echo x > /file"
                .to_owned(),
            false,
        ),
        // Only the loopback is there, and it is down.
        ("[ $(grep -c : /proc/net/dev) = 1 ]".to_owned(), true),
        ("grep -q 'CapEff:.0000000000000000' /proc/self/status".to_owned(), true),
        ("[ $PPID -lt 5 ]".to_owned(), true),
        (format!("kill -9 {}", std::process::id()), false),
        ("[ $(ulimit -v) = 524288 ]".to_owned(), true),
        ("ulimit -v unlimited".to_owned(), false),
        ("echo x > /dev/tty".to_owned(), false),
        (
            "[ -z \"$(ls -A /run /home /root /var/tmp | grep -v -e : -e '^mount$')\" ]".to_owned(),
            true,
        ),
        ("[ -z \"$CARGO_MANIFEST_DIR\" ] && [ \"$HOME\" = /tmp ]".to_owned(), true),
    ] {
        let end = shell.run(&program).await.unwrap();
        let is_ok = end.status.as_ref().map(|it| it.0);
        assert_eq!(is_ok, Some(is_held), "{program}: {end:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_started_ends_with_it() {
    let Some(shell) = shell(Duration::from_secs(20)) else { return };
    let marker = format!("{}.5", 7_000_000 + std::process::id());
    let program = format!("sleep {marker} & (setsid sleep {marker} &) ; exit 0");
    let end = shell.run(&program).await.unwrap();
    assert_eq!(end.status.map(|it| it.0), Some(true));
    let is_left = || {
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        all.map(|it| std::fs::read(it.path().join("cmdline")).unwrap_or_default())
            .any(|line| String::from_utf8_lossy(&line).split('\0').any(|word| word == marker))
    };
    for _ in 0..100 {
        if !is_left() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("a process is left");
}

#[test]
fn a_missing_interpreter_is_found_before_anything_runs() {
    if shell(Duration::from_secs(20)).is_none() {
        return;
    }
    let environment = allowed_environment(std::env::vars_os(), &[]);
    let argv = vec!["no-such-interpreter".to_owned()];
    let limit = Duration::from_secs(20);
    let other = Interpreter::new(argv, Path::new("."), limit, environment).shut_in(512, &[]);
    assert!(other.check("", "").unwrap_err().contains("`no-such-interpreter` does not run"));
}

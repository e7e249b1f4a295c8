//! `export` on real repositories: refs, trees, remotes, races, and what stays unchanged.

use super::program::MISLEADING;
use super::*;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Barrier;

/// A repository with one commit in a temporary folder, independent of the user's git settings.
struct Sandbox {
    _folder: tempfile::TempDir,
    repo: PathBuf,
}

/// Everything that an export must not change.
#[derive(Debug, PartialEq)]
struct Snapshot {
    head: String,
    tip: String,
    index: Vec<u8>,
    status: String,
    files: Vec<(PathBuf, Vec<u8>)>,
}

fn environment() -> Vec<(&'static str, Option<OsString>)> {
    let mut all = vec![
        ("GIT_CONFIG_GLOBAL", Some("/nowhere/gitconfig".into())),
        ("GIT_CONFIG_NOSYSTEM", Some("1".into())),
    ];
    all.extend(
        [
            "EMAIL",
            "GIT_AUTHOR_NAME",
            "GIT_AUTHOR_EMAIL",
            "GIT_COMMITTER_NAME",
            "GIT_COMMITTER_EMAIL",
            "GIT_CONFIG_COUNT",
            "GIT_CONFIG_PARAMETERS",
        ]
        .map(|name| (name, None)),
    );
    all
}

fn test_git() -> Git {
    Git { environment: environment(), ..Git::new() }
}

fn export(commit: &Commit) -> Result<Exported, GitError> {
    commit.make_with(test_git())
}

/// Runs git as the owner of the repository would.
fn try_git(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("git");
    for (name, value) in environment() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    for name in MISLEADING {
        command.env_remove(name);
    }
    command.env("GIT_OPTIONAL_LOCKS", "0").current_dir(folder).args(arguments).output().unwrap()
}

/// Runs git as the owner of the repository would; it must succeed.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = try_git(folder, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn empty(name: &str) -> Sandbox {
    let folder = tempfile::tempdir().unwrap();
    let repo = folder.path().join(name);
    std::fs::create_dir(&repo).unwrap();
    git(&repo, &["init", "-q", "-b", "main"]);
    git(&repo, &["config", "user.name", "Ada"]);
    git(&repo, &["config", "user.email", "ada@example.com"]);
    Sandbox { _folder: folder, repo }
}

fn sandbox() -> Sandbox {
    let sandbox = empty("repo with spaces");
    sandbox.write("README.md", "read me\n");
    sandbox.write("prompts/old.md", "old\n");
    sandbox.write("run.sh", "#!/bin/sh\n");
    git(&sandbox.repo, &["add", "."]);
    git(&sandbox.repo, &["update-index", "--chmod=+x", "run.sh"]);
    git(&sandbox.repo, &["commit", "-q", "-m", "first"]);
    git(&sandbox.repo, &["checkout", "-q", "--", "run.sh"]);
    sandbox
}

impl Sandbox {
    fn write(&self, path: &str, text: &str) {
        let path = self.repo.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn commit(&self, files: &[(&str, &str)]) -> Commit {
        Commit {
            repo: self.repo.clone(),
            branch: "promptsearch/triage".into(),
            files: files
                .iter()
                .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
                .collect(),
            message: "Better prompt\n\nScore: 0.9".into(),
            push: None,
        }
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(&self.repo, arguments)
    }

    fn has_branch(&self, branch: &str) -> bool {
        !self.git(&["for-each-ref", &reference(branch)]).is_empty()
    }

    fn snapshot(&self) -> Snapshot {
        let mut files = Vec::new();
        let mut folders = vec![self.repo.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.ends_with(".git") {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = std::fs::read(&path).unwrap();
                    files.push((path, bytes));
                }
            }
        }
        files.sort();
        Snapshot {
            head: std::fs::read_to_string(self.repo.join(".git/HEAD")).unwrap(),
            tip: self.git(&["for-each-ref", "refs/heads/main"]),
            index: std::fs::read(self.repo.join(".git/index")).unwrap_or_default(),
            status: self.git(&["status", "--porcelain", "--ignored"]),
            files,
        }
    }
}

#[test]
fn a_new_branch_grows_from_head_and_nothing_else_moves() {
    let sandbox = sandbox();
    // The same bytes with another time stamp: `git status` would refresh the index.
    std::fs::File::options()
        .write(true)
        .open(sandbox.repo.join("README.md"))
        .and_then(|file| file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1)))
        .unwrap();
    sandbox.write("notes.txt", "not committed\n");
    sandbox.write("prompts/old.md", "changed\n");
    let before = sandbox.snapshot();
    let mut commit = sandbox.commit(&[
        ("README.md", "read me too\n"),
        ("prompts/new.md", "Be brief."),
        ("./a//b/c.json", "{}\r\n"),
    ]);
    // Paths are relative to the top, also from a subfolder.
    commit.repo = sandbox.repo.join("prompts");
    let exported = export(&commit).unwrap();
    assert_eq!(sandbox.snapshot(), before);
    assert!(exported.created_branch && !exported.unchanged && !exported.pushed);
    assert_eq!(sandbox.git(&["rev-parse", "promptsearch/triage"]).trim(), exported.commit);
    assert_eq!(
        sandbox
            .git(&["diff", "--raw", "--no-abbrev", "main", "promptsearch/triage"])
            .lines()
            .map(|line| line.split_once('\t').unwrap().1)
            .collect::<Vec<_>>(),
        ["README.md", "a/b/c.json", "prompts/new.md"]
    );
    assert_eq!(sandbox.git(&["show", "promptsearch/triage:prompts/new.md"]), "Be brief.");
    assert_eq!(sandbox.git(&["show", "promptsearch/triage:a/b/c.json"]), "{}\r\n");
    assert_eq!(
        sandbox.git(&["log", "-1", "--format=%an <%ae>%n%P%n%B", "promptsearch/triage"]),
        format!(
            "Ada <ada@example.com>\n{}Better prompt\n\nScore: 0.9\n\n",
            sandbox.git(&["rev-parse", "main"])
        )
    );
    sandbox.git(&["fsck", "--strict"]);
}

#[test]
fn a_message_is_utf_8_whatever_its_owner_writes_in() {
    let sandbox = sandbox();
    sandbox.git(&["config", "i18n.commitEncoding", "ISO-8859-1"]);
    let mut commit = sandbox.commit(&[("p.md", "x")]);
    commit.message = "Größer\n".into();
    export(&commit).unwrap();
    let stored = sandbox.git(&["cat-file", "commit", "promptsearch/triage"]);
    assert!(stored.ends_with("\n\nGrößer\n"), "{stored}");
    assert!(!stored.contains("encoding"), "{stored}");
}

#[test]
fn a_second_export_is_based_on_the_first() {
    let sandbox = sandbox();
    let first = export(&sandbox.commit(&[("p.md", "one"), ("q.md", "q")])).unwrap();
    // HEAD advances meanwhile; the branch does not follow it.
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "work"]);
    let second = export(&sandbox.commit(&[("p.md", "two")])).unwrap();
    assert!(!second.created_branch && !second.unchanged);
    assert_eq!(sandbox.git(&["rev-parse", "promptsearch/triage^"]).trim(), first.commit);
    assert_eq!(sandbox.git(&["show", "promptsearch/triage:p.md"]), "two");
    assert_eq!(sandbox.git(&["show", "promptsearch/triage:q.md"]), "q");
}

#[test]
fn the_same_bytes_are_committed_once() {
    let sandbox = sandbox();
    let commit = sandbox.commit(&[("a/p.md", "one"), ("a/p.evidence.json", "{}")]);
    let first = export(&commit).unwrap();
    let again = export(&commit).unwrap();
    assert!(again.unchanged && !again.created_branch);
    assert_eq!(again.commit, first.commit);
    // HEAD has these bytes already: a branch, but no commit without content.
    let mut commit = sandbox.commit(&[("README.md", "read me\n")]);
    commit.branch = "same".into();
    let same = export(&commit).unwrap();
    assert!(same.unchanged && same.created_branch);
    assert_eq!(sandbox.git(&["rev-parse", "main", "same"]).lines().nth(1), Some(&*same.commit));
    assert_eq!(sandbox.git(&["rev-parse", "main"]).trim(), same.commit);
}

#[test]
fn a_file_that_its_owner_is_working_on_is_not_exported_to() {
    let sandbox = sandbox();
    let state_of = |path: &str| {
        let before = sandbox.snapshot();
        let mut commit = sandbox.commit(&[("fine.md", "x"), (path, "new")]);
        commit.repo = sandbox.repo.join("prompts");
        let result = export(&commit);
        assert_eq!(sandbox.snapshot(), before);
        assert!(!sandbox.has_branch("promptsearch/triage"));
        match result.unwrap_err() {
            error @ GitError::Dirty { .. } => {
                assert!(error.is_usage());
                assert!(error.to_string().contains(path), "{error}");
                assert!(error.help().unwrap().contains("nothing was written"));
                let GitError::Dirty { state, .. } = error else { unreachable!() };
                state
            }
            other => panic!("{other}"),
        }
    };
    sandbox.write("README.md", "changed\n");
    assert_eq!(state_of("README.md"), Dirt::Modified);
    sandbox.git(&["add", "README.md"]);
    assert_eq!(state_of("README.md"), Dirt::Staged);
    std::fs::remove_file(sandbox.repo.join("prompts/old.md")).unwrap();
    assert_eq!(state_of("prompts/old.md"), Dirt::Modified);
    sandbox.write("prompts/new [1].md", "mine");
    assert_eq!(state_of("prompts/new [1].md"), Dirt::Untracked);
    sandbox.git(&["config", "status.showUntrackedFiles", "no"]);
    assert_eq!(state_of("prompts/new [1].md"), Dirt::Untracked);
    sandbox.write(".git/info/exclude", "/local\n");
    sandbox.write("local/mine.md", "mine");
    assert_eq!(state_of("local/mine.md"), Dirt::Untracked);
    // An ignored file beside it, or a file that only matches as a pattern, is no obstacle.
    export(&sandbox.commit(&[("local/new.md", "x"), ("prompts/*.md", "x")])).unwrap();
}

#[test]
fn before_the_first_commit_the_branch_begins_with_the_export() {
    let sandbox = empty("new");
    let before = sandbox.snapshot();
    let exported = export(&sandbox.commit(&[("a/p.md", "x")])).unwrap();
    assert!(exported.created_branch && !exported.unchanged);
    assert_eq!(
        sandbox.git(&["rev-list", "--parents", "promptsearch/triage"]).trim(),
        exported.commit
    );
    assert_eq!(sandbox.snapshot(), before);
    sandbox.git(&["fsck", "--strict"]);
    let mut commit = sandbox.commit(&[("p.md", "x")]);
    commit.branch = "main".into();
    assert!(matches!(export(&commit), Err(GitError::CheckedOut { .. })));
}

#[test]
fn a_branch_in_use_is_not_moved() {
    let sandbox = sandbox();
    let refused = |branch: &str| {
        let mut commit = sandbox.commit(&[("p.md", "x")]);
        commit.branch = branch.into();
        let before = sandbox.git(&["for-each-ref"]);
        let error = export(&commit).unwrap_err();
        assert_eq!(sandbox.git(&["for-each-ref"]), before);
        assert!(matches!(error, GitError::CheckedOut { .. }), "{error}");
        assert!(error.help().unwrap().contains("--branch"));
        error.to_string()
    };
    refused("main");
    sandbox.git(&["worktree", "add", "-q", "-b", "elsewhere", "../other tree"]);
    assert!(refused("elsewhere").contains("other tree"));
    // In the middle of a rebase HEAD is detached, but the branch is still in use.
    sandbox.git(&["checkout", "-q", "-b", "topic"]);
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "topic"]);
    let stop = ["rebase", "--no-ff", "--exec", "false", "main"];
    let broken = try_git(&sandbox.repo, &stop);
    assert!(!broken.status.success());
    assert_eq!(sandbox.git(&["rev-parse", "--abbrev-ref", "HEAD"]).trim(), "HEAD");
    assert!(refused("topic").contains("rebase"));
}

#[test]
fn a_branch_name_must_mean_one_new_or_existing_branch() {
    let sandbox = sandbox();
    sandbox.git(&["branch", "promptsearch"]);
    sandbox.git(&["branch", "x/y"]);
    sandbox.git(&["branch", "target"]);
    sandbox.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/target"]);
    let before = sandbox.git(&["for-each-ref"]);
    for branch in ["", "-f", "HEAD", "a..b", "@{-1}", "a b", "promptsearch/triage", "x", "alias"] {
        let mut commit = sandbox.commit(&[("p.md", "x")]);
        commit.branch = branch.into();
        let error = export(&commit).unwrap_err();
        assert!(matches!(error, GitError::Branch { .. }), "{branch}: {error}");
        assert_eq!(sandbox.git(&["for-each-ref"]), before);
    }
}

#[test]
fn a_path_must_name_a_file_of_the_repository() {
    let sandbox = sandbox();
    for path in [
        "",
        "/p.md",
        "../p.md",
        "a/../../p.md",
        ".git/config",
        "a/.GIT/x",
        "a/.git./x",
        "GIT~1/x",
        ".git::$INDEX_ALLOCATION/x",
        ".g\u{200c}it/x",
        "a\\b",
        "a\nb",
        "a/",
        ".",
        "a/.",
        "prompts",
        "README.md/p.md",
    ] {
        let error = export(&sandbox.commit(&[(path, "x")])).unwrap_err();
        assert!(matches!(error, GitError::Path { .. }), "{path}: {error}");
        assert!(error.is_usage());
    }
    for both in [["a", "a/b"], ["a/b", "a"], ["a", "./a"]] {
        let error = export(&sandbox.commit(&both.map(|path| (path, "x")))).unwrap_err();
        assert!(matches!(error, GitError::Path { .. }), "{both:?}: {error}");
    }
    assert!(matches!(export(&sandbox.commit(&[])), Err(GitError::NoFiles)));
    assert!(!sandbox.has_branch("promptsearch/triage"));
    assert!(names_of(".github/prompts/p.md").is_ok());
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_not_followed() {
    let sandbox = sandbox();
    let outside = tempfile::tempdir().unwrap();
    let refused = |path: &str| {
        let error = export(&sandbox.commit(&[(path, "x")])).unwrap_err();
        assert!(matches!(error, GitError::Path { .. }), "{error}");
        assert!(error.to_string().contains("symbolic link"), "{error}");
    };
    std::os::unix::fs::symlink(outside.path(), sandbox.repo.join("link")).unwrap();
    refused("link/p.md");
    sandbox.git(&["add", "link"]);
    sandbox.git(&["commit", "-q", "-m", "link"]);
    refused("link");
    sandbox.git(&["checkout", "-q", "-b", "promptsearch/triage"]);
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "not merged"]);
    sandbox.git(&["checkout", "-q", "-"]);
    sandbox.git(&["rm", "-q", "link"]);
    sandbox.git(&["commit", "-q", "-m", "no link"]);
    // Only the branch has it now.
    refused("link/p.md");
    refused("link");
}

#[test]
fn other_repositories_are_not_touched() {
    let sandbox = sandbox();
    let tip = sandbox.git(&["rev-parse", "main"]);
    let gitlink = format!("160000,{},sub", tip.trim());
    sandbox.git(&["update-index", "--add", "--cacheinfo", &gitlink]);
    sandbox.git(&["commit", "-q", "-m", "submodule"]);
    let error = export(&sandbox.commit(&[("sub/p.md", "x")])).unwrap_err();
    assert!(error.to_string().contains("submodule"), "{error}");
    assert!(error.is_usage(), "{error}");
    git(&sandbox.repo, &["init", "-q", "nested"]);
    sandbox.write("nested/p.md", "mine");
    let error = export(&sandbox.commit(&[("nested/p.md", "x")])).unwrap_err();
    assert!(error.to_string().contains("of its own"), "{error}");
    // A nested repository beside the file is no obstacle.
    export(&sandbox.commit(&[("p.md", "x")])).unwrap();
    assert!(sandbox.git(&["ls-tree", "promptsearch/triage", "sub"]).starts_with("160000"));
}

#[test]
fn other_files_and_executable_bits_stay() {
    let sandbox = sandbox();
    export(&sandbox.commit(&[("run.sh", "#!/bin/sh\ntrue\n"), ("p.md", "x")])).unwrap();
    let modes = |branch: &str| {
        sandbox
            .git(&["ls-tree", "-r", "--format=%(objectmode) %(path)", branch])
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        modes("promptsearch/triage"),
        ["100644 README.md", "100644 p.md", "100644 prompts/old.md", "100755 run.sh"]
    );
    assert_eq!(
        sandbox.git(&["rev-parse", "main:README.md", "main:prompts"]),
        sandbox.git(&["rev-parse", "promptsearch/triage:README.md", "promptsearch/triage:prompts"])
    );
}

#[test]
fn bytes_are_stored_unchanged_with_any_filters() {
    let sandbox = sandbox();
    sandbox.git(&["config", "core.autocrlf", "true"]);
    sandbox.write(".gitattributes", "*.md text eol=crlf ident\n");
    let bytes = b"a\r\nb\n\xff\0$Id$".to_vec();
    let mut commit = sandbox.commit(&[]);
    commit.files = vec![("p.md".into(), bytes.clone())];
    export(&commit).unwrap();
    let stored = test_git();
    let stored = Git { folder: sandbox.repo.clone(), ..stored };
    let stored = stored.bytes(&["cat-file", "blob", "promptsearch/triage:p.md"], None);
    assert_eq!(stored.unwrap(), bytes);
}

#[test]
fn concurrent_exports_all_succeed() {
    let sandbox = sandbox();
    let before = sandbox.snapshot();
    let start = Barrier::new(4);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (sandbox, start) = (&sandbox, &start);
            scope.spawn(move || {
                start.wait();
                for turn in 0..3 {
                    let path = format!("prompts/{thread}/{turn}.md");
                    export(&sandbox.commit(&[(&path, &path)])).unwrap();
                }
            });
        }
    });
    for thread in 0..4 {
        for turn in 0..3 {
            let path = format!("prompts/{thread}/{turn}.md");
            let place = format!("promptsearch/triage:{path}");
            assert_eq!(sandbox.git(&["show", &place]), path);
        }
    }
    assert_eq!(sandbox.git(&["rev-list", "--count", "promptsearch/triage"]).trim(), "13");
    assert_eq!(sandbox.snapshot(), before);
    sandbox.git(&["fsck", "--strict"]);
}

#[test]
fn only_one_of_several_exports_reports_that_it_created_the_branch() {
    let sandbox = sandbox();
    let start = Barrier::new(4);
    let created: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    export(&sandbox.commit(&[("p.md", "same")])).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| usize::from(thread.join().unwrap().created_branch)).sum()
    });
    assert_eq!(created, 1);
    assert_eq!(sandbox.git(&["rev-list", "--count", "promptsearch/triage"]).trim(), "2");
}

#[test]
fn a_push_happens_only_on_request() {
    let sandbox = sandbox();
    let remote = sandbox.repo.parent().unwrap().join("remote.git");
    std::fs::create_dir(&remote).unwrap();
    git(&remote, &["init", "-q", "--bare", "-b", "main"]);
    sandbox.git(&["remote", "add", "origin", remote.to_str().unwrap()]);
    let mut commit = sandbox.commit(&[("p.md", "x")]);
    assert!(!export(&commit).unwrap().pushed);
    assert_eq!(git(&remote, &["for-each-ref"]), "");
    commit.push = Some("origin".into());
    // There is nothing to commit, but something to push.
    let exported = export(&commit).unwrap();
    assert!(exported.pushed && exported.unchanged);
    let tips = git(&remote, &["for-each-ref", "--format=%(objectname) %(refname)"]);
    assert_eq!(tips, format!("{} refs/heads/promptsearch/triage\n", exported.commit));

    // Commits of others on the remote are never overwritten; the local commit remains.
    let theirs = sandbox.git(&["commit-tree", "-m", "theirs", "main^{tree}"]);
    let refspec = format!("+{}:refs/heads/promptsearch/triage", theirs.trim());
    sandbox.git(&["push", "-q", "origin", &refspec]);
    commit.files[0].1 = b"y".to_vec();
    let error = export(&commit).unwrap_err();
    assert!(!error.is_usage());
    let GitError::Push { exported, .. } = &error else { panic!("{error}") };
    assert!(!exported.pushed && !exported.unchanged);
    assert_eq!(sandbox.git(&["rev-parse", "promptsearch/triage"]).trim(), exported.commit);
    assert_eq!(git(&remote, &["rev-parse", "refs/heads/promptsearch/triage"]), theirs);
    assert!(error.to_string().contains("is on the branch"));
}

#[test]
fn a_failed_push_keeps_its_secrets() {
    let sandbox = sandbox();
    let mut commit = sandbox.commit(&[("p.md", "x")]);
    commit.push = Some("nosuch://me:s3cret@host/repo".into());
    let error = export(&commit).unwrap_err();
    let shown = format!("{error} {}", error.help().unwrap());
    assert!(shown.contains("nosuch://host/repo"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(sandbox.has_branch("promptsearch/triage"));
    for (text, clean) in [
        ("see https://t0ken@a/b and 'http://u:p@q@c'", "see https://a/b and 'http://c'"),
        ("ssh://git@host/x", "ssh://git@host/x"),
        ("ssh://git:pw@host/x", "ssh://host/x"),
        ("git@host:a/b", "git@host:a/b"),
        ("https://", "https://"),
    ] {
        assert_eq!(without_credentials(text), clean);
    }
}

#[test]
fn a_bare_repository_will_do() {
    let sandbox = sandbox();
    let bare = sandbox.repo.parent().unwrap().join("bare.git");
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    git(&bare, &["config", "user.name", "Ada"]);
    git(&bare, &["config", "user.email", "ada@example.com"]);
    let mut commit = sandbox.commit(&[("README.md", "new")]);
    commit.repo = bare.clone();
    export(&commit).unwrap();
    assert_eq!(git(&bare, &["show", "promptsearch/triage:README.md"]), "new");
    assert_eq!(git(&bare, &["show", "main:README.md"]), "read me\n");
    assert!(!bare.join("index").exists());
}

#[test]
fn a_folder_without_a_repository_is_an_error() {
    let sandbox = sandbox();
    let folder = tempfile::tempdir().unwrap();
    for repo in [
        folder.path().to_owned(),
        folder.path().join("missing"),
        sandbox.repo.join("README.md"),
        sandbox.repo.join(".git"),
    ] {
        let mut commit = sandbox.commit(&[("p.md", "x")]);
        commit.repo = repo.clone();
        let error = export(&commit).unwrap_err();
        assert!(matches!(error, GitError::NotARepository { .. }), "{error}");
        assert!(error.to_string().contains(&*repo.to_string_lossy()));
    }
}

#[test]
fn a_missing_git_program_is_an_error() {
    let sandbox = sandbox();
    let missing = Git { program: "git-that-is-not-there".into(), ..test_git() };
    let error = sandbox.commit(&[("p.md", "x")]).make_with(missing).unwrap_err();
    assert!(matches!(error, GitError::NoGit { .. }), "{error}");
    assert!(error.help().unwrap().contains("install git"));
}

#[test]
fn a_missing_identity_is_an_error() {
    let sandbox = sandbox();
    for (missing, value) in [("user.email", "ada@example.com"), ("user.name", "Ada")] {
        sandbox.git(&["config", "--unset", missing]);
        let error = export(&sandbox.commit(&[("p.md", "x")])).unwrap_err();
        assert!(matches!(error, GitError::NoIdentity), "{missing}: {error}");
        let help = error.help().unwrap();
        assert!(help.contains("user.name") && help.contains("user.email"));
        assert!(!sandbox.has_branch("promptsearch/triage"));
        sandbox.git(&["config", missing, value]);
    }
    export(&sandbox.commit(&[("p.md", "x")])).unwrap();
}

#[test]
fn commits_are_signed_if_the_user_signs() {
    let sandbox = sandbox();
    sandbox.git(&["config", "gpg.program", "no-such-signer"]);
    sandbox.git(&["config", "commit.gpgSign", "yes"]);
    let commit = sandbox.commit(&[("p.md", "x")]);
    let error = export(&commit).unwrap_err();
    assert!(error.to_string().contains("commit-tree"), "{error}");
    assert!(!sandbox.has_branch("promptsearch/triage"));
    sandbox.git(&["config", "commit.gpgSign", "no"]);
    export(&commit).unwrap();
}

#[test]
fn variables_of_a_surrounding_git_do_not_lead_astray() {
    let (sandbox, other) = (sandbox(), sandbox());
    let before = other.snapshot();
    let mut git = test_git();
    for (name, value) in [
        ("GIT_DIR", other.repo.join(".git")),
        ("GIT_WORK_TREE", other.repo.clone()),
        ("GIT_INDEX_FILE", other.repo.join(".git/index")),
        ("GIT_OBJECT_DIRECTORY", other.repo.join(".git/objects")),
        ("GIT_GLOB_PATHSPECS", "1".into()),
    ] {
        git.environment.push((name, Some(value.into())));
    }
    sandbox.commit(&[("p.md", "x")]).make_with(git).unwrap();
    assert_eq!(sandbox.git(&["show", "promptsearch/triage:p.md"]), "x");
    assert!(!other.has_branch("promptsearch/triage"));
    assert_eq!(other.snapshot(), before);
}

//! The files that a configuration names: those in its folder, and no others.

use crate::source::SourceError;
use crate::source::yaml::{Node, text_of};
use std::path::{Component, Path, PathBuf};

/// Extensions of programs, which are not run.
const PROGRAMS: &[&str] = &["js", "cjs", "mjs", "ts", "cts", "mts", "py", "rb", "go", "sh"];

/// The folder of a configuration.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

/// A file as a configuration names it.
#[derive(Debug, PartialEq)]
pub(super) enum NamedFile {
    /// It may be read.
    Inside(PathBuf),
    /// It is outside of the folder.
    Outside,
    /// It is a program.
    Program,
    /// It is a pattern for the names of files.
    Pattern,
}

impl Folder {
    pub(super) fn of(configuration: &Path) -> Self {
        let folder = configuration.parent().filter(|it| !it.as_os_str().is_empty());
        Self(folder.unwrap_or(Path::new(".")).to_owned())
    }

    /// The file of this name, looked for in a folder within this one and then in this one.
    pub(super) fn named(&self, within: &Path, name: &str) -> NamedFile {
        let name = name.strip_prefix("file://").unwrap_or(name);
        let extension = Path::new(name).extension().and_then(|it| it.to_str()).unwrap_or_default();
        // A program may be followed by the name of a function.
        let extension = extension.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if PROGRAMS.contains(&extension.as_str()) {
            return NamedFile::Program;
        }
        if name.contains('*') {
            return NamedFile::Pattern;
        }
        let near = within.join(name);
        let path = if near.exists() { near } else { self.0.join(name) };
        let is_inside = match (path.canonicalize(), self.0.canonicalize()) {
            (Ok(path), Ok(folder)) => path.starts_with(folder),
            // A file that does not exist is reported as such.
            _ => Path::new(name)
                .components()
                .all(|it| matches!(it, Component::Normal(_) | Component::CurDir)),
        };
        if is_inside { NamedFile::Inside(path) } else { NamedFile::Outside }
    }
}

/// What a file stands for as a value: its text, or YAML and JSON as JSON.
pub(super) fn value_of(path: &Path) -> Result<serde_json::Value, SourceError> {
    let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "yaml" | "yml" | "json" => Ok(Node::read(path)?.value()),
        _ => Ok(text_of(path)?.trim_end().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_within_the_folder_are_named() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("suite");
        std::fs::create_dir_all(inner.join("data")).unwrap();
        std::fs::write(outer.path().join("secret.txt"), "s").unwrap();
        std::fs::write(inner.join("a.txt"), "a").unwrap();
        std::fs::write(inner.join("data/b.txt"), "b").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(outer.path().join("secret.txt"), inner.join("link.txt"))
            .unwrap();
        let folder = Folder::of(&inner.join("promptfooconfig.yaml"));
        let named = |name: &str| folder.named(&inner.join("data"), name);
        assert_eq!(named("file://a.txt"), NamedFile::Inside(inner.join("a.txt")));
        assert_eq!(named("b.txt"), NamedFile::Inside(inner.join("data/b.txt")));
        assert_eq!(named("no.txt"), NamedFile::Inside(inner.join("no.txt")));
        let secret = outer.path().join("secret.txt");
        let absolute = format!("file://{}", secret.display());
        for outside in ["file://../secret.txt", "../../secret.txt", "../no.txt", &absolute] {
            assert_eq!(named(outside), NamedFile::Outside, "{outside}");
        }
        #[cfg(unix)]
        assert_eq!(named("link.txt"), NamedFile::Outside);
        assert_eq!(named("tests/*.yaml"), NamedFile::Pattern);
        assert_eq!(named("file://vars.js"), NamedFile::Program);
        assert_eq!(named("file://tests.py:make"), NamedFile::Program);
    }
}

//! A tree of the repository with a file added, made without an index.

use super::error::GitError;
use super::file::File;
use super::program::Git;

/// One line of a tree.
struct Entry<'a> {
    mode: String,
    kind: String,
    object: String,
    name: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Reads `MODE KIND OBJECT<tab>NAME<nul>`…, where a name may be any bytes.
    fn read_all(listing: &'a [u8]) -> Result<Vec<Self>, GitError> {
        let mut entries = Vec::new();
        for record in listing.split(|byte| *byte == 0).filter(|r| !r.is_empty()) {
            let entry = record.iter().position(|byte| *byte == b'\t').and_then(|tab| {
                let facts = std::str::from_utf8(&record[..tab]).ok()?;
                let mut facts = facts.split_whitespace().map(str::to_owned);
                Some(Self {
                    mode: facts.next()?,
                    kind: facts.next()?,
                    object: facts.next()?,
                    name: &record[tab + 1..],
                })
            });
            entries.push(entry.ok_or_else(|| GitError::Failed {
                command: "ls-tree".to_owned(),
                message: format!("cannot read `{}`", String::from_utf8_lossy(record)),
            })?);
        }
        Ok(entries)
    }

    fn write_all(entries: &[Self]) -> Vec<u8> {
        let mut listing = Vec::new();
        for entry in entries {
            let facts = format!("{} {} {}\t", entry.mode, entry.kind, entry.object);
            listing.extend_from_slice(facts.as_bytes());
            listing.extend_from_slice(entry.name);
            listing.push(0);
        }
        listing
    }

    fn is_file(&self) -> bool {
        self.kind == "blob" && self.mode != "120000"
    }

    fn is_folder(&self) -> bool {
        self.kind == "tree"
    }

    fn noun(&self) -> &'static str {
        match self.kind.as_str() {
            "tree" => "folder",
            "commit" => "submodule",
            _ if self.is_file() => "file",
            _ => "symbolic link",
        }
    }
}

impl Git {
    /// The id of `tree` with the file's blob added, `depth` folders down its path. It is `tree`
    /// itself if the blob is already there.
    pub(super) fn tree_with(
        &self,
        tree: Option<&str>,
        file: &File<'_>,
        depth: usize,
        blob: &str,
    ) -> Result<String, GitError> {
        let listing = match tree {
            Some(tree) => self.bytes(&["ls-tree", "-z", "--full-tree", tree], None)?,
            None => Vec::new(),
        };
        let mut entries = Entry::read_all(&listing)?;
        let name = file.names[depth].as_bytes();
        let known = entries.iter().position(|entry| entry.name == name);
        let is_file = depth + 1 == file.names.len();
        let here = || file.names[..=depth].join("/");
        let (mode, object) = match (known.map(|at| &entries[at]), is_file) {
            (Some(entry), true) if entry.is_file() => {
                if let (Some(tree), true) = (tree, entry.object == blob) {
                    return Ok(tree.to_owned());
                }
                // An executable file stays executable.
                (entry.mode.clone(), blob.to_owned())
            }
            (Some(entry), false) if entry.is_folder() => {
                let folder = self.tree_with(Some(&entry.object), file, depth + 1, blob)?;
                if let (Some(tree), true) = (tree, entry.object == folder) {
                    return Ok(tree.to_owned());
                }
                (entry.mode.clone(), folder)
            }
            (None, true) => ("100644".to_owned(), blob.to_owned()),
            (None, false) => ("040000".to_owned(), self.tree_with(None, file, depth + 1, blob)?),
            (Some(entry), _) => {
                return Err(file.wrong(format!(
                    "`{}` is a {} on the branch",
                    here(),
                    entry.noun()
                )));
            }
        };
        let entry =
            Entry { kind: if is_file { "blob" } else { "tree" }.to_owned(), mode, object, name };
        match known {
            Some(at) => entries[at] = entry,
            None => entries.push(entry),
        }
        // A partial clone lacks some objects of the tree; they need not be fetched.
        self.line(&["mktree", "-z", "--missing"], Some(&Entry::write_all(&entries)))
    }
}

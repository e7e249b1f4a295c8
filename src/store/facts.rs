//! A file of facts: one a line as JSON, in order, each durable before it counts.
//!
//! Not the journal of a run, which holds two copies; for what is written rarely and read whole.

use crate::text;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// What is wrong with a file of facts.
#[derive(Debug, Error)]
pub enum FactFileError {
    /// It cannot be read or written.
    #[error("{}: {}", path.display(), text::cause(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no file of its own.
    #[error("`{}` is a link, a pipe or a device, and must be a file: remove it", path.display())]
    NoFile {
        /// The file.
        path: PathBuf,
    },
    /// A whole line says nothing that is known.
    #[error("{}: line {line}: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

/// The file, as it was read and added to since.
#[derive(Debug)]
pub struct FactFile<F> {
    path: PathBuf,
    /// Bytes of whole lines: what is after them was torn by a kill.
    whole: u64,
    /// Whether the last whole line lacks its end.
    is_cut: bool,
    facts: PhantomData<F>,
}

impl<F: Serialize + DeserializeOwned> FactFile<F> {
    /// Reads the facts, the n-th from line n; none where the file does not exist. A torn last line is left out; a
    /// whole one that only lacks its end, as an editor may leave it, is not. What of a number is left is a number, too:
    /// one without an end is taken for torn.
    ///
    /// # Errors
    /// It cannot be read, or a whole line of it says nothing that is known.
    pub fn open(path: &Path) -> Result<(Self, Vec<F>), FactFileError> {
        check_is_file(path)?;
        let bytes = match crate::source::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(FactFileError::Io { path: path.to_owned(), source }),
        };
        let (mut whole, mut is_cut, mut facts) = (0, false, Vec::new());
        for (place, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let has_end = line.ends_with(b"\n");
            match serde_json::from_slice(line) {
                Ok(fact) if has_end || is_closed(line) => facts.push(fact),
                Ok(_) => break,
                Err(_) if !has_end => break,
                Err(error) => {
                    return Err(FactFileError::Malformed {
                        path: path.to_owned(),
                        line: place + 1,
                        message: error.to_string(),
                    });
                }
            }
            is_cut = !has_end;
            whole += line.len() as u64;
        }
        Ok((Self { path: path.to_owned(), whole, is_cut, facts: PhantomData }, facts))
    }

    /// Appends facts; they are durable when this returns.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn append(&mut self, facts: &[F]) -> Result<(), FactFileError> {
        let write = || -> io::Result<u64> {
            let mut lines = if self.is_cut { b"\n".to_vec() } else { Vec::new() };
            for fact in facts {
                serde_json::to_writer(&mut lines, fact)?;
                lines.push(b'\n');
            }
            let mut file = File::options().create(true).append(true).open(&self.path)?;
            file.set_len(self.whole)?;
            file.write_all(&lines)?;
            file.sync_all()?;
            // A new file's name is durable with its folder.
            if self.whole == 0 {
                let folder = self.path.parent().filter(|it| !it.as_os_str().is_empty());
                File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
            }
            Ok(lines.len() as u64)
        };
        let written = write();
        self.whole +=
            written.map_err(|source| FactFileError::Io { path: self.path.clone(), source })?;
        self.is_cut = false;
        Ok(())
    }
}

/// Checks that what is at a path, if anything, is a file of its own: a link would lead to another file, which is not one of
/// facts.
///
/// # Errors
/// It is a link, a folder, a pipe or a device.
pub fn check_is_file(path: &Path) -> Result<(), FactFileError> {
    match path.symlink_metadata() {
        Ok(meta) if !meta.is_file() => Err(FactFileError::NoFile { path: path.to_owned() }),
        _ => Ok(()),
    }
}

/// Whether a value ends with what closes it, so that nothing of it is missing.
fn is_closed(line: &[u8]) -> bool {
    line.trim_ascii_end().last().is_some_and(|last| b"}]\"".contains(last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_is_left_of_a_number_is_torn() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("facts.jsonl");
        fs::write(&path, b"17\n12").unwrap();
        let (mut file, facts) = FactFile::<u32>::open(&path).unwrap();
        assert_eq!(facts, [17]);
        file.append(&[123]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"17\n123\n");
    }

    #[test]
    fn a_torn_line_is_cut_and_a_malformed_one_is_an_error() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("facts.jsonl");
        let read = || FactFile::<Vec<u32>>::open(&path);
        let (mut file, none) = read().unwrap();
        assert!(none.is_empty() && !path.exists(), "to read creates nothing");
        file.append(&[vec![1]]).unwrap();
        let first = fs::read(&path).unwrap().len();
        file.append(&[vec![2, 3], vec![4]]).unwrap();
        let whole = fs::read(&path).unwrap();
        assert_eq!(whole, b"[1]\n[2,3]\n[4]\n");
        for cut in first..first + 5 {
            fs::write(&path, &whole[..cut]).unwrap();
            let (mut file, facts) = read().unwrap();
            assert_eq!(facts, [vec![1]], "{cut}");
            file.append(&[vec![2, 3]]).unwrap();
            file.append(&[vec![4]]).unwrap();
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
        // A whole line without its end is not lost.
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        let (mut file, facts) = read().unwrap();
        assert_eq!(facts.len(), 3);
        file.append(&[vec![5]]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), [&whole[..], b"[5]\n"].concat());
        // A whole line is no torn one: it may be what was promised.
        for (bytes, line) in [(&b"{}\n[1]\n"[..], "line 1: "), (b"[1]\n{}\n", "line 2: ")] {
            fs::write(&path, bytes).unwrap();
            let error = read().unwrap_err().to_string();
            assert!(error.contains("facts.jsonl: ") && error.contains(line), "{error}");
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
    }
}

//! A file of facts in a folder: one a line as JSON, in order, each durable before it counts.
//!
//! Not the journal of a run, which holds two copies; for what is written rarely and read whole.

use super::dir::{RunDir, RunDirError, io_error};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::path::PathBuf;

/// The file, as it was read and added to since.
#[derive(Debug)]
pub struct FactFile<F> {
    path: PathBuf,
    /// Bytes of whole lines: what is after them was torn by a kill.
    whole: u64,
    facts: PhantomData<F>,
}

impl<F: Serialize + DeserializeOwned> FactFile<F> {
    /// Reads the facts; none where the file does not exist. A torn last line is left out.
    ///
    /// # Errors
    /// It cannot be read, or a whole line of it says nothing that is known.
    pub fn open(dir: &RunDir, name: &str) -> Result<(Self, Vec<F>), RunDirError> {
        let path = dir.file(name);
        let bytes = match crate::source::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(io_error(&path, source)),
        };
        let (mut whole, mut facts) = (0, Vec::new());
        for (number, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            if !line.ends_with(b"\n") {
                break;
            }
            facts.push(serde_json::from_slice(line).map_err(|error| RunDirError::Malformed {
                path: path.clone(),
                message: format!("line {}: {error}", number + 1),
            })?);
            whole += line.len() as u64;
        }
        Ok((Self { path, whole, facts: PhantomData }, facts))
    }

    /// Appends a fact; it is durable when this returns.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn append(&mut self, fact: &F) -> Result<(), RunDirError> {
        let write = || -> io::Result<u64> {
            let mut line = serde_json::to_vec(fact)?;
            line.push(b'\n');
            let mut file = File::options().create(true).append(true).open(&self.path)?;
            file.set_len(self.whole)?;
            file.write_all(&line)?;
            file.sync_all()?;
            // The file's name is durable with its folder.
            if let Some(folder) = self.path.parent() {
                File::open(folder)?.sync_all()?;
            }
            Ok(line.len() as u64)
        };
        self.whole += write().map_err(|source| io_error(&self.path, source))?;
        Ok(())
    }
}

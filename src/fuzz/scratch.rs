//! A file that is written over and over, for readers that read files.

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    static FOLDER: OnceCell<PathBuf> = const { OnceCell::new() };
}

/// The folder of this thread's scratch files. The recipe that fuzzes sets the folder of temporary files
/// to one in memory.
pub(super) fn folder() -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    FOLDER.with(|folder| {
        folder
            .get_or_init(|| {
                let number = COUNT.fetch_add(1, Ordering::Relaxed);
                let name = format!("promptsearch-fuzz-{}-{number}", std::process::id());
                let folder = std::env::temp_dir().join(name);
                fs::create_dir_all(&folder).expect("a folder for scratch files");
                folder
            })
            .clone()
    })
}

/// Writes a file of this name into the folder.
pub(super) fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    write(&path, bytes);
    path
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("a scratch file is written");
}

//! The format of a data file, from its extension.

use crate::source::SourceError;
use std::path::Path;

/// The format of a data file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// One object per line.
    Jsonl,
    /// A list of objects, bare or under a key such as `rows`.
    Json,
    /// Comma-separated, with a header; `;`, tabs and `|` are recognised.
    Csv,
    /// Tab-separated, with a header.
    Tsv,
}

impl Format {
    /// From the file's extension.
    ///
    /// # Errors
    /// An unknown extension.
    pub(crate) fn of(path: &Path) -> Result<Self, SourceError> {
        let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "jsonl" | "ndjson" => Ok(Self::Jsonl),
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            "tsv" | "tab" => Ok(Self::Tsv),
            "xlsx" | "xls" | "ods" => Err(SourceError::new(path, "this is a spreadsheet")
                .help("export its sheet as CSV in UTF-8, and name that file")),
            "gz" | "zip" | "zst" | "bz2" | "xz" => Err(SourceError::new(path, "this is compressed")
                .help("unpack it, and name that file")),
            "parquet" | "arrow" | "feather" => Err(SourceError::new(path, "this is a columnar file")
                .help("convert it to .jsonl; in Python, `pandas.read_parquet(f).to_json(g, orient='records', \
                       lines=True)`")),
            _ if path.is_dir() => Err(SourceError::new(path, "this is a folder")
                .help("name a file of rows in it: .jsonl, .json, .csv or .tsv")),
            _ => Err(SourceError::new(path, "unknown file extension")
                .help("convert or rename it to .jsonl, .json, .csv or .tsv")),
        }
    }

    /// Whether the file is a table, whose cells are texts and whose empty cells are missing values.
    pub(crate) fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv)
    }
}

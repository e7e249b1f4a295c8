//! Tables as Markdown, and 95 % intervals.

/// A table.
pub(crate) struct Table {
    /// The title.
    pub(crate) title: String,
    /// The head of each column.
    pub(crate) heads: Vec<String>,
    /// The rows.
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    /// The table with its title above.
    pub(crate) fn as_markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule: Vec<String> = (0..self.heads.len())
            .map(|column| if column == 0 { "---" } else { "---:" }.into())
            .collect();
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!("{}.\n\n{}{}{rows}\n", self.title, line(&self.heads), line(&rule))
    }
}

/// Mean ± 1.96 standard errors over tasks and models.
pub(crate) fn interval(values: &[f64], digits: usize) -> String {
    let n = values.len() as f64;
    if values.is_empty() {
        return "–".to_owned();
    }
    let mean = values.iter().sum::<f64>() / n;
    let spread = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    let half = if n > 1.0 { 1.96 * (spread / (n - 1.0) / n).sqrt() } else { 0.0 };
    format!("{mean:.digits$} ± {half:.digits$}")
}

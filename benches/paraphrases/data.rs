//! The prompts: one file per task, one line per prompt.

use crate::options::Options;
use std::collections::BTreeMap;

/// A prompt as read from the file.
#[derive(serde::Deserialize)]
struct Line {
    template: String,
    accuracy: BTreeMap<String, f64>,
}

/// A task's prompts, and the accuracy of each model with each prompt.
pub(crate) struct Task {
    /// The file's name.
    pub(crate) name: String,
    /// The texts; the first one is the task's own.
    pub(crate) prompts: Vec<String>,
    /// For each model, the accuracy with each prompt.
    pub(crate) models: Vec<(String, Vec<f64>)>,
}

/// All tasks in order of their names.
pub(crate) fn read(options: &Options) -> Result<Vec<Task>, String> {
    let unreadable = |error: std::io::Error| format!("{}: {error}", options.data.display());
    let mut tasks = Vec::new();
    for entry in std::fs::read_dir(&options.data).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into());
        let wanted = options.tasks.is_empty() || options.tasks.contains(&name);
        if path.extension().is_some_and(|extension| extension == "jsonl") && wanted {
            let text = std::fs::read_to_string(&path).map_err(unreadable)?;
            tasks.push(task(name, &text, options.models)?);
        }
    }
    tasks.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tasks)
}

fn task(name: String, text: &str, models: usize) -> Result<Task, String> {
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line: Line = serde_json::from_str(line)
            .map_err(|error| format!("{name}.jsonl:{}: {error}", number + 1))?;
        lines.push(line);
    }
    let first = lines.first().ok_or_else(|| format!("{name}.jsonl is empty"))?;
    let names: Vec<String> = first.accuracy.keys().take(models).cloned().collect();
    let mut columns = Vec::new();
    for model in names {
        let accuracies = lines.iter().map(|line| {
            line.accuracy.get(&model).copied().ok_or_else(|| format!("{name}: no {model}"))
        });
        columns.push((model.clone(), accuracies.collect::<Result<Vec<f64>, String>>()?));
    }
    let prompts = lines.into_iter().map(|line| line.template).collect();
    Ok(Task { name, prompts, models: columns })
}

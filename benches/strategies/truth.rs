//! The true quality of each world's reference prompts: what a search could reach there. The table of
//! `docs/simulation.md`.

use crate::worlds::{ALL, WorldTask};
use promptsearch::sim::{true_quality, world_of};
use promptsearch::task::Task;

const MODEL_SEEDS: std::ops::RangeInclusive<u64> = 1..=4;

/// One line for each world, in points: means over the model seeds.
///
/// # Errors
/// A world whose task cannot be written or loaded.
pub(crate) fn all() -> Result<String, String> {
    let mut lines = String::new();
    for world in ALL.iter().copied() {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        world.write(folder.path()).map_err(|error| error.to_string())?;
        let task = Task::load(folder.path()).map_err(|error| error.to_string())?;
        let of = |system: &str, demos: &str| quality(world, &task, system, demos);
        let demos = if world.has_demos() {
            format!("{:.1}", of(&world.plain_system(), &world.demonstrations(12)))
        } else {
            "-".to_owned()
        };
        lines += &format!(
            "{:<18} baseline {:.1}  plain {:.1}  ideal {:.1}  twelve examples {demos}\n",
            world.to_string(),
            of(&world.baseline_system(), ""),
            of(&world.plain_system(), ""),
            of(&world.ideal_system(), ""),
        );
    }
    Ok(lines)
}

fn quality(world: WorldTask, task: &Task, system: &str, demos: &str) -> f64 {
    let prompt = task.baseline.with_part("system", system).with_part("demos", demos);
    let of_seed = |seed| true_quality(&world_of(task, seed, world.parameters()), task, &prompt);
    let sum: f64 = MODEL_SEEDS.map(of_seed).sum();
    sum / MODEL_SEEDS.count() as f64 * 100.0
}

//! Which caps of a run can be reached, and whether its models cost money.
//!
//! Asked before a run starts. What is left of a cap while it runs is counted in `ledger`.

use crate::caps::Caps;
use crate::task::Task;
use crate::task::model::{ModelRole, Provider};

/// Whether any of the models that are asked costs real money: neither simulated nor free.
#[must_use]
pub fn is_paid(task: &Task, is_asked: impl Fn(ModelRole) -> bool) -> bool {
    task.models().filter(|(role, _)| is_asked(*role)).any(|(_, model)| {
        let provider = task.providers().get(model.name.provider());
        let is_simulated = provider.is_some_and(Provider::is_simulated);
        let is_free = model.price.is_some_and(|price| price.is_free());
        !is_simulated && !is_free
    })
}

/// The caps that can be reached: one in dollars never is where all models that are asked are free.
#[must_use]
pub fn binding(task: &Task, caps: Caps, is_asked: impl Fn(ModelRole) -> bool) -> Caps {
    let mut asked = task.models().filter(|(role, _)| is_asked(*role));
    let are_free = asked.all(|(_, model)| model.price.is_some_and(|price| price.is_free()));
    Caps { usd: caps.usd.filter(|_| !are_free), ..caps }
}

/// What to tell of caps none of which can be reached, if so.
#[must_use]
pub fn no_cap_binds(
    task: &Task,
    caps: Caps,
    is_asked: impl Fn(ModelRole) -> bool,
) -> Option<&'static str> {
    let is_told = !caps.is_empty() && binding(task, caps, is_asked).is_empty();
    is_told.then_some("no cap binds: these models are free; add a cap on calls, proposals or time")
}

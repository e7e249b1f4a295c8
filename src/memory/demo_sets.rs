//! The sets of demonstrations that combinations are made of.

use crate::candidate::Demo;
use crate::event::Event;
use crate::state::Facts;

/// The sets, once they were collected.
#[derive(Clone, Debug, Default)]
pub struct DemoSets {
    sets: Option<Vec<Vec<Demo>>>,
}

impl DemoSets {
    /// The sets, once they were collected; an empty one stands for a prompt without demonstrations.
    #[must_use]
    pub fn collected(&self) -> Option<&[Vec<Demo>]> {
        self.sets.as_deref()
    }

    /// Takes in one event; `facts` have taken it in before.
    pub fn apply(&mut self, event: &Event, _facts: &Facts) {
        if let Event::DemosCollected { sets } = event {
            self.sets = Some(sets.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::tests::{Script, demo};

    #[test]
    fn sets_are_known_once_they_were_collected() {
        let mut script = Script::new(2);
        assert_eq!(script.state.memory.demo_sets.collected(), None);
        let sets = vec![Vec::new(), vec![demo(1)]];
        script.apply(Event::DemosCollected { sets: sets.clone() });
        assert_eq!(script.state.memory.demo_sets.collected(), Some(&*sets));
    }
}

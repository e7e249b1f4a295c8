//! Simulated tasks that differ in what makes a prompt good: for benchmarks and tests; not a user's
//! task.
//!
//! Each structure comes twice, from different data: once to tune strategies on, once held out, so
//! that figures can be shown for worlds that no strategy was tuned on. A world writes an ordinary task folder, and
//! says which parameters its models have.

pub(crate) mod domain;
mod held;
mod rows;
mod tune;

use domain::{Answers, Domain, Rule};
use promptsearch::seed::Seed;
use promptsearch::sim::world::WorldParameters;
use std::fmt;
use std::path::Path;

/// What makes a prompt good or bad in a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Structure {
    /// Four or five rules decide everything.
    FewSkills,
    /// Two dozen rules do.
    ManySkills,
    /// A rule disturbs the one next to it until that is stated as well; many rows need two.
    Tangled,
    /// Length hurts: who says more loses.
    Terse,
    /// The baseline misleads until what it says is removed.
    BadBaseline,
    /// Answers change a lot from draw to draw.
    Noisy,
    /// The baseline has nearly all that there is to have.
    NoHeadroom,
    /// Examples say what statements cannot.
    Demos,
}

impl Structure {
    /// As it is written in names.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FewSkills => "few-skills",
            Self::ManySkills => "many-skills",
            Self::Tangled => "tangled",
            Self::Terse => "terse",
            // All draws of a world are named after it: another name would be another world.
            Self::BadBaseline => "bad-seed",
            Self::Noisy => "noisy",
            Self::NoHeadroom => "no-headroom",
            Self::Demos => "demos",
        }
    }

    /// The constants that make it.
    fn parameters(self) -> WorldParameters {
        let usual = WorldParameters::default();
        match self {
            Self::FewSkills => WorldParameters { known: 0.2, ..usual },
            Self::ManySkills => WorldParameters { known: 0.25, ..usual },
            Self::Tangled => WorldParameters { known: 0.3, paired: 0.4, disturbed: 2.0, ..usual },
            Self::Terse => WorldParameters { dilution: 1.3, long_tokens: 120.0, ..usual },
            Self::BadBaseline => WorldParameters { misled: 4.0, contradicted: 0.1, ..usual },
            Self::Noisy => {
                WorldParameters { fresh: 0.85, fresh_at_most: 0.95, wording: 0.35, ..usual }
            }
            Self::NoHeadroom => {
                WorldParameters { known: 1.0, prior_known: 4.2, difficulty: 0.5, ..usual }
            }
            Self::Demos => WorldParameters {
                known: 0.3,
                most_stated: 0.3,
                demonstrated: 0.8,
                further: 0.5,
                ..usual
            },
        }
    }

    /// Whether prompts have a part for examples.
    fn has_demos(self) -> bool {
        matches!(self, Self::FewSkills | Self::ManySkills | Self::Noisy | Self::Demos)
    }
}

/// Which of the two worlds of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Half {
    /// Strategies may be tuned on it.
    Tune,
    /// No strategy was tuned on it.
    Held,
}

/// A simulated task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorldTask {
    structure: Structure,
    half: Half,
    pub(crate) domain: &'static Domain,
}

/// All simulated tasks: each structure to tune on, and held out.
pub(crate) const ALL: &[WorldTask] = &[
    WorldTask::new(Structure::FewSkills, Half::Tune, &tune::BICYCLES),
    WorldTask::new(Structure::ManySkills, Half::Tune, &tune::CLAIMS),
    WorldTask::new(Structure::Tangled, Half::Tune, &tune::RETURNS),
    WorldTask::new(Structure::Terse, Half::Tune, &tune::FORUM),
    WorldTask::new(Structure::BadBaseline, Half::Tune, &tune::BANK),
    WorldTask::new(Structure::Noisy, Half::Tune, &tune::APPLICANTS),
    WorldTask::new(Structure::NoHeadroom, Half::Tune, &tune::HELPDESK),
    WorldTask::new(Structure::Demos, Half::Tune, &tune::GUEST_CARDS),
    WorldTask::new(Structure::FewSkills, Half::Held, &held::BOATS),
    WorldTask::new(Structure::ManySkills, Half::Held, &held::TOWN_HALL),
    WorldTask::new(Structure::Tangled, Half::Held, &held::HOTEL),
    WorldTask::new(Structure::Terse, Half::Held, &held::LAB_NOTES),
    WorldTask::new(Structure::BadBaseline, Half::Held, &held::VETS),
    WorldTask::new(Structure::Noisy, Half::Held, &held::WORKSHOP),
    WorldTask::new(Structure::NoHeadroom, Half::Held, &held::NEWSROOM),
    WorldTask::new(Structure::Demos, Half::Held, &held::POTTERY),
];

/// A simulated task by its name, such as `terse/held`.
#[must_use]
pub(crate) fn named(name: &str) -> Option<WorldTask> {
    ALL.iter().copied().find(|world| world.to_string() == name)
}

impl fmt::Display for WorldTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let half = match self.half {
            Half::Tune => "tune",
            Half::Held => "held",
        };
        write!(f, "{}/{half}", self.structure.name())
    }
}

impl WorldTask {
    const fn new(structure: Structure, half: Half, domain: &'static Domain) -> Self {
        Self { structure, half, domain }
    }

    /// What makes a prompt good in it.
    #[must_use]
    pub(crate) fn structure(self) -> Structure {
        self.structure
    }

    /// Whether it may be tuned on.
    #[must_use]
    pub(crate) fn half(self) -> Half {
        self.half
    }

    /// How its models answer.
    #[must_use]
    pub(crate) fn parameters(self) -> WorldParameters {
        self.structure.parameters()
    }

    /// Whether prompts have a part `demos`, which is empty in the seed.
    #[must_use]
    pub(crate) fn has_demos(self) -> bool {
        self.structure.has_demos()
    }

    /// Where the rows' chance comes from: a task is the same whenever it is written.
    fn seed(self) -> Seed {
        Seed(0x776f_726c).child(&self.to_string(), 0)
    }

    /// The baseline's `system` part.
    #[must_use]
    pub(crate) fn baseline_system(self) -> String {
        let Domain { intro, ask, .. } = self.domain;
        if self.structure != Structure::BadBaseline {
            return format!("{intro}\n\n{ask}");
        }
        // Not a list, so that a rule added to the text does not replace one of them.
        let habits: Vec<String> =
            self.wrong_rules().map(|rule| format!("{rule}, as it always has.")).collect();
        format!("{intro}\n\n{}\n\n{ask}", habits.join("\n"))
    }

    /// Three of four rules, with a name where they do not lead.
    fn wrong_rules(self) -> impl Iterator<Item = String> {
        let labels = match self.domain.answers {
            Answers::Label(labels) => labels,
            Answers::Number | Answers::Object { .. } => &[],
        };
        self.domain.rules.iter().enumerate().filter_map(move |(place, rule)| {
            if place % 4 == 3 {
                return None;
            }
            let right = labels.iter().position(|label| *label == rule.to)?;
            let step = 1 + place % (labels.len() - 1).max(1);
            let wrong = labels.get((right + step) % labels.len())?;
            Some(format!("{} {} {wrong}", rule.when, self.domain.verb))
        })
    }

    /// Every rule in few words, one a line.
    #[must_use]
    pub(crate) fn rules(self) -> String {
        let said = |rule: &Rule| match self.domain.answers {
            Answers::Label(_) => format!("- {}: {}.", rule.when, rule.to),
            Answers::Number => format!("- {}", rule.when),
            Answers::Object { .. } => {
                format!("- {} {} {}.", rule.when, self.domain.verb, rule.to)
            }
        };
        self.domain.rules.iter().map(said).collect::<Vec<_>>().join("\n")
    }

    /// A prompt that says how to answer, and nothing about the rules.
    #[must_use]
    pub(crate) fn plain_system(self) -> String {
        format!("{}\n{}", self.domain.intro, self.domain.form)
    }

    /// A prompt that says how to answer, and every rule in few words. A search may find better ones.
    #[must_use]
    pub(crate) fn ideal_system(self) -> String {
        format!("{}\n\n{}", self.plain_system(), self.rules())
    }

    /// Right examples, each of another rule as long as there are any.
    #[must_use]
    pub(crate) fn demonstrations(self, count: usize) -> String {
        let rows = rows::of(self.domain, self.seed());
        let rules = self.domain.rules.len();
        let shown: Vec<String> = (0..count)
            .filter_map(|place| {
                rows.iter().filter(|row| row.rule == place % rules).nth(place / rules)
            })
            .map(|row| {
                let answer = promptsearch::prompt::value_text(&row.answer);
                format!("Input: {}\nOutput: {answer}", row.input)
            })
            .collect();
        shown.join("\n\n")
    }

    /// Writes the task's folder: `task.toml`, `system.md`, `examples.jsonl`.
    ///
    /// # Errors
    /// A folder or file that cannot be written.
    pub(crate) fn write(self, folder: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut lines = String::new();
        for (place, row) in rows::of(self.domain, self.seed()).into_iter().enumerate() {
            let line = serde_json::json!({
                "id": format!("w-{:03}", place + 1),
                "input": row.input,
                "answer": row.answer,
                "feedback": self.domain.rules.get(row.rule).map(|rule| self.feedback(rule)),
            });
            lines.push_str(&line.to_string());
            lines.push('\n');
        }
        std::fs::write(folder.join("examples.jsonl"), lines)?;
        std::fs::write(folder.join("system.md"), self.baseline_system())?;
        std::fs::write(folder.join("task.toml"), self.task_file())
    }

    fn feedback(self, rule: &Rule) -> String {
        match self.domain.answers {
            Answers::Number => rule.when.to_owned(),
            Answers::Label(_) | Answers::Object { .. } => {
                format!("{} {} {}, {}.", rule.when, self.domain.verb, rule.to, rule.why)
            }
        }
    }

    fn task_file(self) -> String {
        let score = match self.domain.answers {
            Answers::Label(labels) => format!("kind = \"label\"\nlabels = {labels:?}"),
            Answers::Number => "kind = \"number\"\ntolerance = 0.01".to_owned(),
            Answers::Object { .. } => "kind = \"json-fields\"".to_owned(),
        };
        let (demos, search) = if self.has_demos() {
            ("demos = \"\"\n", "[\"system\", \"demos\"]")
        } else {
            ("", "[\"system\"]")
        };
        format!(
            r#"name = "{name}"
about = {about:?}

[data]
file = "examples.jsonl"
columns = {{ id = "id", answer = "answer", feedback = "feedback" }}
split = {{ train = 0.3, dev = 0.3, hold = 0.4 }}

[prompt]
system = {{ file = "system.md" }}
{demos}user = "{{{{ input }}}}"
search = {search}
max_tokens = 2000

[models]
task = "sim/clerk"
mutator = {{ model = "sim/editor", temperature = 1.0, max_output_tokens = 2000 }}

[[score]]
{score}
"#,
            name = self.to_string().replace('/', "-"),
            about = self.domain.about,
        )
    }
}

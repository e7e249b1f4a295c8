//! Which judge grades the answers of a task, and whether it was certified against people.
//!
//! The certificate is a file `judge.json` beside the task. It names the judge by a hash of its model and of what it is told,
//! rubrics included, so that it is void once one of them changes. Only that hash is read here.

use super::Task;
use super::model::ModelRole;
use crate::source;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The name of the certificate's file.
pub const CERTIFICATE: &str = "judge.json";

/// The key of the certificate that holds the hash of its judge.
pub const JUDGE: &str = "judge";

/// A judge, as claims have to name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// `provider/model`.
    pub model: String,
    /// The hash of the model and of what it is told, as 64 hex digits.
    pub blake3: String,
    /// Whether a certificate beside the task is of this judge.
    pub certified: bool,
}

impl Judged {
    /// The judge of a task; `None` where no scorer asks one.
    #[must_use]
    pub fn of(task: &Task) -> Option<Self> {
        let judge = task.model(ModelRole::Judge).filter(|_| task.scorers.judgements() > 0)?;
        let told = task.scorers.rubrics().map(|(_, rubric)| {
            json!({ "told": rubric.instructions(), "reference": rubric.shows_reference })
        });
        let told: Vec<Value> = told.collect();
        let identity = json!([judge.name, judge.temperature, judge.max_output_tokens, told]);
        let blake3 = blake3::hash(identity.to_string().as_bytes()).to_hex().to_string();
        let certificate = source::read(&task.folder().join(CERTIFICATE)).ok();
        let certificate = certificate.and_then(|it| serde_json::from_slice::<Value>(&it).ok());
        let certified = certificate.is_some_and(|it| it[JUDGE] == blake3.as_str());
        Some(Self { model: judge.name.to_string(), blake3, certified })
    }

    /// What every claim has to say; `None` where the judge is certified.
    #[must_use]
    pub fn caveat(&self) -> Option<String> {
        let model = &self.model;
        (!self.certified).then(|| format!("judged by `{model}`, not certified against people"))
    }
}

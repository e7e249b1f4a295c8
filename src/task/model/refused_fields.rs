//! What servers refused of the requests to each model, as a run has learned it.

use super::ModelName;
use super::form::RequestForm;
use std::collections::BTreeMap;

/// The fields that servers refused in a run, by model, in the order in which they did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RefusedFields(BTreeMap<ModelName, Vec<String>>);

impl RefusedFields {
    /// A model refused a field; false if that is known.
    pub fn add(&mut self, model: &ModelName, field: &str) -> bool {
        let fields = self.0.entry(model.clone()).or_default();
        let is_new = !fields.iter().any(|known| known == field);
        if is_new {
            fields.push(field.to_owned());
        }
        is_new
    }

    /// Each model with a field.
    pub fn iter(&self) -> impl Iterator<Item = (&ModelName, &str)> {
        self.0.iter().flat_map(|(model, fields)| fields.iter().map(move |it| (model, it.as_str())))
    }

    /// The form of a model's requests without what it refused; `None` where that changes nothing.
    #[must_use]
    pub fn leave_out(&self, model: &ModelName, form: &RequestForm) -> Option<RequestForm> {
        let fields = self.0.get(model)?;
        fields.iter().fold(None, |left: Option<RequestForm>, field| {
            left.as_ref().unwrap_or(form).without(field).or(left)
        })
    }
}

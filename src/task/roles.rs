//! The models of a task, one for each role, with the providers that they need.

use super::Model;
use super::file::TaskFile;
use super::frozen::TaskSource;
use super::locator::Locator;
use super::model::{
    self, FormTable, Hedge, ModelRole, ModelSpec, Provider, ProviderKind, RequestForm, SchemaSource,
};
use crate::source::SourceError;
use crate::text;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) type Models = BTreeMap<ModelRole, Model>;
pub(super) type Providers = BTreeMap<String, Provider>;

impl Locator<'_> {
    /// The models by role, and the providers that they need by name.
    pub(super) fn models(&self, read: &TaskFile) -> Result<(Models, Providers), SourceError> {
        let mut models = BTreeMap::new();
        let mut providers = BTreeMap::new();
        for (role, spec) in read.models.each() {
            let name = spec.model.provider();
            let mut provider =
                read.provider(name).ok_or_else(|| self.unknown_provider(read, role, name))?;
            provider.ca_file = provider.ca_file.map(|file| self.source.folder().join(file));
            provider
                .check_program()
                .map_err(|(key, flaw)| self.error(&["providers", name, key], flaw))?;
            let of_provider =
                provider.form().map_err(|flaw| self.error(&["providers", name], flaw))?;
            let model = schema(role, spec, self.source)
                .and_then(|schema| model(role, spec, &provider, &of_provider, schema))
                .map_err(|flaw| self.error(&["models", role.key()], flaw))?;
            self.check_window(role, &model)?;
            models.insert(role, model);
            providers.insert(name.to_owned(), provider);
        }
        Ok((models, providers))
    }

    /// Checks that only the mutator has a context window, and that it is larger than the longest
    /// reply.
    fn check_window(&self, role: ModelRole, model: &Model) -> Result<(), SourceError> {
        let Some(window) = model.context_tokens else { return Ok(()) };
        let wrong = |message: String| {
            Err(self
                .error(&["models", role.key(), "context_tokens"], message)
                .help("set it for the mutator: `mutator = { …, context_tokens = 32000 }`"))
        };
        if !role.is_mutator() {
            return wrong(format!("`context_tokens` is not used for the {role} model"));
        }
        let longest = u64::from(model.max_output_tokens);
        if window <= longest {
            return wrong(format!(
                "`context_tokens` is {window}, but a reply alone may have {longest} tokens \
                 (`max_output_tokens`)"
            ));
        }
        Ok(())
    }
}

/// The JSON Schema that a model's answers must follow.
fn schema(role: ModelRole, spec: &ModelSpec, source: &TaskSource) -> Result<Option<Value>, String> {
    let Some(schema) = &spec.schema else { return Ok(None) };
    if role.is_mutator() {
        return Err("the mutator answers in a form of its own: only the task's model can have a \
             `schema`"
            .to_owned());
    }
    let value = match (schema, source) {
        (SchemaSource::Written(value), _) => value.clone(),
        (SchemaSource::File(file), TaskSource::Files(files)) => {
            let text = files.schemas.get(file).map(String::as_str).unwrap_or_default();
            SchemaSource::read(text)
                .map_err(|flaw| format!("the schema {}: {flaw}", file.display()))?
        }
        (SchemaSource::File(_), TaskSource::Memory(_)) => {
            return Err("a task that is made in memory gives its `schema` as a value".to_owned());
        }
    };
    Ok(Some(value))
}

fn model(
    role: ModelRole,
    spec: &ModelSpec,
    provider: &Provider,
    of_provider: &FormTable,
    schema: Option<Value>,
) -> Result<Model, String> {
    let (name, kind) = (spec.model.model(), provider.form_kind());
    spec.form.check_for(kind)?;
    let for_vectors = of_provider.for_vectors();
    let of_provider = if role == ModelRole::Embed { &for_vectors } else { of_provider };
    let form = RequestForm::of(kind, &provider.host(), name, &[of_provider, &spec.form])?
        .with_schema(schema);
    form.check_schema_place(kind)?;
    let form = match role {
        ModelRole::Embed => {
            check_embedding(spec, kind)?;
            form.for_vectors()
        }
        _ => form,
    };
    let (price, price_source) = provider.price_of(name).unzip();
    if let Some(flaw) = price.and_then(|price| provider.flaw_of_price(&price)) {
        return Err(flaw.to_owned());
    }
    if spec.weight.is_some() && !role.is_mutator() {
        return Err(format!("`weight` is not used for the {role} model: only mutators are drawn"));
    }
    if let Some(weight) = spec.weight {
        model::check_weight(weight)?;
    }
    if !spec.execution.is_live() && !kind.has_batches() {
        return Err(format!(
            "`{}` cannot be asked in batches: that is built for the kinds `openai`, \
             `openai-responses` and `anthropic`; leave `execution` out",
            spec.model
        ));
    }
    check_hedge(spec, provider)?;
    let temperature = spec.temperature.unwrap_or_else(|| role.default_temperature());
    let most = form.nearest_temperature(temperature);
    if most < temperature {
        return Err(format!(
            "the `temperature` of `{}` is {temperature}, but its protocol takes at most {most}",
            spec.model
        ));
    }
    Ok(Model {
        name: spec.model.clone(),
        temperature,
        max_output_tokens: spec
            .max_output_tokens
            .unwrap_or_else(|| role.default_max_output_tokens()),
        context_tokens: spec.context_tokens,
        weight: spec.weight.unwrap_or(1.0),
        price,
        price_source,
        execution: spec.execution,
        batch_wait: spec.batch_wait,
        hedge: spec.hedge,
        form: Arc::new(form),
    })
}

/// Checks that a model can be asked for vectors, and that its table says nothing of answers.
fn check_embedding(spec: &ModelSpec, kind: ProviderKind) -> Result<(), String> {
    let name = &spec.model;
    if !kind.has_embeddings() {
        return Err(format!(
            "`{name}` cannot be asked for vectors: that is built for `POST /embeddings`, which providers of \
             the kinds `openai` and `openai-responses` have; name a model of one of those"
        ));
    }
    if let Some(key) = spec.key_without_use_for_vectors() {
        return Err(format!(
            "`{key}` has no use for the embed model, which writes no answer: leave it out"
        ));
    }
    if spec.form.body.contains_key("input") {
        return Err("`body` cannot set `input`: it holds the texts".to_owned());
    }
    Ok(())
}

/// Checks that a hedge can happen.
fn check_hedge(spec: &ModelSpec, provider: &Provider) -> Result<(), String> {
    let Some(hedge) = spec.hedge else { return Ok(()) };
    if !spec.execution.is_live() {
        return Err(format!(
            "`hedge` is for calls that are made one by one, and `{}` is asked in batches: leave \
             `hedge` or `execution` out",
            spec.model
        ));
    }
    let total = provider.timeout.total;
    match hedge {
        Hedge::After(after) if after >= total => Err(format!(
            "the `hedge` of `{}` is {}, but an attempt ends after {} (`timeout.total` of its \
             provider): write a shorter time, or \"p95\"",
            spec.model,
            text::duration(after),
            text::duration(total)
        )),
        _ => Ok(()),
    }
}

//! How well-known services want to be asked, by their host.
//!
//! A table of data: what differs from most servers, with its source. A task overrides it in `form`.

/// What services write differently from most others.
pub(super) struct Service {
    /// Its host.
    host: &'static str,
    /// What its models' names begin with; none: all of them.
    models: &'static [&'static str],
    pub(super) max_tokens_field: &'static str,
    pub(super) seed_field: &'static str,
    pub(super) takes_temperature: bool,
}

/// What most servers take.
const USUAL: Service = Service {
    host: "",
    models: &[],
    max_tokens_field: "max_tokens",
    seed_field: "seed",
    takes_temperature: true,
};

/// The services that differ; the first row that fits counts.
const SERVICES: &[Service] = &[
    // https://platform.openai.com/docs/guides/reasoning: reasoning models refuse a temperature.
    Service {
        host: "api.openai.com",
        models: &["o1", "o3", "o4", "gpt-5", "ft:o1", "ft:o3", "ft:o4", "ft:gpt-5"],
        max_tokens_field: "max_completion_tokens",
        seed_field: "seed",
        takes_temperature: false,
    },
    Service {
        host: "api.openai.com",
        models: &[],
        max_tokens_field: "max_completion_tokens",
        seed_field: "seed",
        takes_temperature: true,
    },
    // https://docs.mistral.ai/api: `random_seed`; unknown names are refused.
    Service {
        host: "api.mistral.ai",
        models: &[],
        max_tokens_field: "max_tokens",
        seed_field: "random_seed",
        takes_temperature: true,
    },
];

impl Service {
    /// How the service at a host wants its model to be asked.
    pub(super) fn of(host: &str, model: &str) -> &'static Self {
        let is_listed = |it: &Self| it.models.iter().any(|start| model.starts_with(start));
        let fits = |it: &&Self| it.host == host && (it.models.is_empty() || is_listed(it));
        SERVICES.iter().find(fits).unwrap_or(&USUAL)
    }
}

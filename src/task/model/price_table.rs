//! The prices that this program knows: `prices.toml`, with the source and the date of each row.
//!
//! A name is looked up as it is: a row lists all names that it holds for, so that no dated version gets the
//! price of another one.

use super::price::{Price, PriceSource};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::LazyLock;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    price: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    provider: String,
    models: Vec<String>,
    source: String,
    date: String,
    /// `Price` refuses keys that it does not know.
    #[serde(flatten)]
    figures: toml::Table,
}

/// By service and model.
type Table = HashMap<(String, String), (Price, PriceSource)>;

/// Reads the file. What is wrong with it is a mistake of this program, which its tests find.
fn read(text: &str) -> Result<Table, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut table = Table::new();
    for Row { provider, models, source, date, figures } in file.price {
        let price: Price = figures.try_into().map_err(|error| format!("{models:?}: {error}"))?;
        if let Some(flaw) = price.flaw() {
            return Err(format!("{models:?}: {flaw}"));
        }
        for model in models {
            let source = PriceSource::Table { source: source.clone(), date: date.clone() };
            if table.insert((provider.clone(), model.clone()), (price, source)).is_some() {
                return Err(format!("`{provider}/{model}` has two rows"));
            }
        }
    }
    Ok(table)
}

static TABLE: LazyLock<Table> =
    LazyLock::new(|| read(include_str!("prices.toml")).unwrap_or_default());

/// The price of a service's model, if it is known.
pub(super) fn known_price(service: &str, model: &str) -> Option<(Price, PriceSource)> {
    let of = |model: &str| TABLE.get(&(service.to_owned(), model.to_owned())).cloned();
    of(model).or_else(|| {
        // `ft:BASE:ORGANISATION:…`: the price is that of the base.
        let start = "ft:".len();
        let end = model.strip_prefix("ft:")?.find(':')? + start;
        of(&model[..end])
    })
}

/// The models of a service whose price is known.
pub(super) fn known_models(service: &str) -> impl Iterator<Item = String> {
    TABLE.keys().filter(move |(of, _)| of == service).map(|(_, model)| model.clone())
}

#[cfg(test)]
mod tests;

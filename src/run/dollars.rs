//! Money of the journal as `summary.json` shows it: in dollars, like all money there.
//!
//! Journal and `run.json` hold whole nano-dollars, which accounting needs.

use crate::units::Usd;
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// The field of money of what is shown here.
const FIELD: &str = "usd";

/// A struct, or null, with its `usd` in dollars.
///
/// # Errors
/// A struct that is no JSON.
pub fn in_dollars<T: Serialize>(value: &T) -> serde_json::Result<Value> {
    let mut value = serde_json::to_value(value)?;
    if let Some(field) = value.get_mut(FIELD)
        && let Some(nanos) = field.as_u64()
    {
        *field = Usd::from_nanos(nanos).dollars().into();
    }
    Ok(value)
}

/// Writes a struct, or null, with its `usd` in dollars.
pub(super) fn serialize<T: Serialize, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match in_dollars(value).map_err(S::Error::custom)? {
        // A flattened struct takes a map only.
        Value::Object(fields) => fields.serialize(serializer),
        value => value.serialize(serializer),
    }
}

/// Reads what [`serialize`] writes.
pub(super) fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let mut fields = Map::deserialize(deserializer)?;
    if let Some(field) = fields.get_mut(FIELD)
        && let Some(dollars) = field.as_f64()
    {
        let usd = Usd::from_dollars(dollars)
            .ok_or_else(|| D::Error::custom(format!("`{dollars}` is not an amount of dollars")))?;
        *field = usd.nanos().into();
    }
    serde_json::from_value(Value::Object(fields)).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use crate::caps::Caps;
    use crate::event::EarlierEnd;
    use crate::id::CandidateIx;
    use crate::units::Usd;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Shown {
        #[serde(default, with = "super")]
        caps: Option<Caps>,
        #[serde(flatten, with = "super")]
        end: EarlierEnd,
    }

    #[test]
    fn money_is_shown_in_dollars_and_read_back_to_the_last_nano_dollar() {
        for nanos in [0, 1, 1_234_567_891, 20_000_000_000] {
            let usd = Usd::from_nanos(nanos);
            let caps = Caps { usd: Some(usd), calls: Some(7), ..Caps::default() };
            let end = EarlierEnd { usd, ..EarlierEnd::sample(CandidateIx(3)) };
            let shown = Shown { caps: Some(caps), end };
            let value = serde_json::to_value(&shown).unwrap();
            assert_eq!(value["caps"]["usd"], serde_json::json!(usd.dollars()));
            assert_eq!(value["usd"], serde_json::json!(usd.dollars()));
            assert_eq!(serde_json::from_value::<Shown>(value).unwrap(), shown);
        }
    }
}

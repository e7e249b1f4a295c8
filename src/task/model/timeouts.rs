//! How long an attempt may take.

use crate::text;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use std::time::Duration;

/// Time limits for one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Timeouts {
    /// For the connection.
    pub connect: Duration,
    /// From the request to the first byte of the answer.
    pub first_byte: Duration,
    /// Between two chunks of the answer.
    pub idle: Duration,
    /// For the whole attempt.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(60),
            idle: Duration::from_secs(30),
            total: Duration::from_secs(120),
        }
    }
}

/// How long one attempt may take. The other limits are never longer than `total`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeoutTable {
    /// For the connection.
    #[schemars(example = &"5s", extend("default" = "5s"))]
    connect: Option<String>,
    /// From the request to the first byte of the answer. A local model that is slow needs more: a request that is
    /// late is sent again.
    #[schemars(example = &"10m", extend("default" = "60s"))]
    first_byte: Option<String>,
    /// Between two chunks of the answer.
    #[schemars(example = &"30s", extend("default" = "30s"))]
    idle: Option<String>,
    /// For the whole attempt.
    #[schemars(example = &"15m", extend("default" = "120s"))]
    total: Option<String>,
}

impl<'de> Deserialize<'de> for Timeouts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = TimeoutTable::deserialize(deserializer)?;
        let defaults = Self::default();
        let read = |value: Option<String>, default: Duration| match value {
            None => Ok(default),
            Some(text) => text::parse_duration(&text).map_err(serde::de::Error::custom),
        };
        let total = read(table.total, defaults.total)?;
        if total.is_zero() {
            return Err(serde::de::Error::custom("a timeout must be above 0"));
        }
        Ok(Self {
            connect: read(table.connect, defaults.connect)?.min(total),
            first_byte: read(table.first_byte, defaults.first_byte)?.min(total),
            idle: read(table.idle, defaults.idle)?.min(total),
            total,
        })
    }
}

//! When a request that is late is sent a second time.

use crate::text;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// When an attempt that is out is late: then the same request is sent once more, and the first answer counts.
///
/// It is written `"p95"` or as a duration above 0, such as `"8s"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hedge {
    /// After the 95th percentile of how long the role's attempts took that were answered in this session.
    P95,
    /// After this time.
    After(Duration),
}

impl Hedge {
    /// Reads it.
    ///
    /// # Errors
    /// A message that shows both forms.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "p95" {
            return Ok(Self::P95);
        }
        match text::parse_duration(text) {
            Ok(after) if !after.is_zero() => Ok(Self::After(after)),
            _ => Err(format!(
                "`hedge` is `\"p95\"` or a duration above 0 such as `\"8s\"`, not `\"{text}\"`; \
                 leave it out to send no request twice"
            )),
        }
    }
}

impl fmt::Display for Hedge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::P95 => f.write_str("p95"),
            Self::After(after) => write!(f, "{}ms", after.as_millis()),
        }
    }
}

impl Serialize for Hedge {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hedge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_percentile_or_a_duration_and_nothing_else() {
        assert_eq!(Hedge::parse("p95"), Ok(Hedge::P95));
        assert_eq!(Hedge::parse("8s"), Ok(Hedge::After(Duration::from_secs(8))));
        for text in ["p90", "P95", "0s", "8", "", "off"] {
            let error = Hedge::parse(text).unwrap_err();
            assert!(error.contains("\"p95\"") && error.contains("\"8s\""), "{error}");
        }
        for hedge in [Hedge::P95, Hedge::After(Duration::from_millis(1_500))] {
            assert_eq!(Hedge::parse(&hedge.to_string()), Ok(hedge));
        }
    }
}

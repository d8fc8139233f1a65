//! Whole numbers as JSON Schema has them: `5.0` is one.  JSON Schema Validation §6.1.1

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Number;

/// Below this every whole number has a `f64` of its own.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// For `#[serde(deserialize_with)]` of a member that may be left out.
///
/// # Errors
/// What is there is no whole number, or one that the type does not hold.
pub fn whole<'de, D: Deserializer<'de>, T: TryFrom<i64>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let Some(number) = Option::<Number>::deserialize(deserializer)? else { return Ok(None) };
    let whole = number.as_i64().or_else(|| {
        let written = number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < EXACT_MAX)?;
        Some(written as i64)
    });
    match whole.and_then(|whole| T::try_from(whole).ok()) {
        Some(whole) => Ok(Some(whole)),
        None => Err(D::Error::custom("expected a whole number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Body {
        #[serde(default, deserialize_with = "whole")]
        limit: Option<u8>,
    }

    #[test]
    fn a_whole_number_may_have_a_point() {
        for (text, limit) in [
            (r#"{"limit": 5}"#, Some(Some(5))),
            (r#"{"limit": 5.0}"#, Some(Some(5))),
            (r#"{"limit": 5e1}"#, Some(Some(50))),
            (r#"{"limit": null}"#, Some(None)),
            ("{}", Some(None)),
            (r#"{"limit": 5.5}"#, None),
            (r#"{"limit": 256}"#, None),
            (r#"{"limit": -1.0}"#, None),
            (r#"{"limit": 1e300}"#, None),
            (r#"{"limit": "5"}"#, None),
        ] {
            assert_eq!(serde_json::from_str(text).ok().map(|body: Body| body.limit), limit, "{text}");
        }
    }
}

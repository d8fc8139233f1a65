//! Where a list goes on: sealed, so that it tells nothing and cannot be made up; bound to the site, the caller and the question.

use kernel::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use vault::Vault;
use web::Problem;

use super::{asked::Asked, posted::invalid};

/// The name under which cursors are sealed.
const NAME: &str = "fhir_cursor";

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// What comes is before this place.
    pub before: i64,
    /// How many were asked for.
    pub rows: usize,
    /// The place from which on the list is seen: what was written later is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// What is shown of each: `_summary`, `_elements`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub shown: String,
}

#[derive(Serialize, Deserialize)]
struct Bound<C> {
    /// The site, the client, the person, and what was asked for.
    of: String,
    cursor: C,
}

/// Seal a cursor for the same caller, site and question.
pub(crate) fn seal(vault: &Vault, asked: &Asked, question: &str, cursor: &impl Serialize) -> Option<String> {
    let bound = Bound { of: bound_to(asked, question), cursor };
    serde_json::to_vec(&bound).ok().map(|bytes| vault.seal_cookie(NAME, &bytes))
}

/// Open one.
///
/// # Errors
/// 400 for one that was not made here, for this site, caller and question.
pub(crate) fn open<C: DeserializeOwned>(
    vault: &Vault,
    asked: &Asked,
    question: &str,
    text: &str,
) -> Result<C, Problem> {
    let refused = || invalid("the cursor was not made for this list, site and caller", "_cursor");
    let bytes = vault.open_cookie(NAME, text).ok_or_else(refused)?;
    let bound: Bound<C> = serde_json::from_slice(bytes.expose()).map_err(|_| refused())?;
    if bound.of == bound_to(asked, question) { Ok(bound.cursor) } else { Err(refused()) }
}

fn bound_to(asked: &Asked, question: &str) -> String {
    format!("{} {:?} {question}", asked.site.code, asked.by.actor)
}

/// A time of a parameter: FHIR's `instant`, or as much of it as is said; without an offset it is UTC.  Contract 3 "time"
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    // A plus that was not escaped arrives as a space.
    let text = &text.replace(' ', "+");
    let whole = match text.len() {
        4 => format!("{text}-01-01T00:00:00Z"),
        7 => format!("{text}-01T00:00:00Z"),
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        _ => {
            let time = text.get(11..)?;
            let has_offset = time.ends_with('Z') || time.contains(['+', '-']);
            if has_offset { text.to_owned() } else { format!("{text}Z") }
        }
    };
    let read: jiff::Timestamp = whole.parse().ok()?;
    Some(Timestamp::from_micros(read.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_without_an_offset_are_utc() {
        let at = |seconds| Some(Timestamp::from_seconds(seconds));
        for (text, expected) in [
            ("2026", at(1_767_225_600)),
            ("2026-01", at(1_767_225_600)),
            ("2026-01-01", at(1_767_225_600)),
            ("2026-01-01T00:00", at(1_767_225_600)),
            ("2026-01-01T00:00:00", at(1_767_225_600)),
            ("2026-01-01T00:00:00Z", at(1_767_225_600)),
            ("2026-01-01T01:00:00+01:00", at(1_767_225_600)),
            ("2026-01-01T01:00:00 01:00", at(1_767_225_600)),
            ("2026-01-01T00:00:00.000", at(1_767_225_600)),
            ("2026-13-01", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(instant(text), expected, "{text}");
        }
    }
}

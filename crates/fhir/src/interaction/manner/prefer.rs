//! What a client prefers.  RFC 7240, <https://hl7.org/fhir/R4/http.html#ops>

use http::HeaderMap;

/// What comes back of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Return {
    /// Nothing.
    Minimal,
    /// The record as it is kept. Where nothing is said too (contract 3: "201 with the persisted resource").
    #[default]
    Representation,
    /// How it went.
    Outcome,
}

/// What is done about a search parameter that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Handling {
    /// The search is refused. A search that means less than was asked for would answer more.
    #[default]
    Strict,
    /// It is left out, and the answer says so.
    Lenient,
}

/// What a client prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Prefer {
    pub answer: Return,
    pub handling: Handling,
}

impl Prefer {
    /// What is not understood is left out (RFC 7240 §2); the first word for a preference holds.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let (mut answer, mut handling) = (None, None);
        let all = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        for token in all.flat_map(|value| value.split([',', ';'])).take(TOKENS_MAX) {
            let (name, value) = token.split_once('=').unwrap_or((token, ""));
            let value = value.trim().trim_matches('"');
            match (name.trim().to_ascii_lowercase().as_str(), value) {
                ("return", "minimal") => drop(answer.get_or_insert(Return::Minimal)),
                ("return", "representation") => drop(answer.get_or_insert(Return::Representation)),
                ("return", "OperationOutcome") => drop(answer.get_or_insert(Return::Outcome)),
                ("handling", "strict") => drop(handling.get_or_insert(Handling::Strict)),
                ("handling", "lenient") => drop(handling.get_or_insert(Handling::Lenient)),
                _ => {}
            }
        }
        Self { answer: answer.unwrap_or_default(), handling: handling.unwrap_or_default() }
    }
}

/// How many preferences are looked at.
const TOKENS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_is_preferred() {
        for (values, answer, handling) in [
            (&[][..], Return::Representation, Handling::Strict),
            (&["return=minimal"], Return::Minimal, Handling::Strict),
            (&["handling=lenient; return=OperationOutcome"], Return::Outcome, Handling::Lenient),
            (&["handling=lenient", "return=minimal"], Return::Minimal, Handling::Lenient),
            (&["return=minimal, return=representation"], Return::Minimal, Handling::Strict),
            (&["respond-async, return=everything"], Return::Representation, Handling::Strict),
        ] {
            let headers: HeaderMap = values
                .iter()
                .map(|value| (http::HeaderName::from_static("prefer"), HeaderValue::from_str(value).unwrap()))
                .collect();
            assert_eq!(Prefer::of(&headers), Prefer { answer, handling }, "{values:?}");
        }
    }
}

//! JSON in and out.  RFC 8259

use axum::{
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use kernel::{Issue, Kind};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    body, reason,
    strict::{Distinct, Strict},
};
use crate::{Place, Problem, limits::JSON_DEPTH_MAX};

/// A JSON body. In: media type `application/json` or `…+json` else 415, malformed, of another shape, with a member twice or
/// nested deeper than `JSON_DEPTH_MAX` 400 naming the field, over the body limit 413. Out: `application/json`.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !body::media_type(request.headers()).is_some_and(|media| is_json(&media)) {
            return Err(body::unsupported_media("application/json"));
        }
        let (parts, body) = request.into_parts();
        read(&body::read(&parts.extensions, body).await?).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// A document that was read already, as what it should be.
///
/// # Errors
/// The field at fault, and why it is; never its value.
pub fn shaped<T: DeserializeOwned>(document: &serde_json::Value) -> Result<T, Issue> {
    serde_path_to_error::deserialize(Strict(document))
        .map_err(|error| reason::issue(&error.path().to_string(), &error.inner().to_string()))
}

fn is_json(media: &str) -> bool {
    media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"))
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if depth(bytes) > JSON_DEPTH_MAX {
        return Err(Problem::new(
            Kind::Invalid,
            format!("JSON here nests {JSON_DEPTH_MAX} levels deep at most"),
        ));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let Distinct = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| refused(&error))?;
    deserializer.end().map_err(|error| malformed(&error))?;
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(Strict(&mut deserializer)).map_err(|error| refused(&error))
}

fn refused(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    if error.inner().is_data() {
        reason::problem(Place::Body, &error.path().to_string(), &error.inner().to_string())
    } else {
        malformed(error.inner())
    }
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(Kind::Invalid, format!("not JSON at line {} column {}", error.line(), error.column()))
}

/// How deep brackets nest outside strings.
fn depth(bytes: &[u8]) -> usize {
    let (mut deepest, mut depth, mut in_string, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct In {
        name: String,
        #[serde(default)]
        of: Vec<Of>,
    }
    #[derive(Debug, serde::Deserialize)]
    struct Of {
        size: u8,
    }

    #[test]
    fn refusals_name_the_field() {
        let table = [
            (
                r#"{"name":"a","of":[{"size":1},{"size":"hunter2"}]}"#,
                Some("of[1].size"),
                "of[1].size: expected u8",
            ),
            (r#"{"name":"a","nmae":1}"#, Some("nmae"), "nmae: is not a field here"),
            (r#"{"of":[]}"#, Some("name"), "name: is missing"),
            (r#"{"name":"a","name":"b"}"#, Some("name"), "name: is there more than once"),
            (r#"{"name":}"#, None, "not JSON at line 1 column 9"),
            (r#"{"name":"a"} x"#, None, "not JSON at line 1 column 14"),
            ("7", None, "expected an object"),
            (r#"["a",[]]"#, None, "expected an object"),
            (r#"{"name":"a","of":[[1]]}"#, Some("of[0]"), "of[0]: expected an object"),
            (
                r#"{"name":"a","of":[{"size":1,"size":2}]}"#,
                Some("of[0].size"),
                "of[0].size: is there more than once",
            ),
            (
                r#"{"name":"a","of":[],"x":{"y":[{"z":1,"z":1}]}}"#,
                Some("x.y[0].z"),
                "x.y[0].z: is there more than once",
            ),
            ("", None, "not JSON at line 1 column 0"),
        ];
        for (body, field, message) in table {
            let problem = read::<In>(body.as_bytes()).unwrap_err();
            assert_eq!(problem.path(), field, "{body}");
            assert!(problem.message().contains(message), "{body}: {}", problem.message());
            assert!(!problem.message().contains("hunter2"));
        }
        let good = read::<In>(br#"{"name":"a","of":[{"size":255}]}"#).unwrap();
        assert_eq!((good.name.as_str(), good.of[0].size), ("a", 255));
    }

    #[test]
    fn a_member_that_is_there_twice_is_refused_wherever_it_is() {
        for body in [r#"{"a":1,"a":1}"#, r#"[{"a":{"b":1,"c":2,"b":3}}]"#, r#"{"a":1,"\u0061":2}"#] {
            assert!(read::<serde_json::Value>(body.as_bytes()).is_err(), "{body}");
        }
        let good = r#"{"a":{"a":[{"a":1},{"a":2.50}]},"b":null}"#;
        assert_eq!(read::<serde_json::Value>(good.as_bytes()).unwrap()["a"]["a"][1]["a"], 2.5);
    }

    #[test]
    fn a_text_is_kept_as_it_was_written_where_that_is_asked_for() {
        #[derive(serde::Deserialize)]
        struct Kept {
            record: Option<Box<serde_json::value::RawValue>>,
        }
        let kept = read::<Kept>(br#"{"record": {"b": 1.00, "a": 1e3}}"#).unwrap();
        assert_eq!(kept.record.unwrap().get(), r#"{"b": 1.00, "a": 1e3}"#);
        assert!(read::<Kept>(br#"{"record": null}"#).unwrap().record.is_none());
    }

    #[test]
    fn depth_is_counted_outside_strings() {
        assert_eq!(depth(br#"{"a":[{"b":"[[[\"[["}]}"#), 3);
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(read::<serde_json::Value>(nested(JSON_DEPTH_MAX).as_bytes()).is_ok());
        assert!(read::<serde_json::Value>(nested(JSON_DEPTH_MAX + 1).as_bytes()).is_err());
    }
}

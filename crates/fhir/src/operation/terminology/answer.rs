//! How operations answer, and refuse.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use validator::terminology::{EXPANDED_MAX, NoList, Why};

use crate::outcome::{self, Refused, Severity, Told};

/// What an operation found out, as `Parameters`.
pub(super) fn parameters(all: Vec<Value>) -> Response {
    resource(&json!({"resourceType": "Parameters", "parameter": all}))
}

pub(super) fn resource(resource: &Value) -> Response {
    let mut response = resource.to_string().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, outcome::FHIR_JSON);
    // It follows what the site has switched on and stored.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// One parameter of an answer.
pub(super) fn one(name: &str, kind: &str, value: impl Into<Value>) -> Value {
    json!({"name": name, kind: value.into()})
}

fn refused(status: StatusCode, code: &'static str, words: impl Into<String>) -> Refused {
    let message = if status == StatusCode::NOT_FOUND { "MSG_NO_EXIST" } else { "MSG_PARAM_INVALID" };
    Refused { status, issues: vec![Told::new(Severity::Error, code, words).with_message(message)] }
}

/// Nobody here has it.
pub(super) fn missing(words: impl Into<String>) -> Refused {
    refused(StatusCode::NOT_FOUND, "not-found", words)
}

/// It is here, and cannot be answered.
pub(super) fn unsupported(words: impl Into<String>) -> Refused {
    refused(StatusCode::UNPROCESSABLE_ENTITY, "not-supported", words)
}

pub(super) fn costly(words: impl Into<String>) -> Refused {
    refused(StatusCode::UNPROCESSABLE_ENTITY, "too-costly", words)
}

/// What cannot be said: neither yes nor no.
pub(super) fn undecided(why: &Why) -> Refused {
    match why {
        Why::UnknownSystem(system) => {
            unsupported(format!("it cannot be decided: the code system {system} is not here"))
        }
        Why::UnknownSet(set) => unsupported(format!("it cannot be decided: the value set {set} is not here")),
        Why::Rule(rule) => unsupported(format!("it cannot be decided: {rule}")),
        Why::NoServer(_) => unsupported("it cannot be decided: the terminology server does not answer"),
    }
}

pub(super) fn unlisted(why: &NoList) -> Refused {
    match why {
        NoList::Undecided(why) => undecided(why),
        NoList::TooCostly => costly(format!(
            "the value set has more codes than are listed here ({EXPANDED_MAX}), or no end of them"
        )),
    }
}

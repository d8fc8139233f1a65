//! The six bodies. The table in `docs/errors.md` is this file in prose.

use http::HeaderValue;
use kernel::Kind;
use serde_json::{Value, json};

use super::{
    Dialect, ErrorView,
    outcome::{OUTCOME_SYSTEM, outcome_words},
};
use crate::Place;

/// What a dialect writes: its media type, and the body.
pub(super) struct Body {
    pub(super) content_type: HeaderValue,
    pub(super) bytes: Vec<u8>,
}

impl Dialect {
    /// The body that says this.
    pub(super) fn body(self, view: &ErrorView<'_>) -> Body {
        match self {
            Self::ProblemJson => json_body("application/problem+json", &problem_json(view)),
            Self::OAuth => json_body("application/json", &oauth(view)),
            Self::Fhir => json_body("application/fhir+json", &operation_outcome(view)),
            Self::Int => json_body("application/json", &int(view)),
            Self::Meta => json_body("application/json", &meta(view)),
            Self::Page(render) => Body {
                content_type: HeaderValue::from_static("text/html; charset=utf-8"),
                bytes: render(view).into_bytes(),
            },
        }
    }

    /// Headers that every refusal of the family carries, and of OAuth every answer, unless its handler set them.
    pub(super) fn headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::OAuth => &[("cache-control", "no-store"), ("pragma", "no-cache")],
            Self::ProblemJson | Self::Fhir | Self::Int | Self::Meta | Self::Page(_) => {
                &[("cache-control", "no-store")]
            }
        }
    }
}

fn json_body(content_type: &'static str, value: &Value) -> Body {
    Body { content_type: HeaderValue::from_static(content_type), bytes: value.to_string().into_bytes() }
}

fn put(object: &mut Value, key: &str, value: Option<impl Into<Value>>) {
    if let (Some(members), Some(value)) = (object.as_object_mut(), value) {
        members.insert(key.to_owned(), value.into());
    }
}

/// RFC 9457 §3. The type is `about:blank`, so the title is the status's own; `code` tells machines more.
fn problem_json(view: &ErrorView<'_>) -> Value {
    let mut body = json!({
        "type": "about:blank",
        "title": view.title,
        "status": view.status.as_u16(),
        "detail": view.message,
    });
    let errors = |view: &ErrorView<'_>| -> Vec<Value> {
        view.issues.iter().map(|issue| json!({"field": issue.path, "detail": issue.message})).collect()
    };
    put(&mut body, "code", view.code);
    put(&mut body, "field", view.path);
    put(&mut body, "instance", view.url);
    put(&mut body, "request_id", view.request_id.map(|id| id.as_str()));
    put(&mut body, "errors", (!view.issues.is_empty()).then(|| errors(view)));
    body
}

/// RFC 6749 §5.2, RFC 6750 §3.1.
fn oauth(view: &ErrorView<'_>) -> Value {
    let default = match view.kind {
        Kind::Unauthenticated => "invalid_client",
        Kind::Forbidden => "access_denied",
        Kind::Throttled | Kind::Unavailable => "temporarily_unavailable",
        Kind::Internal => "server_error",
        Kind::Invalid | Kind::NotFound | Kind::Gone | Kind::Conflict | Kind::Unsupported => "invalid_request",
    };
    let description = match (view.path, view.issues.first()) {
        (Some(path), Some(issue)) if issue.path == path => format!("{path}: {}", issue.message),
        (Some(path), _) if !view.message.contains(path) => format!("{path}: {}", view.message),
        _ => view.message.to_owned(),
    };
    // §5.2 allows printable ASCII without `"` and `\` in a description.
    let description: String = description
        .chars()
        .map(|c| if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') { c } else { '?' })
        .collect();
    json!({"error": view.code.unwrap_or(default), "error_description": description})
}

/// FHIR R4 OperationOutcome.
fn operation_outcome(view: &ErrorView<'_>) -> Value {
    let (code, details) = outcome_words(view.status, view.kind, view.code);
    let issue = |diagnostics: &str, path: Option<&str>| {
        let coding = json!([{"system": OUTCOME_SYSTEM, "code": details}]);
        let mut issue = json!({"severity": "error", "code": code, "details": {"coding": coding}, "diagnostics": diagnostics});
        put(&mut issue, "expression", path.map(|path| vec![path.to_owned()]));
        issue
    };
    let issues: Vec<Value> = if view.issues.is_empty() {
        vec![issue(view.message, view.path)]
    } else {
        view.issues.iter().map(|found| issue(&found.message, Some(&found.path))).collect()
    };
    let mut body = json!({"resourceType": "OperationOutcome", "issue": issues});
    put(&mut body, "id", view.request_id.map(|id| id.as_str().replace(['_', '#'], "-")));
    body
}

/// Contract 4, Errors. `INT006` for 429 is ours.
fn int(view: &ErrorView<'_>) -> Value {
    let code = match view.kind {
        _ if matches!(view.status.as_u16(), 405 | 406 | 408 | 413 | 414 | 415 | 428 | 431) => "INT002",
        Kind::NotFound | Kind::Gone => "INT001",
        Kind::Invalid | Kind::Unsupported => "INT002",
        Kind::Unauthenticated | Kind::Forbidden => "INT003",
        Kind::Conflict => "INT004",
        Kind::Unavailable | Kind::Internal => "INT005",
        Kind::Throttled => "INT006",
    };
    let details: Vec<Value> = view
        .issues
        .iter()
        .skip(1)
        .map(|issue| json!({"field": issue.path, "message": issue.message}))
        .collect();
    let mut error = json!({"code": code, "message": view.message, "field": view.path, "details": details});
    if let (Some(issue), Some(members)) = (view.issues.first(), error.as_object_mut()) {
        members.insert("message".to_owned(), issue.message.as_ref().into());
    }
    put(&mut error, "timestamp", view.at.map(|at| at.to_string()));
    put(&mut error, "request_id", view.request_id.map(|id| id.as_str()));
    json!({ "error": error })
}

/// Contract 5, Envelope and Errors.
fn meta(view: &ErrorView<'_>) -> Value {
    let message = if view.status.as_u16() == 401 { "Access denied" } else { view.message };
    let mut error = json!({"type": meta_type(view), "message": message});
    put(&mut error, "invalid", (!view.issues.is_empty()).then(|| invalid(view)));
    let mut meta = json!({"code": view.status.as_u16(), "type": "object"});
    put(&mut meta, "url", view.url);
    put(&mut meta, "request_id", view.request_id.map(|id| id.as_str()));
    json!({"meta": meta, "error": error})
}

fn meta_type(view: &ErrorView<'_>) -> &'static str {
    match (view.status.as_u16(), view.kind) {
        (405, _) => "method_not_allowed",
        (408, _) => "request_timeout",
        (413, _) => "request_too_large",
        (406 | 415, _) => "content_type_invalid",
        (422, _) => "validation_failed",
        (_, Kind::Invalid) => "request_malformed",
        (_, Kind::Unauthenticated) => "access_denied",
        (_, Kind::Forbidden) => "forbidden",
        (_, Kind::NotFound) => "not_found",
        (_, Kind::Gone) => "gone",
        (_, Kind::Conflict) => "request_conflict",
        (_, Kind::Unsupported) => "not_supported",
        (_, Kind::Throttled) => "too_many_requests",
        (_, Kind::Unavailable) => "service_unavailable",
        (_, Kind::Internal) => "internal_error",
    }
}

fn invalid(view: &ErrorView<'_>) -> Vec<Value> {
    let entry_type = match view.place {
        Place::Body => "json_data_property",
        Place::Query => "query_parameter",
    };
    view.issues
        .iter()
        .map(|issue| {
            json!({
                "entry_type": entry_type,
                "entry": format!("$.{}", issue.path).trim_end_matches('.'),
                "rules": [{"rule": issue.rule, "description": issue.message, "params": []}],
            })
        })
        .collect()
}

//! OperationOutcome: what is told of a request beside its records.  <https://hl7.org/fhir/R4/operationoutcome.html>, contract 3 "errors"

use axum::response::{IntoResponse, Response};
use fhirpath::document::ParseFault;
use http::{HeaderValue, StatusCode, header};
use kernel::Issue;
use serde_json::{Map, Value, json};
use web::{Problem, Verbatim};

/// Where the codes of [`Message`] are defined.
pub const MESSAGES: &str = web::OUTCOME_SYSTEM;
/// FHIR in JSON.
pub const FHIR_JSON: HeaderValue = HeaderValue::from_static("application/fhir+json");
/// The most issues that one outcome tells.
pub const ISSUES_MAX: usize = 1_000;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nothing else could be looked at.
    Fatal,
    /// The request is refused for it.
    Error,
    /// It could be done all the same.
    Warning,
    /// Good to know.
    Information,
}

impl Severity {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Fatal => "fatal",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Information => "information",
        }
    }

    /// What a refusal without a code of its own says: something in the record is not as it has to be.
    const fn usual(self) -> Option<&'static str> {
        match self {
            Self::Fatal | Self::Error => Some("MSG_BAD_SYNTAX"),
            Self::Warning | Self::Information => None,
        }
    }
}

/// One issue.
#[derive(Debug, Clone)]
pub struct Told {
    severity: Severity,
    code: &'static str,
    message: Option<&'static str>,
    diagnostics: String,
    expression: Option<String>,
    place: Option<(u32, u32)>,
}

impl Told {
    /// An issue by its code in <https://hl7.org/fhir/R4/valueset-issue-type.html>.
    pub fn new(severity: Severity, code: &'static str, diagnostics: impl Into<String>) -> Self {
        Self { severity, code, message: None, diagnostics: diagnostics.into(), expression: None, place: None }
    }

    /// The same with its code in [`MESSAGES`].
    #[must_use]
    pub const fn with_message(mut self, message: &'static str) -> Self {
        self.message = Some(message);
        self
    }

    /// The same with the element that it is about, as a path.
    #[must_use]
    pub fn at(mut self, expression: impl Into<String>) -> Self {
        self.expression = Some(expression.into());
        self
    }

    /// The same with its line and column.
    #[must_use]
    pub const fn at_place(mut self, line: u32, column: u32) -> Self {
        self.place = Some((line, column));
        self
    }

    /// How bad it is.
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// Its code.
    pub(crate) const fn code(&self) -> &'static str {
        self.code
    }

    /// What it says, and of which element.
    pub(crate) fn words(&self) -> String {
        match &self.expression {
            Some(expression) => format!("{expression}: {}", self.diagnostics),
            None => self.diagnostics.clone(),
        }
    }

    /// The same as an issue of a part of the request.
    pub(crate) fn within(&self, part: &str) -> Issue {
        let path = match &self.expression {
            Some(expression) => format!("{part}: {expression}"),
            None => part.to_owned(),
        };
        Issue::at(path, self.diagnostics.clone())
    }

    fn to_json(&self) -> Value {
        let mut issue = Map::new();
        issue.insert("severity".to_owned(), self.severity.as_str().into());
        issue.insert("code".to_owned(), self.code.into());
        if let Some(code) = self.message.or(self.severity.usual()) {
            issue.insert("details".to_owned(), json!({"coding": [{"system": MESSAGES, "code": code}]}));
        }
        let mut diagnostics = self.diagnostics.clone();
        if let Some((line, column)) = self.place {
            diagnostics.push_str(&format!(" (line {line}, column {column})"));
        }
        issue.insert("diagnostics".to_owned(), diagnostics.into());
        if let Some(expression) = &self.expression {
            issue.insert("expression".to_owned(), json!([expression]));
        }
        Value::Object(issue)
    }
}

/// A refusal that is an outcome: the status that it has, and what it tells.
#[derive(Debug, Clone, thiserror::Error)]
#[error("refused with {status}")]
pub struct Refused {
    /// HTTP's.
    pub status: StatusCode,
    /// The worst first.
    pub issues: Vec<Told>,
}

impl Refused {
    /// The same with the part of the request that it is about before the element that it names.
    #[must_use]
    pub fn within(mut self, part: &str) -> Self {
        for told in &mut self.issues {
            let inner = told.expression.take().filter(|inner| !inner.is_empty());
            told.expression = Some(inner.map_or_else(|| part.to_owned(), |inner| format!("{part}.{inner}")));
        }
        self
    }
}

impl From<&Problem> for Refused {
    fn from(problem: &Problem) -> Self {
        Self { status: problem.status(), issues: issues_of(problem) }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        answer(self.status, &self.issues)
    }
}

/// The resource that tells these issues.
pub fn resource(issues: &[Told]) -> Value {
    let told: Vec<Value> = issues.iter().take(ISSUES_MAX).map(Told::to_json).collect();
    json!({"resourceType": "OperationOutcome", "issue": told})
}

/// An answer that is an outcome.
pub fn answer(status: StatusCode, issues: &[Told]) -> Response {
    let body = resource(issues).to_string();
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, FHIR_JSON);
    let mut response = Verbatim(response).into_response();
    response.extensions_mut().insert(IsOutcome);
    response
}

/// Stands beside an answer that is an outcome, for who puts it into a Bundle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IsOutcome;

/// The outcome that a problem comes to, with its status and headers.
pub fn of_problem(problem: &Problem) -> Response {
    let mut response = answer(problem.status(), &issues_of(problem));
    for (name, value) in problem.headers() {
        response.headers_mut().append(name, value.clone());
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn issues_of(problem: &Problem) -> Vec<Told> {
    let (code, message) = web::outcome_words(problem.status(), problem.kind(), problem.code());
    let one = |text: &str, path: Option<&str>| {
        let told = Told::new(Severity::Error, code, text).with_message(message);
        match path.filter(|path| !path.is_empty()) {
            Some(path) => told.at(path),
            None => told,
        }
    };
    match problem.issues() {
        [] => vec![one(problem.message(), problem.path())],
        issues => issues.iter().map(|issue: &Issue| one(&issue.message, Some(&issue.path))).collect(),
    }
}

/// The refusal of a text that is no FHIR document: where, and what would be right.
pub fn unreadable(fault: &ParseFault) -> Refused {
    use fhirpath::document::Problem as P;
    let (status, code) = match fault.problem {
        P::TooLong { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too-long"),
        P::TooDeep { .. } | P::TooManyElements { .. } => (StatusCode::BAD_REQUEST, "too-costly"),
        P::DuplicateName(_) => (StatusCode::BAD_REQUEST, "structure"),
        _ => (StatusCode::BAD_REQUEST, "structure"),
    };
    let words = match &fault.problem {
        // What somebody wrote as a name is not repeated: it may be anything.
        P::DuplicateName(_) => "a name stands twice in one object".to_owned(),
        P::UnknownAttribute(_) => "an element has an attribute that FHIR's XML does not know".to_owned(),
        P::MisplacedExtensions(_) => {
            "a name with _ must hold the id and extensions of a primitive".to_owned()
        }
        P::WrongNamespace(_) => "an element is not in FHIR's namespace".to_owned(),
        other => other.to_string(),
    };
    let told = Told::new(Severity::Fatal, code, words).with_message("MSG_CANT_PARSE_CONTENT");
    Refused { status, issues: vec![told.at_place(fault.at.line, fault.at.column)] }
}

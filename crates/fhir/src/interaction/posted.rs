//! The resource in a request's body: its media type, its size, its syntax, and what it says it is.

use axum::{
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use fhirpath::document::{Document, DocumentLimits, Format};
use http::{HeaderValue, StatusCode, header};
use kernel::Kind;
use web::Problem;

use super::manner::media::{self, Sent};
use crate::{
    outcome::{self, Refused, Severity, Told},
    parameter::{Elements, ResourceType},
};

/// Objects within objects of a resource that is sent.
pub const RESOURCE_DEPTH_MAX: usize = 64;
/// Elements of a resource that is sent.
pub const RESOURCE_ELEMENTS_MAX: usize = 1_000_000;

/// What is said instead of what was asked for: a problem, or an outcome with more to tell.
pub(crate) enum Refusal {
    Problem(Problem),
    Outcome(Refused),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}
impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self::Outcome(refused)
    }
}
impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Problem(problem) => Self::from(&problem),
            Refusal::Outcome(refused) => refused,
        }
    }
}
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::Outcome(refused) => refused.into_response(),
        }
    }
}

/// What a handler gives.
pub(crate) type Said<T> = Result<T, Refusal>;

/// The bytes of a body and what they are.
pub(crate) struct Posted {
    pub sent: Sent,
    bytes: Bytes,
}

impl Posted {
    /// Read the body of a request that may be one of these.
    pub async fn read(request: Request, taken: &'static [Sent]) -> Said<Self> {
        let sent = media::sent(request.headers(), taken)?;
        let bytes = Bytes::from_request(request, &()).await;
        // What is still on its way must not be taken for the next request.
        let close = HeaderValue::from_static("close");
        let bytes = bytes.map_err(|rejection| {
            Problem::of_status(rejection.status()).with_header(header::CONNECTION, close)
        })?;
        Ok(Self { sent, bytes })
    }

    /// The body as it came.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The resource in JSON, whatever it was sent in.
    pub fn json(&self) -> Said<String> {
        self.json_within(&limits())
    }

    /// The same of what may be larger than a record.
    pub fn json_within(&self, limits: &DocumentLimits) -> Said<String> {
        let text = match self.sent {
            Sent::Resource(Format::Xml) => {
                Document::from_xml(&self.bytes, limits, Elements::r4()).map(|document| document.to_json())
            }
            _ => Document::from_json(&self.bytes, limits).map(|document| document.source().to_owned()),
        };
        Ok(text.map_err(|fault| outcome::unreadable(&fault))?)
    }
}

pub(crate) fn limits() -> DocumentLimits {
    DocumentLimits {
        depth_max: RESOURCE_DEPTH_MAX,
        elements_max: RESOURCE_ELEMENTS_MAX,
        ..DocumentLimits::default()
    }
}

/// A resource of this type, in JSON that can be read.
pub(crate) fn document(json: &str) -> Said<Document<'_>> {
    Ok(Document::from_json(json.as_bytes(), &limits()).map_err(|fault| outcome::unreadable(&fault))?)
}

/// The resource says that it is of the type that the address names.
pub(crate) fn is_of(document: &Document<'_>, of: ResourceType) -> Said<()> {
    is_of_name(document, of.as_str())
}

/// The same of what is no record: `Parameters`.
pub(crate) fn is_of_name(document: &Document<'_>, of: &str) -> Said<()> {
    let said = document.root().resource_type();
    if said.as_deref() == Some(of) {
        return Ok(());
    }
    let (words, message) = match said {
        None => ("resourceType is missing: it says what the resource is".to_owned(), "MSG_JSON_OBJECT"),
        Some(_) => (format!("resourceType must be {of}"), "MSG_RESOURCE_TYPE_MISMATCH"),
    };
    let told = Told::new(Severity::Error, "invalid", words).with_message(message).at("resourceType");
    Err(Refused { status: StatusCode::BAD_REQUEST, issues: vec![told] }.into())
}

/// The id that the resource says it has.
pub(crate) fn id_in(document: &Document<'_>) -> Option<String> {
    document.root().child("id").and_then(|id| id.text().map(|text| text.into_owned()))
}

/// A refusal of the form of a call.
pub(crate) fn invalid(words: impl Into<std::borrow::Cow<'static, str>>, at: &'static str) -> Problem {
    Problem::new(Kind::Invalid, words).with_path(at)
}

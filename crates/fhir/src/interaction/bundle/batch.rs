//! A batch: every entry is a call of its own, judged as such.  <https://hl7.org/fhir/R4/http.html#batch>

use axum::{
    Router,
    body::{Body, to_bytes},
    response::{IntoResponse, Response},
};
use http::{Extensions, HeaderName, HeaderValue, Method, Request, header};
use tower::ServiceExt;

use super::{Asking, Became, answer};
use crate::{
    Fhir,
    interaction::{
        asked::Asked,
        manner::read_http_date,
        of_records,
        patch::{Binary, binary},
        posted::{Said, invalid},
        speak::REWRITTEN_BYTES_MAX,
    },
    outcome::{self, IsOutcome, Refused},
};

/// The calls that an entry can ask for, all but Bundles within Bundles, by a caller who was proven once, for the whole Bundle.
pub(super) struct Alone<'a> {
    router: Router,
    asked: &'a Asked,
    extensions: Extensions,
}

pub(super) async fn run(
    fhir: &Fhir,
    asked: &Asked,
    extensions: Extensions,
    entries: Vec<Asking>,
) -> Response {
    asked.trace.told_by_entries();
    let alone = Alone::new(fhir, asked, extensions);
    let mut all = Vec::with_capacity(entries.len());
    for entry in &entries {
        all.push(alone.ask(entry).await);
    }
    answer("batch", &all)
}

impl<'a> Alone<'a> {
    pub fn new(fhir: &Fhir, asked: &'a Asked, extensions: Extensions) -> Self {
        Self { router: of_records(fhir.clone()).split_for_parts().0, asked, extensions }
    }

    /// What becomes of one entry.
    pub async fn ask(&self, entry: &Asking) -> Became {
        let request = match request(entry) {
            Ok(mut request) => {
                *request.extensions_mut() = self.extensions.clone();
                request.extensions_mut().insert(self.asked.clone());
                request
            }
            Err(refusal) => return became(Refused::from(refusal).into_response(), false).await,
        };
        match self.router.clone().oneshot(request).await {
            Ok(response) => became(response, entry.url.contains('$')).await,
            Err(never) => match never {},
        }
    }
}

fn request(entry: &Asking) -> Said<Request<Body>> {
    // `?_type=Patient` is a search of the site.
    let slash = if entry.url.is_empty() || entry.url.starts_with('?') { "" } else { "/" };
    let uri = format!("/fhir{slash}{}", entry.url);
    let mut request = Request::builder().method(entry.method.clone()).uri(uri);
    let headers = [
        (header::IF_MATCH, &entry.if_match),
        (header::IF_NONE_MATCH, &entry.if_none_match),
        (header::IF_MODIFIED_SINCE, &entry.if_modified_since),
        (IF_NONE_EXIST, &entry.if_none_exist),
    ];
    for (name, value) in headers {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    let body = match &entry.resource {
        Some(resource) => {
            let (media, body) = body(entry, resource)?;
            request = request.header(header::CONTENT_TYPE, media);
            Body::from(body)
        }
        None => Body::empty(),
    };
    let unsaid = |_| invalid("request.url is no address below this server", "request.url");
    Ok(request.body(body).map_err(unsaid)?)
}

/// What an entry sends: of a patch, what the Binary holds.
fn body(entry: &Asking, resource: &str) -> Said<(HeaderValue, Vec<u8>)> {
    let patch = if entry.method == Method::PATCH { binary(resource)? } else { None };
    Ok(match patch {
        Some(Binary { media, data }) => {
            let unsaid = |_| invalid("contentType of the Binary is no media type", "resource.contentType");
            (HeaderValue::from_str(&media).map_err(unsaid)?, data)
        }
        None => (outcome::FHIR_JSON, resource.as_bytes().to_vec()),
    })
}

const IF_NONE_EXIST: HeaderName = HeaderName::from_static("if-none-exist");

async fn became(response: Response, is_operation: bool) -> Became {
    let (parts, body) = response.into_parts();
    let text = |name: header::HeaderName| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let bytes = to_bytes(body, REWRITTEN_BYTES_MAX).await.unwrap_or_default();
    let json = String::from_utf8(bytes.to_vec()).ok().filter(|json| !json.is_empty());
    // How it went, told instead of a record: a deletion, `Prefer: return=OperationOutcome`. What an operation finds is its result.
    let is_result = parts.extensions.get::<IsOutcome>().is_none() || is_operation;
    let (resource, outcome) =
        if parts.status.is_success() && is_result { (json, None) } else { (None, json) };
    Became {
        status: parts.status.to_string(),
        location: text(header::LOCATION),
        etag: text(header::ETAG),
        modified: text(header::LAST_MODIFIED).and_then(|at| read_http_date(&at)).map(|at| at.to_string()),
        resource,
        outcome,
    }
}

//! A batch: every entry is a call of its own, judged as such.  <https://hl7.org/fhir/R4/http.html#batch>

use axum::{
    Router,
    body::{Body, to_bytes},
    response::Response,
};
use http::{Extensions, Request, StatusCode, header};
use tower::ServiceExt;

use super::{Asking, Became, answer};
use crate::{
    Fhir,
    interaction::{asked::Asked, of_records, speak::REWRITTEN_BYTES_MAX},
    outcome::{self, Severity, Told},
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
            Err(_) => {
                let told =
                    Told::new(Severity::Error, "invalid", "request.url is no address below this server");
                return became(outcome::answer(StatusCode::BAD_REQUEST, &[told])).await;
            }
        };
        match self.router.clone().oneshot(request).await {
            Ok(response) => became(response).await,
            Err(never) => match never {},
        }
    }
}

fn request(entry: &Asking) -> http::Result<Request<Body>> {
    let mut request = Request::builder().method(entry.method.clone()).uri(format!("/fhir/{}", entry.url));
    let headers = [
        ("if-match", &entry.if_match),
        ("if-none-match", &entry.if_none_match),
        ("if-none-exist", &entry.if_none_exist),
    ];
    for (name, value) in headers {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    if entry.resource.is_some() {
        request = request.header(header::CONTENT_TYPE, outcome::FHIR_JSON);
    }
    request.body(Body::from(entry.resource.clone().unwrap_or_default()))
}

async fn became(response: Response) -> Became {
    let (parts, body) = response.into_parts();
    let text = |name: header::HeaderName| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let bytes = to_bytes(body, REWRITTEN_BYTES_MAX).await.unwrap_or_default();
    let json = String::from_utf8(bytes.to_vec()).ok().filter(|json| !json.is_empty());
    let is_good = parts.status.is_success();
    let (resource, outcome) = if is_good { (json, None) } else { (None, json) };
    Became {
        status: parts.status.to_string(),
        location: text(header::LOCATION),
        etag: text(header::ETAG),
        modified: None,
        resource,
        outcome,
    }
}

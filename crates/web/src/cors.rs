//! Applications in browsers that call from their own origin.  Fetch standard, SMART App Launch 2.2 §2.0.9

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// Who knows from which origins applications call. A client's origins are those of its registered redirect URIs.
pub trait AllowedOrigins: Send + Sync {
    /// Whether a live client is registered with a page of exactly this origin (`https://app.example`).
    fn allows(&self, origin: &str) -> bool;
}

/// For how long a browser may remember that it may ask.
const PREFLIGHT_MAX_AGE: HeaderValue = HeaderValue::from_static("600");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "Accept, Authorization, Content-Type, DPoP, HC-API-Version, If-Match, If-Modified-Since, If-None-Exist, If-None-Match, \
     Last-Event-ID, Prefer, Purpose-Of-Use, Break-Glass-Reason, SU-SiteId, X-Provenance, X-Request-Id",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Break-Glass, Content-Location, Deprecation, DPoP-Nonce, ETag, HC-API-Version, Last-Modified, Location, Retry-After, Sunset, \
     WWW-Authenticate, X-Progress, X-Request-Id",
);
/// The longest origin that is looked at, in bytes.
const ORIGIN_BYTES_MAX: usize = 512;

/// What a request says of the page that sent it.
pub(crate) struct Asked {
    origin: Option<HeaderValue>,
    is_preflight: bool,
}

impl Asked {
    pub(crate) fn of(request: &Request, origins: &dyn AllowedOrigins) -> Self {
        let headers = request.headers();
        let is_preflight = request.method() == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        Self { origin: allowed(headers, origins), is_preflight }
    }

    /// The answer to a question whether it may be asked.
    pub(crate) fn preflight(&self) -> Option<Response> {
        self.is_preflight.then(|| StatusCode::NO_CONTENT.into_response())
    }

    /// Whether the page may read the answer.
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        // Caches keep the answers for different origins apart, and those for none.
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = self.origin else { return };
        if self.is_preflight {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_MAX_AGE);
        }
        headers.entry(header::ACCESS_CONTROL_ALLOW_ORIGIN).or_insert(origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}

/// The request's one origin, if it is allowed. `null` is everybody's and nobody's.
fn allowed(headers: &HeaderMap, origins: &dyn AllowedOrigins) -> Option<HeaderValue> {
    let mut values = headers.get_all(header::ORIGIN).iter();
    let (origin, None) = (values.next()?, values.next()) else { return None };
    let text = origin.to_str().ok().filter(|text| text.len() <= ORIGIN_BYTES_MAX && *text != "null")?;
    origins.allows(text).then(|| origin.clone())
}

//! A stand-in for a third party on a real port of this machine: what it issues, and how it fails, the test says; what it
//! was asked, it remembers.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{any, post},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// How it behaves from now on.
#[derive(Clone)]
pub struct Manner {
    pub access_token: String,
    pub refresh_token: String,
    pub expires_in: u64,
    pub account: String,
    /// The token endpoint's status; other than 200, it answers `invalid_grant`.
    pub token_status: StatusCode,
    /// The revocation endpoint's and the API's.
    pub revoke_status: StatusCode,
    pub api_status: StatusCode,
    /// Put into every answer of the API, also of one that fails.
    pub remark: String,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            access_token: "party-access-1".into(),
            refresh_token: "party-refresh-1".into(),
            expires_in: 3600,
            account: "party-account".into(),
            token_status: StatusCode::OK,
            revoke_status: StatusCode::OK,
            api_status: StatusCode::OK,
            remark: String::new(),
        }
    }
}

/// A call that reached it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub authorization: String,
    pub body: String,
}

#[derive(Default)]
struct Inner {
    manner: Manner,
    asked: Vec<Asked>,
}

#[derive(Clone)]
pub struct Party {
    /// `http://127.0.0.1:port`.
    pub url: String,
    inner: Arc<Mutex<Inner>>,
}

impl Party {
    pub async fn start(tasks: &web::Tasks) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let party = Self { url, inner: Arc::default() };
        let routes = Router::new()
            .route("/oauth2/token", post(token))
            .route("/oauth2/revoke", post(revoke))
            .route("/fhir/{*path}", any(fhir))
            .fallback(any(api))
            .with_state(party.clone());
        tasks.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        party
    }

    /// `127.0.0.1:port`, as `integrations.allow_internal` wants it.
    pub fn host(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    pub fn behave(&self, change: impl FnOnce(&mut Manner)) {
        change(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner).manner);
    }

    /// Every call so far of this path.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.asked.iter().filter(|asked| asked.path == path).cloned().collect()
    }

    fn note(&self, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Manner {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        inner.asked.push(Asked {
            path: uri.path().to_owned(),
            authorization: authorization.unwrap_or_default(),
            body: String::from_utf8_lossy(body).into_owned(),
        });
        inner.manner.clone()
    }
}

async fn token(State(party): State<Party>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let manner = party.note(&uri, &headers, &body);
    let answer = if manner.token_status.is_success() {
        json!({
            "access_token": manner.access_token, "refresh_token": manner.refresh_token, "token_type": "Bearer",
            "expires_in": manner.expires_in, "scope": "activity heartrate sleep profile", "user_id": manner.account,
        })
    } else {
        // Some third parties repeat what they were sent.
        json!({ "error": "invalid_grant", "error_description": format!("{} {}", manner.refresh_token, manner.remark) })
    };
    (manner.token_status, axum::Json(answer)).into_response()
}

async fn revoke(State(party): State<Party>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    party.note(&uri, &headers, &body).revoke_status
}

/// One patient; what it can do it says to everybody.
async fn fhir(State(party): State<Party>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let manner = party.note(&uri, &headers, &body);
    let bearer = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let knows = bearer == format!("Bearer {}", manner.access_token);
    let patient = json!({"resourceType": "Patient", "id": "p1", "active": true,
        "meta": {"versionId": "1", "lastUpdated": "2026-01-01T00:00:00Z"}});
    let answer = match uri.path() {
        "/fhir/metadata" => json!({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [
            {"mode": "server", "resource": [{"type": "Patient", "interaction": [{"code": "search-type"}]}]}]}),
        _ if !knows => return StatusCode::UNAUTHORIZED.into_response(),
        "/fhir/Patient" => {
            json!({"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": patient}]})
        }
        "/fhir/Patient/p1" => patient,
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    (manner.api_status, axum::Json(answer)).into_response()
}

async fn api(
    State(party): State<Party>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let manner = party.note(&uri, &headers, &body);
    let bearer = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if bearer != format!("Bearer {}", manner.access_token) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mut answer: Value = if uri.path().contains("/activities/steps/") {
        json!({ "activities-steps": [{ "dateTime": "2026-01-04", "value": "4321" }] })
    } else {
        json!({ "method": method.as_str() })
    };
    answer["remark"] = manner.remark.into();
    (manner.api_status, axum::Json(answer)).into_response()
}

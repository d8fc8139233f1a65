//! A third party on loopback: one-time refresh tokens with reuse detection, revocation, an API, and bad days.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Form, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use serde_json::{Value, json};
use tokio::sync::watch;

/// What the token endpoint does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Its work.
    Good,
    /// Answers 503.
    Down,
    /// Answers 410.
    Gone,
    /// Answers `invalid_grant`.
    Refusing,
    /// Answers 200 with nothing of use, having rotated.
    Babbling,
    /// Rotates, and never answers.
    Mute,
    /// Does nothing, and never answers.
    Dead,
}

/// Status, header fields, body.
pub type ApiAnswer = (u16, Vec<(&'static str, String)>, String);

#[derive(Debug)]
pub struct Book {
    pub mood: Mood,
    pub issued: u32,
    pub refresh_live: Option<String>,
    pub access_live: BTreeSet<String>,
    pub token_calls: Vec<Vec<(String, String)>>,
    pub revoked: Vec<String>,
    pub revoke_down: bool,
    pub withings: crate::withings::Desk,
    /// The claims of the ID token that comes with the tokens.
    pub id_claims: Option<Value>,
    pub challenge: Option<String>,
    pub scope: Option<String>,
    pub user: String,
    pub expires_in: u64,
    pub api_calls: Vec<(String, String, HeaderMap)>,
    pub api_answers: Vec<ApiAnswer>,
}

#[derive(Clone)]
pub struct Provider {
    pub book: Arc<Mutex<Book>>,
    pub address: SocketAddr,
    gate: Arc<watch::Sender<bool>>,
}

impl Provider {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let book = Book {
            mood: Mood::Good,
            issued: 0,
            refresh_live: None,
            access_live: BTreeSet::new(),
            token_calls: Vec::new(),
            revoked: Vec::new(),
            revoke_down: false,
            withings: crate::withings::Desk::default(),
            id_claims: None,
            challenge: None,
            scope: None,
            user: "account-1".to_owned(),
            expires_in: 3600,
            api_calls: Vec::new(),
            api_answers: Vec::new(),
        };
        let provider =
            Self { book: Arc::new(Mutex::new(book)), address, gate: Arc::new(watch::Sender::new(true)) };
        let app = Router::new()
            .route("/token", post(token))
            .route("/revoke", post(revoke))
            .route("/fhir/.well-known/smart-configuration", get(smart))
            .route("/api/{*path}", any(api))
            .merge(crate::withings::routes())
            .with_state(provider.clone());
        #[expect(clippy::disallowed_methods, reason = "a test's own server ends with the test")]
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        provider
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn set(&self, change: impl FnOnce(&mut Book)) {
        change(&mut self.book.lock().unwrap());
    }

    pub fn mood(&self, mood: Mood) {
        self.set(|book| book.mood = mood);
    }

    /// Let the token endpoint take calls in and keep its answers to itself until `open`.
    pub fn shut(&self) {
        self.gate.send_replace(false);
    }

    pub fn open(&self) {
        self.gate.send_replace(true);
    }

    pub fn token_calls(&self) -> usize {
        self.book.lock().unwrap().token_calls.len()
    }

    /// Wait until so many token calls have arrived.
    pub async fn called(&self, times: usize) {
        while self.token_calls() < times {
            tokio::task::yield_now().await;
        }
    }
}

fn refused() -> (StatusCode, Value) {
    (StatusCode::BAD_REQUEST, json!({ "error": "invalid_grant" }))
}

impl Book {
    fn tokens(&mut self) -> (StatusCode, Value) {
        self.issued += 1;
        let (access, refresh) =
            (format!("access-canary-{}", self.issued), format!("refresh-canary-{}", self.issued));
        self.access_live.insert(access.clone());
        self.refresh_live = Some(refresh.clone());
        let mut answer = json!({
            "access_token": access, "refresh_token": refresh, "token_type": "Bearer",
            "expires_in": self.expires_in, "user_id": self.user,
        });
        if let Some(scope) = &self.scope {
            answer["scope"] = json!(scope);
        }
        if let Some(claims) = &self.id_claims {
            answer["id_token"] = json!(format!("e30.{}.x", crypto::b64::encode(claims.to_string())));
        }
        (StatusCode::OK, answer)
    }

    fn answer(&mut self, form: &[(String, String)]) -> (StatusCode, Value) {
        let field =
            |name: &str| form.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).unwrap_or_default();
        match (self.mood, field("grant_type")) {
            (Mood::Down, _) => (StatusCode::SERVICE_UNAVAILABLE, json!("down")),
            (Mood::Gone, _) => (StatusCode::GONE, json!("gone")),
            (Mood::Refusing, _) => refused(),
            (Mood::Dead, _) => (StatusCode::OK, Value::Null),
            (_, "authorization_code") => {
                let challenge = crypto::pkce::s256_challenge(field("code_verifier"));
                if self.challenge.take() != Some(challenge) || field("code") != "good-code" {
                    return refused();
                }
                self.tokens()
            }
            (mood, "refresh_token") if self.refresh_live.as_deref() == Some(field("refresh_token")) => {
                let answer = self.tokens();
                if mood == Mood::Babbling { (StatusCode::OK, json!({ "hello": "world" })) } else { answer }
            }
            // Reuse: the family is dead.
            (_, "refresh_token") => {
                self.refresh_live = None;
                self.access_live.clear();
                refused()
            }
            _ => (StatusCode::BAD_REQUEST, json!({ "error": "unsupported_grant_type" })),
        }
    }
}

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> Response {
    let basic = crypto::b64::encode_standard("our-id:our-secret");
    if headers["authorization"] != format!("Basic {basic}") {
        return (StatusCode::UNAUTHORIZED, axum::Json(json!({ "error": "invalid_client" }))).into_response();
    }
    let (mood, (status, answer)) = {
        let mut book = provider.book.lock().unwrap();
        book.token_calls.push(form.clone());
        (book.mood, book.answer(&form))
    };
    if matches!(mood, Mood::Mute | Mood::Dead) {
        std::future::pending::<()>().await;
    }
    let mut gate = provider.gate.subscribe();
    gate.wait_for(|open| *open).await.unwrap();
    (status, axum::Json(answer)).into_response()
}

async fn revoke(State(provider): State<Provider>, Form(form): Form<Vec<(String, String)>>) -> StatusCode {
    let mut book = provider.book.lock().unwrap();
    if book.revoke_down {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    for (name, value) in form {
        if name == "token" {
            book.revoked.push(value);
        }
    }
    StatusCode::OK
}

async fn smart(State(provider): State<Provider>) -> axum::Json<Value> {
    axum::Json(json!({
        "issuer": provider.url("/fhir"),
        "authorization_endpoint": provider.url("/authorize"),
        "token_endpoint": provider.url("/token"),
        "revocation_endpoint": provider.url("/revoke"),
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
    }))
}

async fn api(
    State(provider): State<Provider>,
    method: axum::http::Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let mut book = provider.book.lock().unwrap();
    let bearer =
        headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    book.api_calls.push((method.to_string(), uri.to_string(), headers));
    let known = bearer.strip_prefix("Bearer ").is_some_and(|token| book.access_live.contains(token));
    if !known {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if book.api_answers.is_empty() {
        return axum::Json(json!({ "path": uri.to_string() })).into_response();
    }
    let (status, headers, body) = book.api_answers.remove(0);
    let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

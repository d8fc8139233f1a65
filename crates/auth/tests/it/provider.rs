//! An external provider in this process, honest unless told otherwise.

use std::sync::{Arc, Mutex};

use axum::{
    Form, Json, Router,
    extract::State,
    http::HeaderMap,
    routing::{get, post},
};
use crypto::{
    b64,
    jose::{Algorithm, SigningKey},
};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

/// What it does, as a test has set it.
pub struct Behaviour {
    pub issuer: String,
    /// Overrides of the ID token's claims; null leaves one out.
    pub claims: Map<String, Value>,
    pub userinfo: Map<String, Value>,
    /// A token in place of the signed one.
    pub token: Option<String>,
    /// The nonce of the last authorization request.
    pub nonce: String,
    pub now_s: i64,
    /// Forms and `Authorization` headers that the token endpoint has seen.
    pub seen: Vec<(Vec<(String, String)>, String)>,
    pub names_itself: &'static str,
    pub metadata_issuer: Option<String>,
    /// How it spells the scheme of its token endpoint.
    pub scheme: &'static str,
}

#[derive(Clone)]
pub struct Provider {
    pub issuer: String,
    pub host: String,
    pub key: Arc<SigningKey>,
    pub behaviour: Arc<Mutex<Behaviour>>,
}

impl Provider {
    pub async fn open(algorithm: Algorithm, now_s: i64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let issuer = format!("http://{host}");
        let behaviour = Behaviour {
            issuer: issuer.clone(),
            claims: Map::new(),
            userinfo: Map::new(),
            token: None,
            nonce: String::new(),
            now_s,
            seen: Vec::new(),
            names_itself: "no",
            metadata_issuer: None,
            scheme: "http",
        };
        let key = Arc::new(SigningKey::generate(algorithm).unwrap());
        let provider = Self { issuer, host, key, behaviour: Arc::new(Mutex::new(behaviour)) };
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/jwks", get(jwks))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .with_state(provider.clone());
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, app).await });
        provider
    }

    pub fn set(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.behaviour.lock().unwrap());
    }

    /// An ID token with these claims over the honest ones.
    pub fn id_token(&self, more: &Map<String, Value>) -> Value {
        let behaviour = self.behaviour.lock().unwrap();
        let mut claims = json!({
            "iss": self.issuer, "sub": "subject-1", "aud": "us", "nonce": behaviour.nonce,
            "iat": behaviour.now_s, "exp": behaviour.now_s + 300,
        });
        let all = claims.as_object_mut().unwrap();
        all.extend(behaviour.claims.clone());
        all.extend(more.clone());
        all.retain(|_, value| !value.is_null());
        claims
    }
}

async fn metadata(State(provider): State<Provider>) -> Json<Value> {
    let behaviour = provider.behaviour.lock().unwrap();
    let base = &behaviour.issuer;
    Json(json!({
        "issuer": behaviour.metadata_issuer.as_ref().unwrap_or(base),
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token").replacen("http", behaviour.scheme, 1),
        "jwks_uri": format!("{base}/jwks"),
        "userinfo_endpoint": format!("{base}/userinfo"),
        "authorization_response_iss_parameter_supported": behaviour.names_itself == "yes",
    }))
}

async fn jwks(State(provider): State<Provider>) -> Json<Value> {
    Json(json!({ "keys": [provider.key.public_jwk()] }))
}

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> Json<Value> {
    let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    provider.set(|behaviour| behaviour.seen.push((form, authorization.unwrap_or_default())));
    let forged = provider.behaviour.lock().unwrap().token.clone();
    let claims = provider.id_token(&Map::new());
    let token = forged.unwrap_or_else(|| provider.key.sign("JWT", &claims).unwrap());
    Json(json!({ "access_token": "at-1", "token_type": "Bearer", "id_token": token }))
}

async fn userinfo(State(provider): State<Provider>, headers: HeaderMap) -> Json<Value> {
    assert_eq!(headers["authorization"], "Bearer at-1");
    let mut all = Map::from_iter([("sub".to_owned(), Value::from("subject-1"))]);
    all.extend(provider.behaviour.lock().unwrap().userinfo.clone());
    Json(Value::Object(all))
}

/// A token whose header says `alg`, signed with nothing or with a secret that everybody has.
pub fn unsigned(alg: &str, claims: &Value) -> String {
    let header = b64::encode(json!({ "alg": alg, "typ": "JWT" }).to_string());
    let signed = format!("{header}.{}", b64::encode(claims.to_string()));
    let signature = match alg {
        "HS256" => {
            let key = kernel::Secret::new("the public key".to_owned());
            b64::encode(crypto::hmac_sha256_text(&key, &[signed.as_bytes()]).as_bytes())
        }
        _ => String::new(),
    };
    format!("{signed}.{signature}")
}

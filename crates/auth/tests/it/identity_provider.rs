//! An identity provider of a trust community in this process, honest unless told otherwise.

use std::sync::{Arc, Mutex};

use axum::{
    Form, Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use crypto::b64;
use http::StatusCode;
use kernel::World;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use crate::udap::{Authority, Member};

/// What it does, as a test has set it.
pub struct Behaviour {
    /// Overrides of the metadata; null leaves one out.
    pub metadata: Map<String, Value>,
    /// Overrides of what is signed of them.
    pub signed: Map<String, Value>,
    /// Who signs metadata and ID tokens.
    pub signer: Arc<Member>,
    pub token_signer: Arc<Member>,
    /// Overrides of the ID token's claims.
    pub claims: Map<String, Value>,
    /// A token in place of the signed one.
    pub token: Option<String>,
    /// The nonce of the last authorization request.
    pub nonce: String,
    /// How it answers what it does not do.
    pub metadata_status: StatusCode,
    pub registered: (StatusCode, Value),
    pub token_error: Option<&'static str>,
    /// How often it was asked what it says of itself.
    pub looked_at: usize,
    /// Statements and forms that it has seen.
    pub statements: Vec<String>,
    pub forms: Vec<Vec<(String, String)>>,
}

#[derive(Clone)]
pub struct IdentityProvider {
    pub issuer: String,
    pub host: String,
    world: World,
    behaviour: Arc<Mutex<Behaviour>>,
}

impl IdentityProvider {
    pub async fn open(authority: &Authority, world: &World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let issuer = format!("http://{host}/idp");
        let signer = Arc::new(authority.server(&[&issuer]));
        let behaviour = Behaviour {
            metadata: Map::new(),
            signed: Map::new(),
            token_signer: Arc::clone(&signer),
            signer,
            claims: Map::new(),
            token: None,
            nonce: String::new(),
            metadata_status: StatusCode::OK,
            registered: (StatusCode::CREATED, json!({ "client_id": "holder-1", "scope": "openid udap" })),
            token_error: None,
            looked_at: 0,
            statements: Vec::new(),
            forms: Vec::new(),
        };
        let provider =
            Self { issuer, host, world: world.clone(), behaviour: Arc::new(Mutex::new(behaviour)) };
        let app = Router::new()
            .route("/idp/.well-known/udap", get(metadata))
            .route("/idp/register", post(register))
            .route("/idp/token", post(token))
            .with_state(provider.clone());
        serve(listener, app);
        provider
    }

    pub fn set<T>(&self, change: impl FnOnce(&mut Behaviour) -> T) -> T {
        change(&mut self.behaviour.lock().unwrap())
    }

    /// An ID token's claims: the honest ones, and what the test has set over them.
    pub fn id_claims(&self) -> Value {
        let behaviour = self.behaviour.lock().unwrap();
        let now = self.world.now().as_seconds();
        let claims = json!({
            "iss": self.issuer, "sub": "subject-1", "aud": "holder-1", "nonce": behaviour.nonce,
            "iat": now, "exp": now + 300, "jti": b64::encode(self.world.random::<8>()), "amr": ["pwd"],
        });
        over(claims, &behaviour.claims)
    }
}

/// Serve until the test's runtime ends.
pub fn serve(listener: TcpListener, app: Router) {
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    tokio::spawn(async move { axum::serve(listener, app).await });
}

fn over(mut honest: Value, set: &Map<String, Value>) -> Value {
    let all = honest.as_object_mut().unwrap();
    all.extend(set.clone());
    all.retain(|_, value| !value.is_null());
    honest
}

async fn metadata(State(provider): State<IdentityProvider>) -> Response {
    let (base, now) = (&provider.issuer, provider.world.now().as_seconds());
    let jti = b64::encode(provider.world.random::<8>());
    let answer = provider.set(|behaviour| {
        behaviour.looked_at += 1;
        let signed = json!({
            "iss": base, "sub": base, "iat": now, "exp": now + 86_400, "jti": jti,
            "authorization_endpoint": format!("{base}/authorize"), "token_endpoint": format!("{base}/token"),
            "registration_endpoint": format!("{base}/register"),
        });
        let document = json!({
            "udap_versions_supported": ["1"],
            "udap_profiles_supported": ["udap_dcr", "udap_authn", "udap_to"],
            "udap_authorization_extensions_supported": [],
            "udap_certifications_supported": [],
            "grant_types_supported": ["authorization_code"],
            "scopes_supported": ["openid", "udap", "email"],
            "authorization_endpoint": "https://plain.example/authorize",
            "token_endpoint": "https://plain.example/token",
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
            "registration_endpoint": "https://plain.example/register",
            "registration_endpoint_jwt_signing_alg_values_supported": ["RS256"],
            "signed_metadata": behaviour.signer.sign(&over(signed, &behaviour.signed)),
        });
        (behaviour.metadata_status, Json(over(document, &behaviour.metadata)))
    });
    answer.into_response()
}

async fn register(State(provider): State<IdentityProvider>, Json(asked): Json<Value>) -> Response {
    assert_eq!(asked["udap"], "1");
    let (status, answer) = provider.set(|behaviour| {
        behaviour.statements.push(asked["software_statement"].as_str().unwrap().to_owned());
        behaviour.registered.clone()
    });
    (status, Json(answer)).into_response()
}

async fn token(
    State(provider): State<IdentityProvider>,
    Form(form): Form<Vec<(String, String)>>,
) -> Response {
    let claims = provider.id_claims();
    provider.set(|behaviour| {
        behaviour.forms.push(form);
        if let Some(error) = behaviour.token_error {
            return (StatusCode::UNAUTHORIZED, Json(json!({ "error": error }))).into_response();
        }
        let token = behaviour.token.clone().unwrap_or_else(|| behaviour.token_signer.sign(&claims));
        Json(json!({ "access_token": "at-1", "token_type": "Bearer", "id_token": token })).into_response()
    })
}

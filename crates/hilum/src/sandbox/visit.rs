//! For tests: a browser and a client application that visit the sandbox in process.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode, header},
};
use kernel::{Clock, Entropy, Secret, Timestamp, World};
use serde_json::Value;
use tower::ServiceExt;
use url::{Url, form_urlencoded};

use super::{Sandbox, SandboxClient, SandboxConfig, router};

pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const CALLBACK: &str = "http://127.0.0.1:9/callback?tenant=1";

/// A clock that goes when it is told to.
#[derive(Clone)]
pub(super) struct Hand(Arc<AtomicI64>);

impl Hand {
    pub(super) fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// Counts instead of rolling dice.
struct Counting(AtomicI64);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        let hash = crypto::sha256(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        for (byte, from) in buffer.iter_mut().zip(hash.iter().cycle()) {
            *byte = *from;
        }
    }
}

pub(super) fn world() -> (World, Hand) {
    let hand = Hand(Arc::new(AtomicI64::new(1_780_000_000_000_000)));
    (World::new(hand.clone(), Counting(AtomicI64::new(0))), hand)
}

pub(super) fn config() -> SandboxConfig {
    let client = |id: &str, secret: Option<&str>| SandboxClient {
        name: format!("<{id}>"),
        client_id: id.to_owned(),
        client_secret: secret.map(|secret| Secret::new(secret.to_owned())),
        redirect_uris: vec![CALLBACK.to_owned()],
    };
    let clients = vec![client("app", Some("s3cret")), client("other", Some("0ther")), client("public", None)];
    SandboxConfig::new("127.0.0.1:8090".parse().unwrap(), clients)
}

/// An answer, read to its end.
pub(super) struct Read {
    pub(super) status: StatusCode,
    pub(super) head: Response<()>,
    pub(super) text: String,
}

impl Read {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.head.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The parameters of the address that this redirects to.
    pub(super) fn parameters(&self) -> BTreeMap<String, String> {
        let base = Url::parse("http://127.0.0.1:8090").unwrap();
        base.join(self.header("location")).unwrap().query_pairs().into_owned().collect()
    }
}

pub(super) struct Visit {
    app: Router,
    cookie: String,
}

impl Visit {
    pub(super) fn to(sandbox: Arc<Sandbox>) -> Self {
        Self { app: router(sandbox), cookie: String::new() }
    }

    pub(super) fn begin() -> (Self, Hand) {
        let (world, hand) = world();
        (Self::to(Sandbox::open(config(), world).unwrap()), hand)
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Read {
        let answer = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Read { status: parts.status, head: Response::from_parts(parts, ()), text }
    }

    pub(super) async fn get(&self, uri: &str) -> Read {
        self.send(Request::get(uri).header(header::COOKIE, &self.cookie).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn call(&self, uri: &str, token: &str) -> Read {
        let bearer = format!("Bearer {token}");
        self.send(Request::get(uri).header(header::AUTHORIZATION, bearer).body(Body::empty()).unwrap()).await
    }

    /// A form, sent by the browser or, with `who`, by a client that proves itself with Basic.
    pub(super) async fn post(&self, uri: &str, who: Option<(&str, &str)>, fields: &[(&str, &str)]) -> Read {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(uri).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = match who {
            Some((id, secret)) => {
                let credentials = crypto::b64::encode_standard(format!("{id}:{secret}"));
                request.header(header::AUTHORIZATION, format!("Basic {credentials}"))
            }
            None => request.header(header::COOKIE, &self.cookie),
        };
        self.send(request.body(Body::from(form)).unwrap()).await
    }

    pub(super) async fn set_faults(&self, json: &str) -> Read {
        let request = Request::post("/sandbox/faults").header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(json.to_owned())).unwrap()).await
    }

    pub(super) async fn counters(&self) -> Value {
        self.get("/sandbox/counters").await.json()
    }

    /// The authorization request of `app`, with these parameters in place of the usual ones.
    pub(super) async fn authorize(&self, other: &[(&str, &str)]) -> Read {
        let challenge = crypto::pkce::s256_challenge(VERIFIER);
        let mut parameters = BTreeMap::from([
            ("response_type", "code"),
            ("client_id", "app"),
            ("redirect_uri", CALLBACK),
            ("scope", "heartrate sleep"),
            ("state", "xyz"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        parameters.extend(other.iter().copied());
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&parameters).finish();
        self.get(&format!("/oauth2/authorize?{query}")).await
    }

    pub(super) async fn sign_in(&mut self, person: &str, request: &str) {
        let fields = [("request", request), ("person", person), ("password", "x")];
        let answer = self.post("/sign-in", None, &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        self.cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    }

    /// All steps of a browser; where it is sent back to.
    pub(super) async fn consent(&mut self, person: &str, other: &[(&str, &str)], boxes: &[&str]) -> Read {
        let request = self.authorize(other).await.parameters()["request"].clone();
        self.sign_in(person, &request).await;
        let decision = if boxes.is_empty() { "deny" } else { "allow" };
        let mut fields = vec![("request", request.as_str()), ("decision", decision)];
        fields.extend(boxes.iter().map(|name| (*name, "on")));
        self.post("/oauth2/consent", None, &fields).await
    }

    pub(super) async fn exchange(&self, code: &str) -> Read {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.post("/oauth2/token", Some(("app", "s3cret")), &fields).await
    }

    pub(super) async fn refresh(&self, token: &str) -> Read {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.post("/oauth2/token", Some(("app", "s3cret")), &fields).await
    }

    /// River links `app` with both scopes; access and refresh token.
    pub(super) async fn link(&mut self) -> (String, String) {
        let back = self.consent("river", &[], &["heartrate", "sleep"]).await;
        pair(&self.exchange(&back.parameters()["code"]).await)
    }
}

/// Access and refresh token of a token answer.
pub(super) fn pair(answer: &Read) -> (String, String) {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let token = |name: &str| answer.json()[name].as_str().unwrap().to_owned();
    (token("access_token"), token("refresh_token"))
}

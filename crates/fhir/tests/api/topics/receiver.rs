//! An endpoint of a subscriber: it keeps what it hears and answers as it is told to.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, extract::State, response::IntoResponse};
use http::{HeaderMap, Method, StatusCode, Uri};
use kernel::Secret;
use outbound::InternalHost;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinSet};

/// One call that came.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Call {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// What the notification says of the subscription.
    #[track_caller]
    pub fn parameter(&self, name: &str) -> Vec<Value> {
        let body = self.json();
        assert_eq!((body["resourceType"].as_str(), body["type"].as_str()), (Some("Bundle"), Some("history")));
        let all = body["entry"][0]["resource"]["parameter"].as_array().unwrap().clone();
        all.into_iter().filter(|one| one["name"] == name).collect()
    }

    #[track_caller]
    pub fn kind(&self) -> String {
        self.parameter("type")[0]["valueCode"].as_str().unwrap().to_owned()
    }

    /// Numbers and focuses of its events.
    #[track_caller]
    pub fn events(&self) -> Vec<(i64, Option<String>)> {
        self.parameter("notification-event").iter().map(event).collect()
    }

    /// Whether it was signed with this key.
    pub fn is_signed(&self, shown: &str) -> bool {
        let text = |name: &str| self.headers[name].to_str().unwrap().to_owned();
        let key = crypto::b64::decode_standard(shown.strip_prefix("whsec_").unwrap()).unwrap();
        let key: [u8; 32] = key.try_into().unwrap();
        let (id, at) = (text("webhook-id"), text("webhook-timestamp"));
        let signed = crypto::hmac_sha256(
            &Secret::new(key),
            &[id.as_bytes(), b".", at.as_bytes(), b".", self.body.as_bytes()],
        );
        text("webhook-signature") == format!("v1,{}", crypto::b64::encode_standard(signed.as_bytes()))
    }
}

/// The number and the focus of an event.
pub fn event(one: &Value) -> (i64, Option<String>) {
    let part = |name: &str| one["part"].as_array().unwrap().iter().find(|part| part["name"] == name).cloned();
    let number = part("event-number").unwrap()["valueString"].as_str().unwrap().parse().unwrap();
    let focus = part("focus").map(|part| part["valueReference"]["reference"].as_str().unwrap().to_owned());
    (number, focus)
}

#[derive(Default)]
struct Inner {
    heard: Vec<Call>,
    answers: VecDeque<(StatusCode, Option<&'static str>)>,
}

#[derive(Clone)]
pub struct Receiver {
    inner: Arc<Mutex<Inner>>,
    port: u16,
    _serving: Arc<JoinSet<std::io::Result<()>>>,
}

impl Receiver {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = Arc::new(Mutex::new(Inner::default()));
        let port = listener.local_addr().unwrap().port();
        let app = Router::new().fallback(hear).with_state(Arc::clone(&inner));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, app).await });
        Self { inner, port, _serving: Arc::new(serving) }
    }

    pub fn hosts(&self) -> BTreeSet<InternalHost> {
        [format!("127.0.0.1:{}", self.port).parse().unwrap()].into_iter().collect()
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// The next calls are answered so; those after them with 200.
    pub fn answer(&self, status: u16, retry_after: Option<&'static str>, times: usize) {
        let status = StatusCode::from_u16(status).unwrap();
        self.inner.lock().unwrap().answers.extend(std::iter::repeat_n((status, retry_after), times));
    }

    /// From now on it answers with 200 again.
    pub fn answered(&self) {
        self.inner.lock().unwrap().answers.clear();
    }

    /// What was heard since it was asked for the last time.
    pub fn heard(&self) -> Vec<Call> {
        std::mem::take(&mut self.inner.lock().unwrap().heard)
    }
}

async fn hear(
    State(inner): State<Arc<Mutex<Inner>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let mut inner = inner.lock().unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    inner.heard.push(Call { method, path: uri.path().to_owned(), headers, body });
    let (status, retry_after) = inner.answers.pop_front().unwrap_or((StatusCode::OK, None));
    let retry_after: Vec<(&str, &str)> =
        retry_after.into_iter().map(|value| ("retry-after", value)).collect();
    (status, axum::response::AppendHeaders(retry_after))
}

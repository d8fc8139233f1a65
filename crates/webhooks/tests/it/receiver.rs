//! A receiver on loopback: it writes down what it is sent, and answers as it is told.

use std::{
    collections::VecDeque,
    future::pending,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, Uri},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::watch;

/// How a call is answered.
#[derive(Debug, Clone)]
pub enum Mood {
    /// With this status.
    Says(u16),
    /// With this status, `Retry-After` and body.
    Asks(u16, &'static str, &'static str),
    /// Never.
    Silent,
}

/// What was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Sent {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
    pub fn field(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

#[derive(Default)]
struct Book {
    sent: Vec<Sent>,
    next: VecDeque<Mood>,
    usual: Option<Mood>,
}

#[derive(Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    book: Arc<Mutex<Book>>,
    /// Calls that have come, but for those of the dead.
    answered: Arc<watch::Sender<usize>>,
}

async fn receive(State(receiver): State<Receiver>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path().to_owned();
    let mood = {
        let mut book = receiver.book.lock().unwrap();
        book.sent.push(Sent { path, headers, body });
        book.next.pop_front().or_else(|| book.usual.clone()).unwrap_or(Mood::Says(200))
    };
    let dead = uri.path().starts_with("/dead");
    if !dead {
        receiver.answered.send_modify(|count| *count += 1);
    }
    match mood {
        _ if dead => pending().await,
        Mood::Silent => pending().await,
        Mood::Says(status) => axum::http::StatusCode::from_u16(status).unwrap().into_response(),
        Mood::Asks(status, after, body) => {
            let status = axum::http::StatusCode::from_u16(status).unwrap();
            (status, [("retry-after", after)], body).into_response()
        }
    }
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver =
            Self { address: listener.local_addr().unwrap(), book: Arc::default(), answered: Arc::default() };
        let app = Router::new().fallback(receive).with_state(receiver.clone());
        #[expect(clippy::disallowed_methods, reason = "the receiver of a test ends with the test")]
        tokio::spawn(async move { axum::serve(listener, app).await });
        receiver
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next call is answered so.
    pub fn then(&self, mood: Mood) {
        self.book.lock().unwrap().next.push_back(mood);
    }

    /// Every call is answered so, unless something else was said of it.
    pub fn always(&self, mood: Mood) {
        self.book.lock().unwrap().usual = Some(mood);
    }

    /// Wait until so many calls have come, those that are never answered among them.
    pub async fn until(&self, count: usize) {
        self.answered.subscribe().wait_for(|answered| *answered >= count).await.unwrap();
    }

    /// What was sent since this was asked the last time.
    pub fn taken(&self) -> Vec<Sent> {
        std::mem::take(&mut self.book.lock().unwrap().sent)
    }
}

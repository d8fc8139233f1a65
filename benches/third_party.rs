//! The third party: a process of its own with an authorization endpoint that always agrees, a token endpoint, and an API
//! that answers 1 kB of JSON to whoever holds the token.

use std::{
    io::{BufRead, BufReader},
    net::Ipv4Addr,
    process::{Child, Command, Stdio},
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
    serve::ListenerExt,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// What this token opens is what a call brings back.
pub const ACCESS_TOKEN: &str = "access-token-of-the-third-party";
/// The path of the API.
pub const API_PATH: &str = "/readings";
/// How a benchmark is told to be the third party.
const ARGUMENT: &str = "--third-party";
/// Readings in one answer: 1 kB.
const READINGS: usize = 20;

/// The third party while it runs.
pub struct ThirdParty {
    child: Child,
    pub port: u16,
}

impl ThirdParty {
    /// Start this program again, as the third party.
    pub fn start() -> Self {
        let me = std::env::current_exe().unwrap();
        // It ends when its standard input does, so also when this process is killed.
        let mut child =
            Command::new(me).arg(ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, port: line.trim().parse().unwrap() }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for ThirdParty {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Be the third party, if this process was started to be it. True when that is over.
pub fn played() -> bool {
    let asked = std::env::args().nth(1).is_some_and(|argument| argument == ARGUMENT);
    if asked {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(serve());
    }
    asked
}

#[derive(Clone)]
struct Party {
    issuer: String,
    answer: &'static [u8],
}

async fn serve() {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = serde_json::to_vec(&readings()).unwrap().leak();
    let party = Party { issuer: format!("http://127.0.0.1:{port}"), answer };
    let app = Router::new()
        .route("/authorize", get(authorize))
        .route("/token", post(token))
        .route(API_PATH, get(api))
        .with_state(party);
    println!("{port}");
    std::thread::spawn(|| {
        drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        std::process::exit(0);
    });
    axum::serve(listener.tap_io(|stream| stream.set_nodelay(true).unwrap()), app).await.unwrap();
}

fn readings() -> Value {
    let reading = |minute| json!({ "at": format!("2026-01-04T10:{minute:02}:00Z"), "bpm": 60 + minute });
    json!({ "readings": (0..READINGS).map(reading).collect::<Vec<_>>() })
}

#[derive(Deserialize)]
struct Asked {
    redirect_uri: String,
    state: String,
}

async fn authorize(State(party): State<Party>, Query(asked): Query<Asked>) -> Redirect {
    let answer = [("code", "code"), ("state", &asked.state), ("iss", &party.issuer)];
    Redirect::to(url::Url::parse_with_params(&asked.redirect_uri, answer).unwrap().as_str())
}

async fn token() -> Json<Value> {
    Json(json!({
        "access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 86_400,
        "refresh_token": "refresh-token-of-the-third-party", "scope": "readings",
    }))
}

async fn api(State(party): State<Party>, headers: HeaderMap) -> Response {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if bearer.and_then(|value| value.strip_prefix("Bearer ")) != Some(ACCESS_TOKEN) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    ([(header::CONTENT_TYPE, "application/json")], party.answer).into_response()
}

//! The sample application: a health diary that shows a developer the whole of contract 1 in four small files. It signs a person
//! in at Hilum (authorization code with PKCE), asks what is linked, sends the person to link, and acts through the link.
//!
//! It uses nothing of Hilum but its public endpoints.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use axum::{
    Router,
    http::{HeaderMap, HeaderValue, header},
    middleware,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use kernel::{Secret, World};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

mod act;
mod chart;
mod home;
mod sign_in;

/// The most browsers that are remembered; then the oldest are forgotten.
const VISITS_MAX: usize = 1_000;
/// How long a call to Hilum may take.
const CALL_MAX: Duration = Duration::from_secs(20);
const COOKIE: &str = "diary";

/// How the sample application is set up.
#[derive(Clone)]
pub struct SampleConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Hilum's public URL, without a slash at its end.
    pub hilum: String,
    /// Its `client_id`.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret<String>,
    /// The `client_id` of its SMART part; without one that part is not there.
    pub chart_client_id: Option<String>,
}

/// What the application remembers of one browser.
#[derive(Clone, Default)]
struct Visit {
    /// While the person is away to sign in: `state` and the PKCE verifier.
    away: Option<(String, Secret<String>)>,
    /// Afterwards: the access token.
    token: Option<Secret<String>>,
}

struct Diary {
    config: SampleConfig,
    world: World,
    http: reqwest::Client,
    visits: Mutex<BTreeMap<String, Visit>>,
}

impl Diary {
    fn visits(&self) -> MutexGuard<'_, BTreeMap<String, Visit>> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn visit(&self, headers: &HeaderMap) -> Visit {
        cookie(headers).and_then(|id| self.visits().get(&id).cloned()).unwrap_or_default()
    }

    /// Remember the visit under a new id and set it as the browser's cookie.
    fn remember(&self, visit: Visit) -> HeaderValue {
        let id = crypto::b64::encode(self.world.random::<32>());
        let mut visits = self.visits();
        if visits.len() >= VISITS_MAX {
            visits.pop_first();
        }
        visits.insert(id.clone(), visit);
        HeaderValue::from_str(&format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Lax"))
            .unwrap_or(HeaderValue::from_static(""))
    }

    fn forget(&self, headers: &HeaderMap) {
        if let Some(id) = cookie(headers) {
            self.visits().remove(&id);
        }
    }

    fn redirect_uri(&self) -> String {
        format!("http://{}/signed-in", self.config.listen)
    }
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let line = headers.get(header::COOKIE)?.to_str().ok()?;
    line.split(';').find_map(|pair| Some(pair.trim().strip_prefix(COOKIE)?.strip_prefix('=')?.to_owned()))
}

/// Something did not go as it should; told to the person in one sentence.
struct Trouble(String);

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let page = home::Page { trouble: Some(self.0), ..home::Page::default() };
        page.respond()
    }
}

impl<E: std::error::Error> From<E> for Trouble {
    fn from(error: E) -> Self {
        tracing::warn!(%error, "sample application");
        Self("Hilum could not be reached, or its answer was not understood.".to_owned())
    }
}

async fn dress(response: Response) -> Response {
    let mut response = response;
    // Without `form-action`: browsers hold redirects after a form against it, and sign-in leads to Hilum.
    let policy = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css")], include_str!("../../templates/sandbox/style.css"))
}

fn html(page: Result<String, askama::Error>) -> Response {
    match page {
        Ok(page) => Html(page).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page of the sample application cannot be rendered");
            axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Serve until told to stop.
///
/// # Errors
/// The address is taken.
pub async fn run(config: SampleConfig, world: World, shutdown: CancellationToken) -> anyhow::Result<()> {
    let listener =
        TcpListener::bind(config.listen).await.with_context(|| format!("listening on {}", config.listen))?;
    let http = reqwest::Client::builder()
        .timeout(CALL_MAX)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()?;
    let diary = Arc::new(Diary { config, world, http, visits: Mutex::default() });
    let app = Router::new()
        .route("/", get(home::home))
        .route("/sign-in", post(sign_in::leave))
        .route("/signed-in", get(sign_in::come_back))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/act", post(act::act))
        .route("/unlink", post(act::unlink))
        .route("/chart", get(chart::standalone))
        .route("/chart/launch", get(chart::launch))
        .route("/chart/back", get(chart::come_back))
        .route("/style.css", get(style))
        .layer(middleware::map_response(dress))
        .with_state(diary);
    axum::serve(listener, app).with_graceful_shutdown(shutdown.cancelled_owned()).await.context("serving")
}

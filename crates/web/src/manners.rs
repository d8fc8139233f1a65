//! What goes around the whole application: request id, address, log line, metrics, security headers, compression.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use axum::{
    Router,
    extract::{MatchedPath, Request},
    response::{IntoResponse, Response},
    routing::Route,
};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use kernel::{RequestId, World};
use tower::{Service, layer::layer_fn, service_fn};
use tracing::Instrument;
use url::Url;

use crate::{
    ClientAddr, ClientCertificates, Metrics, Networks, PeerAddr, Problem, SharedRoute,
    certificate::{self, Peer},
    compress, dialect, extract, limits, logging, metrics,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the request's refusals tell of it, in the extensions of every request: its id, its public URL without the
/// query, and the world. The id and the address are extensions of their own too.
#[derive(Debug, Clone)]
pub struct Context(Arc<ContextInner>);

#[derive(Debug)]
struct ContextInner {
    request_id: RequestId,
    /// Where the deployment is, without a slash at the end.
    base: Arc<str>,
    asked: Uri,
    /// Made when somebody asks for it: most requests are answered without.
    url: OnceLock<String>,
    world: World,
}

impl Context {
    /// The id under which the log tells of this request.
    pub fn request_id(&self) -> &RequestId {
        &self.0.request_id
    }

    /// The public URL that was asked for, without its query.
    pub fn url(&self) -> &str {
        self.0.url.get_or_init(|| format!("{}{}", self.0.base, self.0.asked.path()))
    }

    /// Time and chance.
    pub fn world(&self) -> &World {
        &self.0.world
    }
}

/// The manners of one deployment.
#[derive(Clone)]
pub struct Manners {
    /// Time and chance: request ids, and the times in refusals.
    pub world: World,
    /// The base under which clients reach this deployment; with `https`, answers carry HSTS.
    pub public_url: Url,
    /// Proxies that may say in `X-Forwarded-For` whom a request comes from.
    pub trusted_proxies: Networks,
    /// Whether clients are asked for certificates; if so, trusted proxies tell of them in `Client-Cert`.
    pub client_certificates: ClientCertificates,
    /// Where requests are counted.
    pub metrics: Metrics,
    /// Below these paths a request gets the id `<uuid>#<counter>`, which contract 5 names; elsewhere `req_…`.
    pub numbered: &'static [&'static str],
    /// The largest request body where a router sets no other limit, in bytes.
    pub body_bytes_max: usize,
}

/// Manners at work.
struct Around {
    manners: Manners,
    base: Arc<str>,
    numbers: Numbers,
}

/// The ids of the form `<uuid>#<counter>` that this process gives.
#[derive(Default)]
struct Numbers {
    process: OnceLock<[u8; 16]>,
    given: AtomicU64,
}

impl Numbers {
    fn next(&self, world: &World) -> RequestId {
        let process = self.process.get_or_init(|| world.random());
        RequestId::numbered(*process, self.given.fetch_add(1, Ordering::Relaxed).wrapping_add(1))
    }
}

impl Around {
    /// The caller's own id if it is well formed and the only one, else a new one.
    fn request_id(&self, request: &Request) -> RequestId {
        let (world, path) = (&self.manners.world, request.uri().path());
        let is_numbered = self.manners.numbered.iter().any(|prefix| dialect::is_below(path, prefix));
        let fresh = || if is_numbered { self.numbers.next(world) } else { fresh_request_id(world) };
        theirs(request.headers()).unwrap_or_else(fresh)
    }
}

impl Manners {
    /// Put them around the application.
    pub fn around(self, app: Router) -> Router {
        let base = self.public_url.as_str().trim_end_matches('/').into();
        let around = Arc::new(Around { manners: self, base, numbers: Numbers::default() });
        // One layer for all of them, since every layer of a router costs copies for every request.
        app.layer(layer_fn(move |route: Route| {
            let (around, route) = (Arc::clone(&around), SharedRoute::new(route));
            service_fn(move |request: Request| receive(Arc::clone(&around), route.lend(), request))
        }))
    }
}

async fn receive(around: Arc<Around>, route: Route, request: Request) -> Result<Response, Infallible> {
    let request_id = around.request_id(&request);
    let manners = &around.manners;
    let client = extract::client_addr(peer(&request), request.headers(), &manners.trusted_proxies);
    let is_proxy = peer(&request).is_some_and(|PeerAddr(it)| manners.trusted_proxies.contain(it.ip()));
    let (mut parts, body) = request.into_parts();
    let spokesman = if is_proxy { Peer::Proxy } else { Peer::Client };
    certificate::settle(manners.client_certificates, spokesman, &mut parts.headers, &mut parts.extensions);
    let mut line = Line {
        method: metrics::method_word(&parts.method),
        route: parts.extensions.get::<MatchedPath>().cloned(),
        // Until there is an answer. nginx's word for a client that did not wait for it; nobody is ever sent this.
        status: 499,
        started: Instant::now(),
        request_id: request_id.clone(),
        client,
        metrics: manners.metrics.clone(),
    };
    let context = Context(Arc::new(ContextInner {
        request_id: request_id.clone(),
        base: Arc::clone(&around.base),
        asked: parts.uri.clone(),
        url: OnceLock::new(),
        world: manners.world.clone(),
    }));
    let is_too_long = parts.uri.path_and_query().is_some_and(|it| it.as_str().len() > limits::URL_BYTES_MAX);
    parts.extensions.insert(request_id.clone());
    parts.extensions.insert(client);
    parts.extensions.insert(context.clone());
    let encodings = compress::Accepted::of(&parts.headers);
    let mut request = Request::from_parts(parts, body);
    limits::apply(manners.body_bytes_max, &mut request);

    let span = tracing::info_span!("request", %request_id);
    let answered = answer(&context, route, request, is_too_long).instrument(span).await;
    let mut response = compress::compressed(around.secured(answered), encodings).await;
    if let Ok(value) = HeaderValue::from_str(request_id.as_str()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    line.status = response.status().as_u16();
    Ok(response)
}

async fn answer(context: &Context, mut route: Route, request: Request, is_too_long: bool) -> Response {
    let response = if is_too_long {
        Problem::of_status(StatusCode::URI_TOO_LONG).into_response()
    } else {
        let ran = AssertUnwindSafe(route.call(request)).catch_unwind().await;
        ran.map_or_else(|_| dialect::broken(), |Ok(response)| response)
    };
    dialect::word_otherwise(context, response)
}

/// The access log's line of one request, written when its answer begins or its client has gone.
struct Line {
    method: &'static str,
    route: Option<MatchedPath>,
    status: u16,
    started: Instant,
    request_id: RequestId,
    client: ClientAddr,
    metrics: Metrics,
}

impl Drop for Line {
    fn drop(&mut self) {
        let route = self.route.as_ref().map_or("unmatched", MatchedPath::as_str);
        let took = self.started.elapsed();
        self.metrics.observe(self.method, route, self.status, took);
        tracing::info!(
            target: logging::ACCESS,
            method = self.method,
            route,
            status = self.status,
            duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            request_id = %self.request_id,
            client_addr = %self.client.0,
            "request"
        );
    }
}

fn peer(request: &Request) -> Option<PeerAddr> {
    request.extensions().get::<PeerAddr>().copied()
}

fn theirs(headers: &HeaderMap) -> Option<RequestId> {
    let mut values = headers.get_all(REQUEST_ID).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().and_then(RequestId::parse),
        _ => None,
    }
}

#[expect(
    clippy::expect_used,
    reason = "`req_` and 32 hex digits are a well-formed id whatever the digits are"
)]
fn fresh_request_id(world: &World) -> RequestId {
    let number = u128::from_be_bytes(world.random());
    RequestId::parse(&format!("req_{number:032x}")).expect("well formed")
}

impl Around {
    /// ASVS 3.4; what an answer already says of itself stays.
    fn secured(&self, mut response: Response) -> Response {
        const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000");
        let headers = response.headers_mut();
        let defaults = [
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
            ),
        ];
        for (name, value) in defaults {
            headers.entry(name).or_insert(value);
        }
        if self.manners.public_url.scheme() == "https" {
            headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(HSTS);
        }
        response
    }
}

//! What stands before a family of routes: its limits, and who may read its answers. One layer for all of it, since every
//! layer of a router costs copies for every request.

use std::{convert::Infallible, panic::AssertUnwindSafe, sync::Arc};

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
    routing::Route,
};
use futures_util::FutureExt;
use tower::{Service, layer::layer_fn, service_fn};

use crate::{
    AllowedOrigins, Context, Dialect, Key, Metrics, Quota, RateLimiter, SharedRoute,
    cors::Asked,
    dialect,
    rate::{CellKey, Decision, Limit},
};

/// What stands before a family of routes; at first nothing.
#[derive(Default)]
pub struct Guards {
    limits: Vec<Limit>,
    origins: Option<Arc<dyn AllowedOrigins>>,
}

impl Guards {
    /// Nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// The routes together have this quota for each address. Over it, 429 with `Retry-After`; always `RateLimit-*`. Of
    /// several, the last one's numbers are told.
    #[must_use]
    pub fn limited(
        mut self,
        limiter: &RateLimiter,
        metrics: &Metrics,
        counted: (&'static str, Quota),
    ) -> Self {
        self.limits.push(Limit::new(limiter, metrics, counted, Key::Address));
        self
    }

    /// Pages of the allowed origins may read these routes' answers, refusals included. Cookies are never allowed: what a
    /// page may do here it shows by a token. Answers that allow any origin already stay as they are.
    #[must_use]
    pub fn read_from(mut self, origins: Arc<dyn AllowedOrigins>) -> Self {
        self.origins = Some(origins);
        self
    }

    /// Put them before the routes, which speak this dialect.
    pub(crate) fn before<S: Clone + Send + Sync + 'static>(
        self,
        dialect: Dialect,
        routes: Router<S>,
    ) -> Router<S> {
        let guard = Arc::new(Guard { dialect, guards: self });
        routes.layer(layer_fn(move |route: Route| {
            let (guard, route) = (Arc::clone(&guard), SharedRoute::new(route));
            service_fn(move |request: Request| stand(Arc::clone(&guard), route.lend(), request))
        }))
    }
}

struct Guard {
    dialect: Dialect,
    guards: Guards,
}

impl Guard {
    /// Take the request out of every quota; the last one's numbers, or the first refusal.
    async fn count(&self, keys: &[CellKey]) -> Result<Option<Decision>, Response> {
        let mut last = None;
        for (limit, key) in self.guards.limits.iter().zip(keys) {
            last = Some(limit.count(key).await.map_err(IntoResponse::into_response)?);
        }
        Ok(last)
    }

    async fn answer(&self, mut route: Route, request: Request) -> Response {
        let keys: Keys = self.guards.limits.iter().map(|limit| limit.key_of(&request)).collect();
        let told = match self.count(&keys).await {
            Ok(told) => told,
            Err(refused) => return refused,
        };
        let ran = AssertUnwindSafe(route.call(request)).catch_unwind().await;
        let mut response = ran.map_or_else(|_| dialect::broken(), |Ok(response)| response);
        if let (Some(limit), Some(told)) = (self.guards.limits.last(), told) {
            limit.tell(response.headers_mut(), told);
        }
        response
    }
}

type Keys = Vec<CellKey>;

async fn stand(guard: Arc<Guard>, route: Route, request: Request) -> Result<Response, Infallible> {
    let context = request.extensions().get::<Context>().cloned();
    let asked = guard.guards.origins.as_ref().map(|origins| Asked::of(&request, &**origins));
    let mut response = match asked.as_ref().and_then(Asked::preflight) {
        Some(response) => response,
        None => guard.answer(route, request).await,
    };
    if let Some(asked) = asked {
        asked.tell(response.headers_mut());
    }
    Ok(dialect::word(guard.dialect, context.as_ref(), response))
}

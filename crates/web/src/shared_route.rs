//! A route that a layer stands before.

use std::sync::Arc;

use axum::routing::Route;

/// A route that is copied once for each request. A router copies its layers for every request, and a layer that holds the route
/// below it would be copied with all the layers that are below that one, again at each of them.
#[derive(Clone)]
pub struct SharedRoute(Arc<Route>);

impl SharedRoute {
    /// Hold the route.
    pub fn new(route: Route) -> Self {
        Self(Arc::new(route))
    }

    /// The route for one request.
    pub fn lend(&self) -> Route {
        Route::clone(&self.0)
    }
}

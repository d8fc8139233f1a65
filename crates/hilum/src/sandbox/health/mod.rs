//! A Fitbit-style API over made-up data.  dev.fitbit.com, Web API reference

mod access;
mod day;
mod heart;
mod invent;
mod profile;
mod rate;
mod sleep;
mod steps;

use std::sync::Arc;

use axum::{Router, routing::get};

pub(super) use self::rate::RateWindows;
use super::{Endpoint, Sandbox, fault::watched};

pub(super) fn routes(sandbox: &Arc<Sandbox>) -> Router<Arc<Sandbox>> {
    let watch = |at, route| watched(sandbox, at, route);
    Router::new()
        .route("/1/user/{user}/profile.json", watch(Endpoint::Profile, get(profile::profile)))
        .route("/1/user/{user}/activities/heart/date/{from}/{to}", watch(Endpoint::Heart, get(heart::heart)))
        .route("/1/user/{user}/activities/steps/date/{from}/{to}", watch(Endpoint::Steps, get(steps::steps)))
        .route("/1.2/user/{user}/sleep/date/{from}/{to}", watch(Endpoint::Sleep, get(sleep::sleep)))
}

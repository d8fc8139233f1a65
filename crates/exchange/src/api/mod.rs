//! Syncs as staff begin, watch and mend them.  Contract 4, Endpoints

mod door;
mod dry_run;
pub(crate) mod id;
mod letters;
mod page;
mod quarantine;
mod runs;
mod sync;
mod test;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Exchange;

/// The API of contract 4 for syncs, to be spoken as [`web::Dialect::Int`].
pub fn routes(exchange: Exchange) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(test::test))
        .routes(routes!(test::list))
        .routes(routes!(sync::sync))
        .routes(routes!(runs::list))
        .routes(routes!(runs::view))
        .routes(routes!(runs::cancel))
        .routes(routes!(runs::retry))
        .routes(routes!(quarantine::list))
        .routes(routes!(quarantine::view))
        .routes(routes!(quarantine::replay))
        .routes(routes!(quarantine::discard))
        .routes(routes!(letters::dead_letters))
        .routes(routes!(dry_run::try_mapping))
        .routes(routes!(letters::replay))
        .with_state(exchange)
}

//! What goes on between us and integrations is watched: every happening is a line of the integration's log and a number of its metrics.
//! Contract 4, `/{id}/logs` and `/{id}/metrics`; `docs/watching.md`.
//!
//! * [`line`]: what can be said, how it is written without keeping anybody waiting, searched, followed, and let go of by day.
//! * [`metric`]: the numbers of the same happenings.
//! * [`alert`]: rules about them, told as events and by mail.
//!
//! A line is made of an event of this program, ids and numbers; there is no way to put a text from outside into one.

pub mod alert;
mod door;
mod fault;
mod id;
pub mod line;
pub mod metric;
mod port;
mod service;
mod test_status;

use jobs::Worker;
use store::{Migration, MigrationSet};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use line::{Line, Log, What};
pub use port::{About, Integrations, PortFault, Standing, WATCHED_MAX};
pub use service::{Parts, Watch, open_log};
pub use test_status::TestStatus;

/// The tables of rules.
pub const MIGRATIONS: MigrationSet = MigrationSet {
    crate_name: "watch",
    files: &[
        Migration { name: "0001_alert", sql: include_str!("../migrations/0001_alert.sql") },
        Migration { name: "0002_acknowledged", sql: include_str!("../migrations/0002_acknowledged.sql") },
    ],
};

/// The tables of lines and numbers. On SQLite they are in a file of their own, so that letting go of old days never keeps a sign-in
/// waiting.
pub const LOG_MIGRATIONS: MigrationSet = MigrationSet {
    crate_name: "watch_log",
    files: &[Migration { name: "0001_line", sql: include_str!("../migrations/0001_line.sql") }],
};

/// The API under `/api/v1/integrations`, to be spoken as [`web::Dialect::Int`].
pub fn routes(watch: Watch) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(line::list::logs))
        .routes(routes!(metric::view::metrics))
        .routes(routes!(alert::list::list_rules, alert::change::create_rule))
        .routes(routes!(
            alert::list::get_rule,
            alert::change::replace_rule,
            alert::change::change_rule,
            alert::change::delete_rule
        ))
        .routes(routes!(alert::acknowledge::acknowledge))
        .with_state(watch)
}

/// What happens by itself.
#[must_use]
pub fn jobs(watch: &Watch, worker: Worker) -> Worker {
    worker
        .register::<line::Retire>(watch.clone())
        .every(line::RETIRE_EVERY, |_| line::Retire {})
        .register::<alert::Mail>(watch.clone())
        .register::<alert::Evaluate>(watch.clone())
        .every(alert::EVALUATE_EVERY, |_| alert::Evaluate {})
}

//! Calls of endpoints, their schedule, their log, and doing them again.
//!
//! A delivery is a row that is due at some time. Whoever wants to make calls takes an endpoint's *lane* under a lease, reads what is due
//! there, makes the calls, and writes what became of them and when the lane is due next, in one unit that holds only under the same
//! fence. So each endpoint is called by one node at a time, and a node that dies is followed by another when its lease has run out.

mod call;
pub mod health;
mod lane;
pub mod list;
mod places;
mod queries;
pub mod replay;
mod schedule;
mod settle;
pub mod sweep;
pub mod view;
mod work;

use kernel::{EventRow, Id, Organisation, Timestamp};
use store::{Composed, DbError, Writer};

use crate::endpoint::Endpoint;

pub use call::ANSWER_BYTES_MAX;
pub use lane::{BATCH, LEASE, START_FOR};
pub(crate) use places::Places;
pub use places::{ENDPOINT_SLOTS, LANES_MAX, PATIENCE, PROMPT_PLACES, SUSPECT_PLACES};
pub use schedule::{ASKED_FOR_MAX, PAUSES_S, PROBE_MAX, PROBED_AFTER, SUSPECT_AFTER, TRIES_MAX};
pub use settle::{FAILING_FOR_MAX, SETTLED_AT_ONCE};
pub(crate) use work::keep_delivering;
pub use work::{Pace, SUSPECTS_EVERY};

/// On this channel it is told that an endpoint can be called again.
pub(crate) const OPENED: &str = "webhook_opened";

/// An event that an endpoint is to be told.
#[derive(Debug, Clone)]
pub(crate) struct NewDelivery {
    pub endpoint: Id<Endpoint>,
    pub event: Id<EventRow>,
    pub organisation: Id<Organisation>,
    pub name: String,
    pub place: i64,
    pub order_key: Option<String>,
}

/// Deliveries of events that have just got their places.
pub(crate) async fn add(tx: &mut Writer, all: &[NewDelivery], now: Timestamp) -> Result<(), DbError> {
    queries::add(tx, all, now).await?;
    let mut endpoints: Vec<Id<Endpoint>> = all.iter().map(|one| one.endpoint).collect();
    endpoints.sort();
    endpoints.dedup();
    let told: Vec<Composed> = endpoints.into_iter().map(|endpoint| queries::told(endpoint, now)).collect();
    tx.execute_all(&told).await
}

/// From now on the endpoint is called, with nothing held against it.
pub(crate) async fn open(tx: &mut Writer, endpoint: Id<Endpoint>, now: Timestamp) -> Result<(), DbError> {
    queries::open(tx, endpoint, now).await?;
    tx.publish(OPENED, "").await
}

/// From now on the endpoint is not called. What is under way may end.
pub(crate) async fn shut(tx: &mut Writer, endpoint: Id<Endpoint>) -> Result<(), DbError> {
    queries::shut(tx, endpoint).await
}

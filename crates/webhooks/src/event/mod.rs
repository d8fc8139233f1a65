//! What happens: the types of events, what is said of one, and who is told.

pub mod catalogue;
mod follow;
mod queries;
pub mod stream;
mod wanted;

pub use catalogue::{EventType, EventTypeOut, OWN};
pub(crate) use follow::PLACED;
pub(crate) use follow::keep_following;
pub use follow::{FEED_ROWS, FOLLOW_EVERY};
pub(crate) use wanted::{Wanted, is_of_type, is_wanted, patterns_of};

use jobs::feed::Placed;
use serde_json::{Value, json};

/// The type of the event that is told to one endpoint because its owner wants to see whether it arrives. Its subject is the endpoint.
pub const TEST: &str = "webhook.test";

/// What is sent of an event.  Standard Webhooks 1.0, "Payload structure"
pub fn body_of(event: &Placed) -> String {
    let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
    json!({
        "id": event.id,
        "type": event.name,
        "timestamp": event.at,
        "organisation_id": event.organisation,
        "subject": event.subject,
        "data": data,
    })
    .to_string()
}

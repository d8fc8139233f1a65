//! What a subscriber is told: a Bundle of type history whose first entry says how the subscription stands.  Subscriptions R5 Backport
//! 1.1.0 "backport-subscription-notification-r4", "backport-subscription-status-r4"

use kernel::World;
use serde_json::{Value, json};

use super::{sight::Told, wanted::Content};
use crate::{
    interaction::history_head,
    resource::{LogicalId, Version},
};

const PROFILE: &str = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/";

/// Of what kind a notification is.  <http://hl7.org/fhir/ValueSet/subscription-notification-type>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    Handshake,
    Heartbeat,
    Events,
    QueryStatus,
    QueryEvents,
}

impl Notice {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Heartbeat => "heartbeat",
            Self::Events => "event-notification",
            Self::QueryStatus => "query-status",
            Self::QueryEvents => "query-event",
        }
    }
}

/// The subscription that is told of.
pub(super) struct Standing<'s> {
    pub base: &'s str,
    pub id: &'s LogicalId,
    pub topic: Option<&'s str>,
    pub status: &'s str,
    pub events: i64,
    pub error: Option<&'s str>,
}

impl Standing<'_> {
    /// `Parameters` that say how it stands.
    pub fn parameters(&self, notice: Notice, told: &[Told], content: Content) -> Value {
        let mut all = vec![
            json!({"name": "subscription", "valueReference": {"reference": format!("{}/Subscription/{}", self.base, self.id)}}),
        ];
        all.extend(self.topic.map(|topic| json!({"name": "topic", "valueCanonical": topic})));
        all.push(json!({"name": "status", "valueCode": self.status}));
        all.push(json!({"name": "type", "valueCode": notice.as_str()}));
        all.push(json!({"name": "events-since-subscription-start", "valueString": self.events.to_string()}));
        all.extend(told.iter().map(|told| self.event(told, content)));
        all.extend(self.error.map(|error| json!({"name": "error", "valueCodeableConcept": {"text": error}})));
        json!({
            "resourceType": "Parameters",
            "meta": {"profile": [format!("{PROFILE}backport-subscription-status-r4")]},
            "parameter": all,
        })
    }

    fn event(&self, told: &Told, content: Content) -> Value {
        let reference =
            |version: &Version| json!({"reference": format!("{}/{}", self.base, version.reference())});
        let mut parts = vec![
            json!({"name": "event-number", "valueString": told.event.number.to_string()}),
            json!({"name": "timestamp", "valueInstant": told.event.at.to_string()}),
        ];
        if let Some(version) = told.version.as_ref().filter(|_| content != Content::Empty) {
            parts.push(json!({"name": "focus", "valueReference": reference(version)}));
            let context =
                |version| json!({"name": "additional-context", "valueReference": reference(version)});
            parts.extend(told.included.iter().map(context));
        }
        json!({"name": "notification-event", "part": parts})
    }

    /// The Bundle; records go in as they are kept. Whoever wants nothing but numbers is not told the topic either.
    pub fn bundle(&self, world: &World, notice: Notice, told: &[Told], content: Content) -> String {
        let topic = self.topic.filter(|_| content != Content::Empty);
        let standing = Self { topic, ..*self };
        let head = json!({
            "fullUrl": format!("urn:uuid:{}", world.new_id::<kernel::EventRow>()),
            "resource": standing.parameters(notice, told, content),
            "request": {"method": "GET", "url": format!("{}/Subscription/{}/$status", self.base, self.id)},
            "response": {"status": "200"},
        });
        let profile = format!("{PROFILE}backport-subscription-notification-r4");
        let mut out = format!(
            r#"{{"resourceType":"Bundle","id":"{}","meta":{{"profile":["{profile}"]}},"type":"history","timestamp":"{}","entry":[{head}"#,
            LogicalId::of(world.new_id::<kernel::EventRow>()),
            world.now(),
        );
        if content == Content::FullResource {
            for told in told {
                for version in told.version.iter().chain(&told.included) {
                    out.push(',');
                    out.push_str(&entry(self.base, version));
                }
            }
        }
        out.push_str("]}");
        out
    }
}

/// A version as an entry of a history.
fn entry(base: &str, version: &Version) -> String {
    let head = history_head(base, version).to_string();
    match (&version.body, head.strip_suffix('}')) {
        (Some(body), Some(open)) => format!("{open},\"resource\":{}}}", body.as_str()),
        _ => head,
    }
}

//! What can happen, as `event_types` of endpoints name it: every name that a domain publishes under stands here, so that an owner cannot
//! ask for what never comes.

use webhooks::event::EventType;

/// The types of events of all domains.
pub const EVENT_TYPES: &[EventType] = &[
    EventType { name: "connection.linked", description: "a person has linked an account at an integration" },
    EventType {
        name: "connection.needs_reconnect",
        description: "an integration takes a person's tokens no longer: the account has to be linked again",
    },
    EventType { name: "connection.revoked", description: "a person's account was unlinked" },
];

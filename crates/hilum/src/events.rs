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
    EventType { name: "alert.firing", description: "a rule of an organisation begins to hold" },
    EventType { name: "alert.resolved", description: "a rule holds no more" },
    EventType { name: "integration.created", description: "staff have registered an integration" },
    EventType { name: "integration.updated", description: "staff have changed an integration" },
    EventType { name: "integration.activated", description: "an integration was switched on" },
    EventType { name: "integration.deactivated", description: "an integration was switched off" },
    EventType { name: "integration.archived", description: "an integration was put away" },
    EventType {
        name: "integration.restored",
        description: "an integration that was put away was brought back",
    },
    EventType { name: "integration.tested", description: "a connection was tested, and how that went" },
    EventType { name: "sync.begun", description: "a sync of an integration was begun" },
    EventType {
        name: "sync.completed",
        description: "a sync has come to its end, with its reconciliation report",
    },
    EventType { name: "sync.failed", description: "a sync goes no further, with the reason" },
    EventType { name: "sync.cancelled", description: "somebody has ended a sync" },
];

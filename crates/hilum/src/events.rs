//! What can happen, as `event_types` of endpoints name it: every name that a domain publishes under stands here, so that an owner cannot
//! ask for what never comes. What each says is held against what is published by `tests/it/events.rs`.

use webhooks::event::EventType;

/// The types of events of all domains.
pub const EVENT_TYPES: &[EventType] = &[
    EventType {
        name: "connection.linked",
        description: "a person has linked an account at an integration",
        data: include_str!("events/connection_linked.json"),
    },
    EventType {
        name: "connection.needs_reconnect",
        description: "an integration takes a person's tokens no longer: the account has to be linked again",
        data: include_str!("events/connection_needs_reconnect.json"),
    },
    EventType {
        name: "connection.revoked",
        description: "a person's account was unlinked",
        data: include_str!("events/connection_revoked.json"),
    },
    EventType {
        name: "alert.firing",
        description: "a rule of an organisation begins to hold",
        data: include_str!("events/alert.json"),
    },
    EventType {
        name: "alert.acknowledged",
        description: "somebody sees to what a rule fires for",
        data: include_str!("events/alert.json"),
    },
    EventType {
        name: "alert.resolved",
        description: "a rule holds no more",
        data: include_str!("events/alert.json"),
    },
    EventType {
        name: "integration.created",
        description: "staff have registered an integration",
        data: include_str!("events/integration_changed.json"),
    },
    EventType {
        name: "integration.updated",
        description: "staff have changed an integration",
        data: include_str!("events/integration_changed.json"),
    },
    EventType {
        name: "integration.activated",
        description: "an integration was switched on",
        data: include_str!("events/integration_changed.json"),
    },
    EventType {
        name: "integration.deactivated",
        description: "an integration was switched off",
        data: include_str!("events/integration_changed.json"),
    },
    EventType {
        name: "integration.archived",
        description: "an integration was put away",
        data: include_str!("events/integration_changed.json"),
    },
    EventType {
        name: "integration.restored",
        description: "an integration that was put away was brought back",
        data: include_str!("events/integration_changed.json"),
    },
    EventType {
        name: "integration.tested",
        description: "a connection was tested, and how that went",
        data: include_str!("events/integration_tested.json"),
    },
    EventType {
        name: "sync.begun",
        description: "a sync of an integration was begun",
        data: include_str!("events/sync_begun.json"),
    },
    EventType {
        name: "sync.completed",
        description: "a sync has come to its end, with its reconciliation report",
        data: include_str!("events/sync_ended.json"),
    },
    EventType {
        name: "sync.failed",
        description: "a sync goes no further, with the reason",
        data: include_str!("events/sync_ended.json"),
    },
    EventType {
        name: "sync.cancelled",
        description: "somebody has ended a sync",
        data: include_str!("events/sync_ended.json"),
    },
];

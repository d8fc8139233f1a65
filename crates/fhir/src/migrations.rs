//! The tables of this crate.

use store::{Migration, MigrationSet};

/// The tables of this crate: 0001 to 0009 of records, from 0010 of sites and what they may call, from 0200 of what records are
/// searched by (0220 dates, 0221 parameters of packages), from 0300 of packages, from 0310 of messages, from 0401 of exports and imports in bulk, from 0601 of consents,
/// from 0701 of audit events.
pub const MIGRATIONS: MigrationSet = MigrationSet {
    crate_name: "fhir",
    files: &[
        Migration { name: "0001_records", sql: include_str!("../migrations/0001_records.sql") },
        Migration { name: "0010_plan", sql: include_str!("../migrations/0010_plan.sql") },
        Migration { name: "0200_words", sql: include_str!("../migrations/0200_words.sql") },
        Migration { name: "0220_dates", sql: include_str!("../migrations/0220_dates.sql") },
        Migration { name: "0221_parameters", sql: include_str!("../migrations/0221_parameters.sql") },
        Migration { name: "0300_packages", sql: include_str!("../migrations/0300_packages.sql") },
        Migration { name: "0310_message", sql: include_str!("../migrations/0310_message.sql") },
        Migration { name: "0311_message_kept", sql: include_str!("../migrations/0311_message_kept.sql") },
        Migration { name: "0401_bulk", sql: include_str!("../migrations/0401_bulk.sql") },
        Migration {
            name: "0402_deidentification",
            sql: include_str!("../migrations/0402_deidentification.sql"),
        },
        Migration { name: "0403_import", sql: include_str!("../migrations/0403_import.sql") },
        Migration { name: "0420_import_sources", sql: include_str!("../migrations/0420_import_sources.sql") },
        Migration { name: "0501_subscription", sql: include_str!("../migrations/0501_subscription.sql") },
        Migration { name: "0601_consent", sql: include_str!("../migrations/0601_consent.sql") },
        Migration { name: "0611_purpose", sql: include_str!("../migrations/0611_purpose.sql") },
        Migration { name: "0701_audit", sql: include_str!("../migrations/0701_audit.sql") },
        Migration { name: "0702_audit_kept", sql: include_str!("../migrations/0702_audit_kept.sql") },
    ],
};

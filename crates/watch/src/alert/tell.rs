//! An alert is told: as an event, and by mail.

use kernel::{Event, Integration};
use serde_json::json;
use store::{DbError, Writer};

use super::{evaluate::TOGETHER, mail::Mail, queries::Subject, rule::RuleRow};
use crate::{Standing, Watch, id};

/// What is told of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// The rule begins to hold.
    Firing,
    /// It holds still, and nobody has acknowledged that.
    Again,
    /// This somebody sees to it: no mail, those who are mailed wait for its end.
    Acknowledged(String),
    /// The rule holds no more.
    Resolved,
}

/// Tell in this unit what has become of an alert.
pub(super) async fn tell(
    watch: &Watch,
    tx: &mut Writer,
    rule: &RuleRow,
    (subject, about): (&Subject, &[Standing]),
    (told, value): (Told, i64),
) -> Result<(), DbError> {
    let now = watch.world.now();
    let integration =
        (*subject != TOGETHER).then(|| id::write(kernel::Id::<Integration>::from_bytes(*subject)));
    let mut studies: Vec<_> = about.iter().flat_map(|standing| standing.studies.iter().copied()).collect();
    studies.sort_unstable();
    studies.dedup();
    let data = json!({
        "rule_id": rule.id,
        "name": rule.name,
        "kind": rule.kind.as_str(),
        "integration_id": integration,
        "studies": studies,
        "value": value,
        "threshold": rule.threshold,
        "window_s": rule.window_s,
        "repeated": told == Told::Again,
        "acknowledged_by": if let Told::Acknowledged(by) = &told { Some(by) } else { None },
    });
    let name = match &told {
        Told::Firing | Told::Again => "alert.firing",
        Told::Acknowledged(_) => "alert.acknowledged",
        Told::Resolved => "alert.resolved",
    };
    let event = Event { organisation: rule.organisation, name, subject: rule.id.to_string(), data };
    jobs::publish(tx, &watch.world, &event).await?;
    if !rule.email.is_empty() && watch.mailer.is_some() && !matches!(told, Told::Acknowledged(_)) {
        let mail = Mail {
            rule: rule.id,
            subject: id::hex(subject),
            firing: told != Told::Resolved,
            repeated: told == Told::Again,
            value,
            at: now,
        };
        jobs::enqueue_of(tx, &watch.world, rule.organisation, &mail, now).await?;
    }
    Ok(())
}

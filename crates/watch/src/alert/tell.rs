//! An alert is told: as an event, and by mail.

use kernel::{Event, Integration};
use serde_json::json;
use store::{DbError, Writer};

use super::{evaluate::TOGETHER, mail::Mail, queries::Subject, rule::RuleRow};
use crate::{Standing, Watch, id};

/// Tell in this unit that a rule begins or ceases to hold.
pub(super) async fn tell(
    watch: &Watch,
    tx: &mut Writer,
    rule: &RuleRow,
    (subject, about): (&Subject, &[Standing]),
    (firing, value): (bool, i64),
) -> Result<(), DbError> {
    let now = watch.world.now();
    let integration =
        (*subject != TOGETHER).then(|| id::write(kernel::Id::<Integration>::from_bytes(*subject)));
    let mut studies: Vec<_> = about.iter().flat_map(|standing| standing.studies.iter().copied()).collect();
    studies.sort_unstable();
    studies.dedup();
    let event = Event {
        organisation: rule.organisation,
        name: if firing { "alert.firing" } else { "alert.resolved" },
        subject: rule.id.to_string(),
        data: json!({
            "rule_id": rule.id,
            "name": rule.name,
            "kind": rule.kind.as_str(),
            "integration_id": integration,
            "studies": studies,
            "value": value,
            "threshold": rule.threshold,
            "window_s": rule.window_s,
        }),
    };
    jobs::publish(tx, &watch.world, &event).await?;
    if !rule.email.is_empty() && watch.mailer.is_some() {
        let mail = Mail { rule: rule.id, subject: id::hex(subject), firing, value, at: now };
        jobs::enqueue_of(tx, &watch.world, rule.organisation, &mail, now).await?;
    }
    Ok(())
}

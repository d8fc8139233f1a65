//! The SQL of rules and how they stand.

use kernel::{Id, Organisation, Timestamp};
use store::{DbError, FromRow, Json, Reader, Row, Writer, binds};

use super::{
    decide::Stood,
    rule::{AlertRule, RULES_MAX, RuleRow},
};

/// What a rule watches, as its states name it: an integration's id, or sixteen zeros for all together.
pub(super) type Subject = [u8; 16];

/// How a rule stands for one thing.
pub(crate) struct StateRow {
    pub rule: Id<AlertRule>,
    pub subject: Vec<u8>,
    pub firing: bool,
    pub since: Timestamp,
    pub value: i64,
    pub fired_at: Timestamp,
}

impl FromRow for StateRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            rule: row.get("rule_id")?,
            subject: row.get("subject_id")?,
            firing: row.get("firing")?,
            since: row.get("since")?,
            value: row.get("value")?,
            fired_at: row.get("fired_at")?,
        })
    }
}

impl StateRow {
    pub const fn stood(&self) -> Stood {
        Stood { firing: self.firing, fired_at: self.fired_at }
    }
}

pub(super) async fn find(
    reader: &mut Reader,
    organisation: Id<Organisation>,
    id: Id<AlertRule>,
) -> Result<Option<RuleRow>, DbError> {
    let sql = "SELECT id, organisation_id, name, kind, integration_id, threshold, window_s, grouping, cooldown_s, email, \
               enabled, version, created_at, updated_at FROM alert_rule WHERE id = $2 AND organisation_id = $1";
    reader.optional(sql, binds![organisation, id]).await
}

/// Whoever it belongs to: for what runs by itself.
pub(super) async fn by_id(reader: &mut Reader, id: Id<AlertRule>) -> Result<Option<RuleRow>, DbError> {
    let sql = "SELECT id, organisation_id, name, kind, integration_id, threshold, window_s, grouping, cooldown_s, email, \
               enabled, version, created_at, updated_at FROM alert_rule WHERE id = $1";
    reader.optional(sql, binds![id]).await
}

pub(super) async fn all_of(
    reader: &mut Reader,
    organisation: Id<Organisation>,
) -> Result<Vec<RuleRow>, DbError> {
    let sql = "SELECT id, organisation_id, name, kind, integration_id, threshold, window_s, grouping, cooldown_s, email, \
               enabled, version, created_at, updated_at FROM alert_rule WHERE organisation_id = $1 ORDER BY id LIMIT $2";
    reader.all(sql, binds![organisation, RULES_MAX]).await
}

/// Rules that are looked at, behind this one.
pub(super) async fn enabled_behind(
    reader: &mut Reader,
    after: Id<AlertRule>,
    rows_max: i64,
) -> Result<Vec<RuleRow>, DbError> {
    let sql = "SELECT id, organisation_id, name, kind, integration_id, threshold, window_s, grouping, cooldown_s, email, \
               enabled, version, created_at, updated_at FROM alert_rule WHERE id > $1 AND enabled = 1 ORDER BY id LIMIT $2";
    reader.all(sql, binds![after, rows_max]).await
}

pub(super) async fn insert(tx: &mut Writer, row: &RuleRow) -> Result<(), DbError> {
    let sql = "INSERT INTO alert_rule (id, organisation_id, name, kind, integration_id, threshold, window_s, grouping, \
               cooldown_s, email, enabled, version, created_at, updated_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    let values = binds![
        row.id,
        row.organisation,
        row.name,
        row.kind.as_str(),
        row.integration,
        row.threshold,
        row.window_s,
        row.group_by.as_str(),
        row.cooldown_s,
        Json(&row.email),
        row.enabled,
        row.version,
        row.created_at,
        row.updated_at
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// The row as it is now; false if another change came first. What it stood for begins anew.
pub(super) async fn update(tx: &mut Writer, row: &RuleRow) -> Result<bool, DbError> {
    let sql = "UPDATE alert_rule SET name = $2, kind = $3, integration_id = $4, threshold = $5, window_s = $6, \
               grouping = $7, cooldown_s = $8, email = $9, enabled = $10, version = $11, updated_at = $12 \
               WHERE id = $1 AND version = $11 - 1";
    let values = binds![
        row.id,
        row.name,
        row.kind.as_str(),
        row.integration,
        row.threshold,
        row.window_s,
        row.group_by.as_str(),
        row.cooldown_s,
        Json(&row.email),
        row.enabled,
        row.version,
        row.updated_at
    ];
    if tx.execute(sql, values).await? == 0 {
        return Ok(false);
    }
    forget(tx, row.id).await.map(|()| true)
}

async fn forget(tx: &mut Writer, id: Id<AlertRule>) -> Result<(), DbError> {
    tx.execute("DELETE FROM alert_state WHERE rule_id = $1", binds![id]).await.map(|_| ())
}

pub(super) async fn delete(tx: &mut Writer, id: Id<AlertRule>) -> Result<(), DbError> {
    forget(tx, id).await?;
    tx.execute("DELETE FROM alert_rule WHERE id = $1", binds![id]).await.map(|_| ())
}

pub(super) async fn states(reader: &mut Reader, rule: Id<AlertRule>) -> Result<Vec<StateRow>, DbError> {
    let sql = "SELECT rule_id, subject_id, firing, since, value, fired_at FROM alert_state WHERE rule_id = $1 \
               ORDER BY subject_id";
    reader.all(sql, binds![rule]).await
}

/// How the rules of an organisation stand that fire.
pub(super) async fn firing(
    reader: &mut Reader,
    organisation: Id<Organisation>,
) -> Result<Vec<StateRow>, DbError> {
    let sql = "SELECT s.rule_id, s.subject_id, s.firing, s.since, s.value, s.fired_at FROM alert_state AS s \
               JOIN alert_rule AS r ON r.id = s.rule_id WHERE r.organisation_id = $1 AND s.firing = 1 \
               ORDER BY s.rule_id, s.subject_id";
    reader.all(sql, binds![organisation]).await
}

pub(super) async fn put_state(
    tx: &mut Writer,
    (rule, subject): (Id<AlertRule>, &Subject),
    (stood, value): (Stood, i64),
    since: Timestamp,
) -> Result<(), DbError> {
    let sql = "INSERT INTO alert_state (rule_id, subject_id, firing, since, value, fired_at) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (rule_id, subject_id) DO UPDATE SET firing = excluded.firing, since = excluded.since, \
               value = excluded.value, fired_at = excluded.fired_at";
    let values = binds![rule, &subject[..], stood.firing, since, value, stood.fired_at];
    tx.execute(sql, values).await.map(|_| ())
}

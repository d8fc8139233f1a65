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
    pub acknowledged: Option<Acknowledged>,
}

/// That somebody sees to it.
#[derive(Debug, Clone)]
pub(crate) struct Acknowledged {
    pub at: Timestamp,
    pub by: String,
    /// What they say of it.
    pub note: Option<String>,
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
            acknowledged: match row.get::<Option<Timestamp>>("acknowledged_at")? {
                Some(at) => {
                    Some(Acknowledged { at, by: row.get("acknowledged_by")?, note: row.get("note")? })
                }
                None => None,
            },
        })
    }
}

impl StateRow {
    pub const fn stood(&self) -> Stood {
        Stood { firing: self.firing, fired_at: self.fired_at, acknowledged: self.acknowledged.is_some() }
    }
}

pub(super) async fn find(
    reader: &mut Reader,
    organisation: Id<Organisation>,
    id: Id<AlertRule>,
) -> Result<Option<RuleRow>, DbError> {
    let sql = "SELECT id, organisation_id, name, kind, integration_id, threshold, window_s, grouping, cooldown_s, repeat_s, email, \
               enabled, version, created_at, updated_at FROM alert_rule WHERE id = $2 AND organisation_id = $1";
    reader.optional(sql, binds![organisation, id]).await
}

/// Whoever it belongs to: for what runs by itself.
pub(super) async fn by_id(reader: &mut Reader, id: Id<AlertRule>) -> Result<Option<RuleRow>, DbError> {
    let sql = "SELECT id, organisation_id, name, kind, integration_id, threshold, window_s, grouping, cooldown_s, repeat_s, email, \
               enabled, version, created_at, updated_at FROM alert_rule WHERE id = $1";
    reader.optional(sql, binds![id]).await
}

pub(super) async fn all_of(
    reader: &mut Reader,
    organisation: Id<Organisation>,
) -> Result<Vec<RuleRow>, DbError> {
    let sql = "SELECT id, organisation_id, name, kind, integration_id, threshold, window_s, grouping, cooldown_s, repeat_s, email, \
               enabled, version, created_at, updated_at FROM alert_rule WHERE organisation_id = $1 ORDER BY id LIMIT $2";
    reader.all(sql, binds![organisation, RULES_MAX]).await
}

/// Rules that are looked at, behind this one.
pub(super) async fn enabled_behind(
    reader: &mut Reader,
    after: Id<AlertRule>,
    rows_max: i64,
) -> Result<Vec<RuleRow>, DbError> {
    let sql = "SELECT id, organisation_id, name, kind, integration_id, threshold, window_s, grouping, cooldown_s, repeat_s, email, \
               enabled, version, created_at, updated_at FROM alert_rule WHERE id > $1 AND enabled = 1 ORDER BY id LIMIT $2";
    reader.all(sql, binds![after, rows_max]).await
}

pub(super) async fn insert(tx: &mut Writer, row: &RuleRow) -> Result<(), DbError> {
    let sql = "INSERT INTO alert_rule (id, organisation_id, name, kind, integration_id, threshold, window_s, grouping, \
               cooldown_s, repeat_s, email, enabled, version, created_at, updated_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
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
        row.repeat_s,
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
               grouping = $7, cooldown_s = $8, repeat_s = $9, email = $10, enabled = $11, version = $12, updated_at = $13 \
               WHERE id = $1 AND version = $12 - 1";
    let values = binds![
        row.id,
        row.name,
        row.kind.as_str(),
        row.integration,
        row.threshold,
        row.window_s,
        row.group_by.as_str(),
        row.cooldown_s,
        row.repeat_s,
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
    let sql = "SELECT rule_id, subject_id, firing, since, value, fired_at, acknowledged_at, acknowledged_by, note FROM alert_state WHERE rule_id = $1 \
               ORDER BY subject_id";
    reader.all(sql, binds![rule]).await
}

/// How the rules of an organisation stand that fire.
pub(super) async fn firing(
    reader: &mut Reader,
    organisation: Id<Organisation>,
) -> Result<Vec<StateRow>, DbError> {
    let sql = "SELECT s.rule_id, s.subject_id, s.firing, s.since, s.value, s.fired_at, s.acknowledged_at, s.acknowledged_by, s.note FROM alert_state AS s \
               JOIN alert_rule AS r ON r.id = s.rule_id WHERE r.organisation_id = $1 AND s.firing = 1 \
               ORDER BY s.rule_id, s.subject_id";
    reader.all(sql, binds![organisation]).await
}

/// It begins, or it is over: nobody has acknowledged that yet.
pub(super) async fn put_state(
    tx: &mut Writer,
    (rule, subject): (Id<AlertRule>, &Subject),
    (stood, value): (Stood, i64),
    since: Timestamp,
) -> Result<(), DbError> {
    let sql = "INSERT INTO alert_state (rule_id, subject_id, firing, since, value, fired_at) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (rule_id, subject_id) DO UPDATE SET firing = excluded.firing, since = excluded.since, \
               value = excluded.value, fired_at = excluded.fired_at, acknowledged_at = NULL, acknowledged_by = NULL, note = NULL";
    let values = binds![rule, &subject[..], stood.firing, since, value, stood.fired_at];
    tx.execute(sql, values).await.map(|_| ())
}

/// It was told once more that it fires.
pub(super) async fn told_again(
    tx: &mut Writer,
    (rule, subject): (Id<AlertRule>, &Subject),
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "UPDATE alert_state SET fired_at = $3 WHERE rule_id = $1 AND subject_id = $2";
    tx.execute(sql, binds![rule, &subject[..], now]).await.map(|_| ())
}

/// Somebody sees to what fires.
pub(super) async fn acknowledge(
    tx: &mut Writer,
    (rule, subject): (Id<AlertRule>, &[u8]),
    Acknowledged { at, by, note }: &Acknowledged,
) -> Result<(), DbError> {
    let sql = "UPDATE alert_state SET acknowledged_at = $3, acknowledged_by = $4, note = $5 \
               WHERE rule_id = $1 AND subject_id = $2 AND firing = 1";
    tx.execute(sql, binds![rule, subject, at, by, note]).await.map(|_| ())
}

//! SQL of topics, subscriptions and events.

use kernel::Timestamp;
use store::{DbError, FromRow, Json, Reader, Row, Value, Writer, binds};
use vault::Sealed;

use super::State;
use crate::{Standing, resource::LogicalId, tenant::Tenant};

/// A declared topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TopicRow {
    pub name: String,
    pub body: String,
}

impl FromRow for TopicRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { name: row.get("name")?, body: row.get("body")? })
    }
}

/// What is going on with a Subscription.
#[derive(Clone)]
pub(super) struct SubscriptionRow {
    pub id: LogicalId,
    pub version: u32,
    pub generation: i64,
    pub state: State,
    pub channel: String,
    pub owner: Standing,
    pub secrets: Option<Sealed>,
    pub since: Option<i64>,
    pub events: i64,
    pub delivered: i64,
    pub epoch: i64,
    pub failures: u32,
    pub failing_since: Option<Timestamp>,
    pub reason: Option<String>,
    pub heartbeat_s: Option<i64>,
    pub sent_at: Timestamp,
    pub ends_at: Option<Timestamp>,
}

impl FromRow for SubscriptionRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let state: String = row.get("state")?;
        Ok(Self {
            id: row.get("id")?,
            version: row.get("version")?,
            generation: row.get("generation")?,
            // A word that is not known is no reason to tell anybody anything.
            state: state.parse().unwrap_or(State::Off),
            channel: row.get("channel")?,
            owner: row.get::<Json<Standing>>("owner")?.0,
            secrets: row.get("secrets")?,
            since: row.get("since")?,
            events: row.get("events")?,
            delivered: row.get("delivered")?,
            epoch: row.get("epoch")?,
            failures: row.get("failures")?,
            failing_since: row.get("failing_since")?,
            reason: row.get("reason")?,
            heartbeat_s: row.get("heartbeat_s")?,
            sent_at: row.get("sent_at")?,
            ends_at: row.get("ends_at")?,
        })
    }
}

/// An event: its number, the place of its version, and when it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Event {
    pub number: i64,
    pub rid: i64,
    pub at: Timestamp,
}

impl FromRow for Event {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { number: row.get("number")?, rid: row.get("rid")?, at: row.get("at")? })
    }
}

pub(super) async fn topics(reader: &mut Reader, tenant: &Tenant) -> Result<Vec<TopicRow>, DbError> {
    let sql = "SELECT name, body FROM fhir_topic WHERE tenant = $1 ORDER BY name";
    reader.all(sql, binds![tenant.number()]).await
}

pub(super) async fn set_topic(
    tx: &mut Writer,
    tenant: &Tenant,
    (name, url, body): (&str, &str, &str),
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO fhir_topic (tenant, name, url, body, changed_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant, name) DO UPDATE SET url = excluded.url, body = excluded.body, changed_at = excluded.changed_at",
        binds![tenant.number(), name, url, body, now],
    )
    .await
}

pub(super) async fn drop_topic(tx: &mut Writer, tenant: &Tenant, name: &str) -> Result<u64, DbError> {
    let sql = "DELETE FROM fhir_topic WHERE tenant = $1 AND name = $2";
    tx.execute(sql, binds![tenant.number(), name]).await
}

/// Whether another topic of the site has this URL.
pub(super) async fn is_named_so(
    reader: &mut Reader,
    tenant: &Tenant,
    (name, url): (&str, &str),
) -> Result<bool, DbError> {
    let sql = "SELECT name FROM fhir_topic WHERE tenant = $1 AND url = $2 AND name <> $3";
    Ok(reader.optional::<(String,)>(sql, binds![tenant.number(), url, name]).await?.is_some())
}

pub(super) async fn subscription(
    reader: &mut Reader,
    tenant: i64,
    id: &LogicalId,
) -> Result<Option<SubscriptionRow>, DbError> {
    let sql = "SELECT * FROM fhir_subscription WHERE tenant = $1 AND id = $2";
    reader.optional(sql, binds![tenant, id]).await
}

/// All of a site, so many at the most.
pub(super) async fn subscriptions(
    reader: &mut Reader,
    tenant: i64,
    rows: i64,
) -> Result<Vec<SubscriptionRow>, DbError> {
    let sql = "SELECT * FROM fhir_subscription WHERE tenant = $1 ORDER BY id LIMIT $2";
    reader.all(sql, binds![tenant, rows]).await
}

/// The place at which a Subscription of the site was written the last time; 0 if none ever was.
pub(super) async fn newest_written(reader: &mut Reader, tenant: &Tenant, of: u16) -> Result<i64, DbError> {
    let sql = "SELECT COALESCE(MAX(rid), 0) FROM fhir_current WHERE tenant = $1 AND type = $2";
    Ok(reader.one::<(i64,)>(sql, binds![tenant.number(), of]).await?.0)
}

/// The next subscriptions of a site that are told: their record is there, and is the one that was taken up.
pub(super) async fn told(
    reader: &mut Reader,
    tenant: &Tenant,
    of: u16,
    (after, rows): (&Value, i64),
) -> Result<Vec<SubscriptionRow>, DbError> {
    reader
        .all(
            "SELECT s.* FROM fhir_subscription s JOIN fhir_current c
             ON c.tenant = s.tenant AND c.type = $2 AND c.id = s.id AND c.version = s.version AND c.deleted = 0
             WHERE s.tenant = $1 AND s.state IN ('active', 'error') AND s.since IS NOT NULL AND s.id > $3
             ORDER BY s.id LIMIT $4",
            binds![tenant.number(), of, after.clone(), rows],
        )
        .await
}

/// The other subscriptions of a site that are not off, and those of one owner there.
pub(super) async fn others(
    reader: &mut Reader,
    tenant: &Tenant,
    row: &SubscriptionRow,
) -> Result<(i64, i64), DbError> {
    reader
        .one(
            "SELECT COUNT(*), COUNT(CASE WHEN owner = $2 THEN 1 END) FROM fhir_subscription
             WHERE tenant = $1 AND id <> $3 AND state <> 'off'",
            binds![tenant.number(), Json(&row.owner), row.id],
        )
        .await
}

/// What its owner wrote is taken up: a new row, or the same one in a new generation.
pub(super) async fn take_up(
    tx: &mut Writer,
    tenant: &Tenant,
    row: &SubscriptionRow,
) -> Result<(i64, i64), DbError> {
    tx.one(
        "INSERT INTO fhir_subscription (tenant, id, version, generation, state, channel, owner, secrets, since, events, delivered,
            epoch, failures, failing_since, reason, heartbeat_s, sent_at, ends_at)
         VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, 0, 0, 1, 0, NULL, NULL, $9, $10, $11)
         ON CONFLICT (tenant, id) DO UPDATE SET version = excluded.version, generation = fhir_subscription.generation + 1,
            state = excluded.state, channel = excluded.channel, owner = excluded.owner, secrets = excluded.secrets,
            since = excluded.since, delivered = fhir_subscription.events, epoch = fhir_subscription.epoch + 1, failures = 0,
            failing_since = NULL, reason = NULL, heartbeat_s = excluded.heartbeat_s, sent_at = excluded.sent_at,
            ends_at = excluded.ends_at
         RETURNING generation, epoch",
        binds![
            tenant.number(),
            row.id,
            row.version,
            row.state.as_str(),
            row.channel,
            Json(&row.owner),
            row.secrets,
            row.since,
            row.heartbeat_s,
            row.sent_at,
            row.ends_at
        ],
    )
    .await
}

/// What came of an attempt.
pub(super) async fn settle(tx: &mut Writer, tenant: &Tenant, row: &SubscriptionRow) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE fhir_subscription SET version = $3, state = $4, since = $5, delivered = $6, epoch = $7, failures = $8,
            failing_since = $9, reason = $10, sent_at = $11
         WHERE tenant = $1 AND id = $2 AND generation = $12",
        binds![
            tenant.number(),
            row.id,
            row.version,
            row.state.as_str(),
            row.since,
            row.delivered,
            row.epoch,
            row.failures,
            row.failing_since,
            row.reason,
            row.sent_at,
            row.generation
        ],
    )
    .await
}

/// The newest place of a site.
pub(super) async fn newest_place(reader: &mut Reader, tenant: &Tenant) -> Result<i64, DbError> {
    let sql = "SELECT rid FROM fhir_clock WHERE tenant = $1";
    Ok(reader.optional::<(i64,)>(sql, binds![tenant.number()]).await?.map_or(0, |(rid,)| rid))
}

/// A site is followed from this place on, if it is not already.
pub(super) async fn begin_feed(tx: &mut Writer, tenant: &Tenant, from: i64) -> Result<u64, DbError> {
    let sql = "INSERT INTO fhir_feed (tenant, rid) VALUES ($1, $2) ON CONFLICT (tenant) DO NOTHING";
    tx.execute(sql, binds![tenant.number(), from]).await
}

/// The sites with something behind the place that was seen: number, that place, the newest one.
pub(super) async fn behind(reader: &mut Reader) -> Result<Vec<(i64, i64, i64)>, DbError> {
    let sql = "SELECT f.tenant, f.rid, c.rid FROM fhir_feed f JOIN fhir_clock c ON c.tenant = f.tenant \
               WHERE c.rid > f.rid ORDER BY f.tenant";
    reader.all(sql, binds![]).await
}

/// The same of one site.
pub(super) async fn is_behind(reader: &mut Reader, site: i64) -> Result<Option<(i64, i64, i64)>, DbError> {
    let sql = "SELECT f.tenant, f.rid, c.rid FROM fhir_feed f JOIN fhir_clock c ON c.tenant = f.tenant \
               WHERE f.tenant = $1 AND c.rid > f.rid";
    reader.optional(sql, binds![site]).await
}

/// Move the place that was seen on, unless somebody else has.
pub(super) async fn move_on(
    tx: &mut Writer,
    tenant: &Tenant,
    (from, to): (i64, i64),
) -> Result<bool, DbError> {
    let sql = "UPDATE fhir_feed SET rid = $3 WHERE tenant = $1 AND rid = $2";
    Ok(tx.execute(sql, binds![tenant.number(), from, to]).await? == 1)
}

/// Draw so many numbers; the last of them and the epoch, if it is still told as it was when the events were found.
pub(super) async fn draw(
    tx: &mut Writer,
    tenant: &Tenant,
    (id, generation): (&LogicalId, i64),
    events: i64,
) -> Result<Option<(i64, i64)>, DbError> {
    tx.optional(
        "UPDATE fhir_subscription SET events = events + $4
         WHERE tenant = $1 AND id = $2 AND generation = $3 AND state IN ('active', 'error')
         RETURNING events, epoch",
        binds![tenant.number(), id, generation, events],
    )
    .await
}

pub(super) async fn add_event(
    tx: &mut Writer,
    tenant: &Tenant,
    id: &LogicalId,
    event: Event,
) -> Result<u64, DbError> {
    let sql = "INSERT INTO fhir_event (tenant, subscription, number, rid, at) VALUES ($1, $2, $3, $4, $5)";
    tx.execute(sql, binds![tenant.number(), id, event.number, event.rid, event.at]).await
}

/// Events with these numbers, both ends in.
pub(super) async fn events(
    reader: &mut Reader,
    tenant: &Tenant,
    id: &LogicalId,
    (from, to, rows): (i64, i64, i64),
) -> Result<Vec<Event>, DbError> {
    reader
        .all(
            "SELECT number, rid, at FROM fhir_event WHERE tenant = $1 AND subscription = $2 AND number >= $3 AND number <= $4
             ORDER BY number LIMIT $5",
            binds![tenant.number(), id, from, to, rows],
        )
        .await
}

/// A subscription that wants something done: of which site, and what.
pub(super) struct Due {
    pub tenant: i64,
    pub id: LogicalId,
    pub epoch: i64,
}

impl FromRow for Due {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { tenant: row.get("tenant")?, id: row.get("id")?, epoch: row.get("epoch")? })
    }
}

/// Those that have something to tell, or to say that they are alive, or that have come to their end.
pub(super) async fn due(reader: &mut Reader, now: Timestamp, rows: i64) -> Result<Vec<Due>, DbError> {
    reader
        .all(
            "SELECT tenant, id, epoch FROM fhir_subscription WHERE state <> 'off' AND (ends_at <= $1
                OR (channel = 'rest-hook' AND (state = 'requested' OR since IS NULL OR delivered < events
                    OR sent_at + heartbeat_s * 1000000 <= $1)))
             ORDER BY tenant, id LIMIT $2",
            binds![now, rows],
        )
        .await
}

/// Those whose records are gone.
pub(super) async fn orphans(reader: &mut Reader, of: u16, rows: i64) -> Result<Vec<Due>, DbError> {
    reader
        .all(
            "SELECT s.tenant, s.id, s.epoch FROM fhir_subscription s JOIN fhir_current c
             ON c.tenant = s.tenant AND c.type = $1 AND c.id = s.id WHERE c.deleted = 1 ORDER BY s.tenant, s.id LIMIT $2",
            binds![of, rows],
        )
        .await
}

/// Forget a subscription and its events.
pub(super) async fn forget(tx: &mut Writer, due: &Due) -> Result<u64, DbError> {
    let sql = "DELETE FROM fhir_event WHERE tenant = $1 AND subscription = $2";
    tx.execute(sql, binds![due.tenant, due.id]).await?;
    let sql = "DELETE FROM fhir_subscription WHERE tenant = $1 AND id = $2";
    tx.execute(sql, binds![due.tenant, due.id]).await
}

/// Forget events that are older than this.
pub(super) async fn retire(tx: &mut Writer, before: Timestamp) -> Result<u64, DbError> {
    tx.execute("DELETE FROM fhir_event WHERE at < $1", binds![before]).await
}

//! The SQL of deliveries and lanes.

use std::collections::BTreeMap;

use kernel::{EventRow, Id, Timestamp};
use store::{Composed, Db, DbError, FromRow, Reader, Row, Sql, Value, Writer, binds, dialect};
use vault::Sealed;

use super::{NewDelivery, call::Due, lane::Lane, list::DeliveryOut, places::Sort, schedule::PROBED_AFTER};
use crate::endpoint::Endpoint;

/// Rows of one statement: those of few sizes stay prepared.
const SIZES: [usize; 3] = [64, 8, 1];

/// The pieces of a list, of sizes that statements are prepared for.
fn pieces<T>(mut all: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= all.len())?;
        let (piece, rest) = all.split_at_checked(size)?;
        all = rest;
        Some(piece)
    })
}

/// `$1, $2, …`: endpoints that a statement is about.
fn listed(statement: &mut Composed, endpoints: &[Id<Endpoint>]) {
    for (nth, endpoint) in endpoints.iter().enumerate() {
        statement.text(if nth == 0 { "" } else { ", " }).bind(endpoint);
    }
}

fn rows(statement: &mut Composed, rows: impl Iterator<Item = Vec<Value>>) {
    for (nth, values) in rows.enumerate() {
        statement.text(if nth == 0 { "(" } else { ", (" });
        for (nth, value) in values.into_iter().enumerate() {
            if nth > 0 {
                statement.text(", ");
            }
            statement.value(value);
        }
        statement.text(")");
    }
}

pub(super) async fn add(tx: &mut Writer, all: &[NewDelivery], now: Timestamp) -> Result<(), DbError> {
    for piece in pieces(all) {
        let mut insert = Composed::new(
            "INSERT INTO webhook_delivery (endpoint_id, event_id, organisation_id, event_name, place, order_key, state, \
             due_at, tries, attempts, created_at) VALUES ",
        );
        let values = |one: &NewDelivery| {
            binds![
                one.endpoint,
                one.event,
                one.organisation,
                one.name,
                one.place,
                one.order_key,
                "pending",
                now,
                0_i64,
                0_i64,
                now
            ]
        };
        rows(&mut insert, piece.iter().map(values));
        tx.execute_composed(&insert).await?;
    }
    Ok(())
}

/// Something may be due sooner than whoever holds the lane knows.
pub(super) fn told(endpoint: Id<Endpoint>, now: Timestamp) -> Composed {
    let mut update = Composed::new(
        "UPDATE webhook_lane SET told = told + 1, due_at = CASE WHEN is_open = 0 THEN NULL \
         WHEN lease_until IS NOT NULL THEN due_at WHEN failures >= ",
    );
    update.bind(&PROBED_AFTER).text(" AND due_at IS NOT NULL THEN due_at WHEN due_at IS NULL OR due_at > ");
    update.bind(&now).text(" THEN CAST(").bind(&now).text(" AS BIGINT) ELSE due_at END WHERE endpoint_id = ");
    update.bind(&endpoint);
    update
}

pub(super) async fn open(tx: &mut Writer, endpoint: Id<Endpoint>, now: Timestamp) -> Result<(), DbError> {
    let sql = "UPDATE webhook_lane SET is_open = 1, told = told + 1, failures = 0, failing_since = NULL, is_suspect = 0, \
               due_at = CASE WHEN lease_until IS NOT NULL THEN due_at ELSE $2 END WHERE endpoint_id = $1";
    tx.execute(sql, binds![endpoint, now]).await.map(|_| ())
}

pub(super) async fn shut(tx: &mut Writer, endpoint: Id<Endpoint>) -> Result<(), DbError> {
    let sql = "UPDATE webhook_lane SET is_open = 0, told = told + 1, \
               due_at = CASE WHEN lease_until IS NOT NULL THEN due_at ELSE NULL END WHERE endpoint_id = $1";
    tx.execute(sql, binds![endpoint]).await.map(|_| ())
}

pub(super) async fn is_due(reader: &mut Reader, sort: Sort, now: Timestamp) -> Result<bool, DbError> {
    // By its place in the index: PostgreSQL would rather read what it takes for a short table, with all that was left of its rows.
    let sql = "SELECT fence FROM webhook_lane WHERE is_suspect = $1 AND due_at IS NOT NULL AND due_at <= $2 \
               ORDER BY due_at LIMIT 1";
    let found = reader.optional::<(i64,)>(sql, binds![sort == Sort::Suspect, now]).await?;
    Ok(found.is_some())
}

macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "WITH due AS MATERIALIZED (SELECT endpoint_id FROM webhook_lane WHERE is_suspect = $1 ",
            "AND due_at IS NOT NULL AND due_at <= $2 ORDER BY due_at LIMIT $3",
            $lock,
            ") UPDATE webhook_lane SET lease_until = $4, due_at = $4, fence = fence + 1 ",
            "WHERE endpoint_id IN (SELECT endpoint_id FROM due) RETURNING endpoint_id, fence, told"
        )
    };
}

/// Take lanes that are due, or that a node has left behind.
pub(super) async fn claim(
    db: &Db,
    sort: Sort,
    (now, until): (Timestamp, Timestamp),
    room: usize,
) -> Result<Vec<Lane>, DbError> {
    const CLAIM: Sql = dialect! { sqlite: claim!(""), postgres: claim!(" FOR UPDATE SKIP LOCKED") };
    let room = i64::try_from(room).unwrap_or(1);
    let values = binds![sort == Sort::Suspect, now, room, until];
    let rows = db.execute_returning::<(Id<Endpoint>, i64, i64)>(CLAIM, values).await?;
    Ok(rows.into_iter().map(|(endpoint, fence, told)| Lane { endpoint, fence, told, sort }).collect())
}

/// What is due on a lane: the oldest first, and none that waits for another.
pub(super) async fn due(
    reader: &mut Reader,
    endpoint: Id<Endpoint>,
    now: Timestamp,
    rows_max: i64,
) -> Result<Vec<Due>, DbError> {
    let sql = "SELECT e.id AS id, e.organisation_id AS organisation_id, e.name AS name, e.subject AS subject, \
               e.data AS data, e.at AS at, d.place AS place, d.tries AS tries, d.attempts AS attempts \
               FROM webhook_delivery AS d JOIN event AS e ON e.id = d.event_id \
               WHERE d.endpoint_id = $1 AND d.state = 'pending' AND d.due_at <= $2 \
               AND (d.order_key IS NULL OR NOT EXISTS (SELECT 1 FROM webhook_delivery AS b \
               WHERE b.endpoint_id = d.endpoint_id AND b.order_key = d.order_key AND b.place < d.place \
               AND b.state = 'pending')) \
               ORDER BY d.due_at, d.place LIMIT $3";
    reader.all(sql, binds![endpoint, now, rows_max]).await
}

impl FromRow for Due {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            event: jobs::feed::Placed::from_row(row)?,
            tries: row.get("tries")?,
            attempts: row.get("attempts")?,
        })
    }
}

/// When something is due on each of these lanes, as far as it waits for nothing else.
pub(super) async fn next_due(
    reader: &mut Reader,
    endpoints: &[Id<Endpoint>],
) -> Result<BTreeMap<Id<Endpoint>, Timestamp>, DbError> {
    let mut next = BTreeMap::new();
    for piece in pieces(endpoints) {
        let mut select = Composed::new(
            "SELECT l.endpoint_id, (SELECT d.due_at FROM webhook_delivery AS d \
             WHERE d.endpoint_id = l.endpoint_id AND d.state = 'pending' \
             AND (d.order_key IS NULL OR NOT EXISTS (SELECT 1 FROM webhook_delivery AS b \
             WHERE b.endpoint_id = d.endpoint_id AND b.order_key = d.order_key AND b.place < d.place \
             AND b.state = 'pending')) \
             ORDER BY d.due_at LIMIT 1) FROM webhook_lane AS l WHERE l.endpoint_id IN (",
        );
        listed(&mut select, piece);
        let found = reader.all_composed::<(Id<Endpoint>, Option<Timestamp>)>(select.text(")")).await?;
        next.extend(found.into_iter().filter_map(|(endpoint, at)| Some((endpoint, at?))));
    }
    Ok(next)
}

/// How an endpoint stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct LaneRow {
    pub failures: u32,
    pub failing_since: Option<Timestamp>,
    pub is_suspect: bool,
}

impl FromRow for LaneRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            failures: row.get("failures")?,
            failing_since: row.get("failing_since")?,
            is_suspect: row.get("is_suspect")?,
        })
    }
}

/// How the endpoints of these lanes stand, of those that are still held under their fences.
pub(super) async fn held(
    reader: &mut Reader,
    lanes: &[Lane],
) -> Result<BTreeMap<Id<Endpoint>, LaneRow>, DbError> {
    let fences: BTreeMap<Id<Endpoint>, i64> = lanes.iter().map(|lane| (lane.endpoint, lane.fence)).collect();
    let endpoints: Vec<Id<Endpoint>> = fences.keys().copied().collect();
    let mut held = BTreeMap::new();
    for piece in pieces(&endpoints) {
        let mut select = Composed::new(
            "SELECT endpoint_id, fence, failures, failing_since, is_suspect FROM webhook_lane WHERE endpoint_id IN (",
        );
        listed(&mut select, piece);
        for HeldRow { endpoint, fence, lane } in reader.all_composed(select.text(")")).await? {
            if fences.get(&endpoint) == Some(&fence) {
                held.insert(endpoint, lane);
            }
        }
    }
    Ok(held)
}

struct HeldRow {
    endpoint: Id<Endpoint>,
    fence: i64,
    lane: LaneRow,
}

impl FromRow for HeldRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            endpoint: row.get("endpoint_id")?,
            fence: row.get("fence")?,
            lane: LaneRow::from_row(row)?,
        })
    }
}

/// The lane is free again. What was told meanwhile makes it due at `soon`.
pub(super) fn give_back(
    lane: Lane,
    row: &LaneRow,
    (due_at, soon): (Option<Timestamp>, Timestamp),
) -> Composed {
    let mut update = Composed::new("UPDATE webhook_lane SET lease_until = NULL, failures = ");
    update.bind(&row.failures).text(", failing_since = ").bind(&row.failing_since);
    update.text(", is_suspect = ").bind(&row.is_suspect);
    update.text(", due_at = CASE WHEN is_open = 0 THEN NULL WHEN told <> ").bind(&lane.told);
    update.text(" THEN CAST(").bind(&soon).text(" AS BIGINT) ELSE CAST(").bind(&due_at);
    update.text(" AS BIGINT) END WHERE endpoint_id = ").bind(&lane.endpoint);
    update.text(" AND fence = ").bind(&lane.fence);
    update
}

/// A lane whose endpoint is not called.
pub(super) const GIVE_BACK: &str = "UPDATE webhook_lane SET lease_until = NULL, due_at = NULL, is_open = 0 \
                                    WHERE endpoint_id = $1 AND fence = $2 AND told = $3";

pub(super) fn given_back(lane: Lane) -> Vec<Value> {
    binds![lane.endpoint, lane.fence, lane.told]
}

/// One line of the log.
pub(super) struct Attempt {
    pub endpoint: Id<Endpoint>,
    pub event: Id<EventRow>,
    pub number: u32,
    pub at: Timestamp,
    pub duration_ms: i64,
    pub status: Option<u16>,
    pub error: Option<String>,
    pub answer: Option<Sealed>,
}

pub(super) async fn log(tx: &mut Writer, all: &[&Attempt]) -> Result<(), DbError> {
    for piece in pieces(all) {
        let mut insert = Composed::new(
            "INSERT INTO webhook_attempt (endpoint_id, event_id, number, at, duration_ms, status, error, answer) VALUES ",
        );
        let values = |one: &&Attempt| {
            binds![
                one.endpoint,
                one.event,
                one.number,
                one.at,
                one.duration_ms,
                one.status,
                one.error,
                one.answer
            ]
        };
        rows(&mut insert, piece.iter().map(values));
        tx.execute_composed(&insert).await?;
    }
    Ok(())
}

/// A delivery that was taken. By its whole key: of a list of events PostgreSQL would choose, by what it believes of the table, between the
/// key and whatever the endpoint has, which is tens of thousands of rows of one that is told much.
pub(super) fn taken(endpoint: Id<Endpoint>, event: Id<EventRow>, now: Timestamp) -> Composed {
    let mut update = Composed::new(
        "UPDATE webhook_delivery SET state = 'delivered', tries = tries + 1, attempts = attempts + 1, finished_at = ",
    );
    update.bind(&now).text(" WHERE finished_at IS NULL AND endpoint_id = ").bind(&endpoint);
    update.text(" AND event_id = ").bind(&event);
    update
}

/// A delivery that was not taken: when it is tried again, or never.
pub(super) struct Retried {
    pub event: Id<EventRow>,
    pub tries: u32,
    pub due_at: Option<Timestamp>,
    /// Whether it is one of our own.
    pub is_notice: bool,
}

pub(super) fn retried(endpoint: Id<Endpoint>, one: &Retried, now: Timestamp) -> Composed {
    let (state, finished_at) = match one.due_at {
        Some(_) => ("pending", None),
        None => ("failed", Some(now)),
    };
    let mut update = Composed::new("UPDATE webhook_delivery SET attempts = attempts + 1, tries = ");
    update.bind(&one.tries).text(", state = ").bind(state).text(", due_at = COALESCE(").bind(&one.due_at);
    update.text(", due_at), finished_at = ").bind(&finished_at);
    update.text(" WHERE finished_at IS NULL AND endpoint_id = ").bind(&endpoint);
    update.text(" AND event_id = ").bind(&one.event);
    update
}

/// Which deliveries: a state and a type of events, each empty for all.
pub(super) type Filter = (String, String);

pub(super) async fn count(
    reader: &mut Reader,
    endpoint: Id<Endpoint>,
    (state, name): &Filter,
) -> Result<i64, DbError> {
    let sql = "SELECT COUNT(*) FROM webhook_delivery WHERE endpoint_id = $1 AND ($2 = '' OR state = $2) \
               AND ($3 = '' OR event_name = $3)";
    let (count,) = reader.one::<(i64,)>(sql, binds![endpoint, state, name]).await?;
    Ok(count)
}

pub(super) async fn page(
    reader: &mut Reader,
    endpoint: Id<Endpoint>,
    (state, name): &Filter,
    (limit, offset): (i64, i64),
) -> Result<Vec<DeliveryOut>, DbError> {
    let sql = "SELECT event_id, event_name, state, due_at, attempts, created_at, finished_at FROM webhook_delivery \
               WHERE endpoint_id = $1 AND ($2 = '' OR state = $2) AND ($3 = '' OR event_name = $3) \
               ORDER BY place DESC LIMIT $4 OFFSET $5";
    reader.all(sql, binds![endpoint, state, name, limit, offset]).await
}

pub(super) async fn delivery(
    reader: &mut Reader,
    endpoint: Id<Endpoint>,
    event: Id<EventRow>,
) -> Result<Option<DeliveryOut>, DbError> {
    let sql = "SELECT event_id, event_name, state, due_at, attempts, created_at, finished_at FROM webhook_delivery \
               WHERE endpoint_id = $1 AND event_id = $2";
    reader.optional(sql, binds![endpoint, event]).await
}

pub(super) async fn event(
    reader: &mut Reader,
    event: Id<EventRow>,
) -> Result<Option<jobs::feed::Placed>, DbError> {
    let sql = "SELECT id, organisation_id, name, subject, data, at, place FROM event \
               WHERE id = $1 AND place IS NOT NULL";
    reader.optional(sql, binds![event]).await
}

pub(super) async fn attempts(
    reader: &mut Reader,
    (endpoint, event): (Id<Endpoint>, Id<EventRow>),
    rows_max: i64,
) -> Result<Vec<Attempt>, DbError> {
    let sql = "SELECT endpoint_id, event_id, number, at, duration_ms, status, error, answer FROM webhook_attempt \
               WHERE endpoint_id = $1 AND event_id = $2 ORDER BY number DESC LIMIT $3";
    reader.all(sql, binds![endpoint, event, rows_max]).await
}

impl FromRow for Attempt {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            endpoint: row.get("endpoint_id")?,
            event: row.get("event_id")?,
            number: row.get("number")?,
            at: row.get("at")?,
            duration_ms: row.get("duration_ms")?,
            status: row.get("status")?,
            error: row.get("error")?,
            answer: row.get("answer")?,
        })
    }
}

/// A call as a glance at an endpoint sees it.
#[derive(Debug, Clone)]
pub(super) struct Glance {
    pub at: Timestamp,
    pub duration_ms: i64,
    pub status: Option<u16>,
    pub error: Option<String>,
}

impl FromRow for Glance {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            at: row.get("at")?,
            duration_ms: row.get("duration_ms")?,
            status: row.get("status")?,
            error: row.get("error")?,
        })
    }
}

/// The newest calls of an endpoint.
pub(super) async fn glances(
    reader: &mut Reader,
    endpoint: Id<Endpoint>,
    (since, rows_max): (Timestamp, i64),
) -> Result<Vec<Glance>, DbError> {
    let sql = "SELECT at, duration_ms, status, error FROM webhook_attempt WHERE endpoint_id = $1 AND at >= $2 \
               ORDER BY at DESC LIMIT $3";
    reader.all(sql, binds![endpoint, since, rows_max]).await
}

/// Calls in a row that have failed, and since when.
pub(super) async fn standing(
    reader: &mut Reader,
    endpoint: Id<Endpoint>,
) -> Result<(u32, Option<Timestamp>), DbError> {
    let sql = "SELECT failures, failing_since FROM webhook_lane WHERE endpoint_id = $1";
    Ok(reader.optional(sql, binds![endpoint]).await?.unwrap_or_default())
}

/// Make deliveries again: those of this state (all where it is empty) that are to be told since one time and before another.
pub(super) async fn replay(
    tx: &mut Writer,
    endpoint: Id<Endpoint>,
    (since, until, state): (Timestamp, Timestamp, &'static str),
    (now, rows_max): (Timestamp, i64),
) -> Result<u64, DbError> {
    let sql = "UPDATE webhook_delivery SET state = 'pending', tries = 0, due_at = $6, finished_at = NULL \
               WHERE endpoint_id = $1 AND event_id IN (SELECT event_id FROM webhook_delivery \
               WHERE endpoint_id = $1 AND state <> 'pending' AND ($4 = '' OR state = $4) \
               AND created_at >= $2 AND created_at <= $3 ORDER BY place LIMIT $5)";
    tx.execute(sql, binds![endpoint, since, until, state, rows_max, now]).await
}

/// Make one delivery again; false if there is none.
pub(super) async fn replay_one(
    tx: &mut Writer,
    (endpoint, event): (Id<Endpoint>, Id<EventRow>),
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "UPDATE webhook_delivery SET state = 'pending', tries = 0, due_at = $3, finished_at = NULL \
               WHERE endpoint_id = $1 AND event_id = $2";
    Ok(tx.execute(sql, binds![endpoint, event, now]).await? == 1)
}

/// Delete deliveries and lines of the log from before then, and those whose endpoints are gone; how many went.
pub(super) async fn sweep(
    tx: &mut Writer,
    (before, asked_before): (Timestamp, Timestamp),
    rows_max: i64,
) -> Result<u64, DbError> {
    let mut gone = 0;
    let sql = "DELETE FROM webhook_attempt WHERE (endpoint_id, event_id, number) IN \
               (SELECT endpoint_id, event_id, number FROM webhook_attempt WHERE at < $1 ORDER BY at LIMIT $2)";
    gone += tx.execute(sql, binds![before, rows_max]).await?;
    let sql = "DELETE FROM webhook_delivery WHERE (endpoint_id, event_id) IN \
               (SELECT endpoint_id, event_id FROM webhook_delivery WHERE created_at < $1 ORDER BY created_at LIMIT $2)";
    gone += tx.execute(sql, binds![before, rows_max]).await?;
    let sql = "DELETE FROM webhook_delivery WHERE (endpoint_id, event_id) IN \
               (SELECT d.endpoint_id, d.event_id FROM webhook_delivery AS d \
               WHERE d.state = 'pending' AND NOT EXISTS \
               (SELECT 1 FROM webhook_endpoint AS e WHERE e.id = d.endpoint_id) LIMIT $1)";
    gone += tx.execute(sql, binds![rows_max]).await?;
    let sql = "DELETE FROM webhook_request WHERE (organisation_id, key_digest) IN \
               (SELECT organisation_id, key_digest FROM webhook_request WHERE at < $1 ORDER BY at LIMIT $2)";
    gone += tx.execute(sql, binds![asked_before, rows_max]).await?;
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_written_in_pieces_of_few_sizes() {
        let all: Vec<u8> = vec![0; 64 * 2 + 8 + 2];
        let sizes: Vec<usize> = pieces(&all).map(<[u8]>::len).collect();
        assert_eq!(sizes, [64, 64, 8, 1, 1]);
        assert_eq!(pieces::<u8>(&[]).count(), 0);
    }
}

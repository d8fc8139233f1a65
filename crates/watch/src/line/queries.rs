//! The SQL of lines, but for searches.

use std::collections::BTreeMap;

use kernel::{Id, Integration};
use store::{Composed, DbError, FromRow, Json, Reader, Row, ToValue, Value, Writer, binds};

use super::{Numbers, Phrase, phrase_id, write::Placed};

/// Rows of one insert, the most first.
const ROWS_AT_ONCE: [usize; 3] = [64, 8, 1];
/// Texts that are read: far more than a program has.
pub(super) const PHRASES_MAX: i64 = 10_000;

/// A line as its row holds it.
pub(super) struct Written {
    pub at: i64,
    pub phrase: i64,
    pub subject_kind: Option<String>,
    pub subject_id: Option<Vec<u8>>,
    pub numbers: Numbers,
}

impl FromRow for Written {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            at: row.get("at")?,
            phrase: row.get("phrase")?,
            subject_kind: row.get("subject_kind")?,
            subject_id: row.get("subject_id")?,
            numbers: row.get::<Json<Numbers>>("details")?.0,
        })
    }
}

impl FromRow for Phrase {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            event: row.get("event")?,
            level: row.get("level")?,
            message: row.get("message")?,
            reason: row.get("reason")?,
        })
    }
}

pub(super) async fn learn(tx: &mut Writer, phrase: &Phrase) -> Result<(), DbError> {
    let sql = "INSERT INTO log_phrase (id, event, level, message, reason) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (id) DO NOTHING";
    let values = binds![
        phrase.id,
        phrase.event.as_str(),
        phrase.level.as_str(),
        phrase.message.as_str(),
        phrase.reason.as_deref()
    ];
    tx.execute(sql, values).await.map(|_| ())
}

pub(super) async fn phrases(reader: &mut Reader) -> Result<BTreeMap<i64, Phrase>, DbError> {
    let sql = "SELECT id, event, level, message, reason FROM log_phrase ORDER BY id LIMIT $1";
    let all: Vec<Phrase> = reader.all(sql, binds![PHRASES_MAX]).await?;
    Ok(all.into_iter().map(|phrase| (phrase.id, phrase)).collect())
}

/// The time of the newest line.
pub(super) async fn last(reader: &mut Reader, of: Id<Integration>) -> Result<Option<i64>, DbError> {
    let sql = "SELECT last_at FROM integration_log WHERE integration_id = $1";
    Ok(reader.optional::<(i64,)>(sql, binds![of]).await?.map(|(last,)| last))
}

pub(super) async fn moved(tx: &mut Writer, of: Id<Integration>, last: i64) -> Result<(), DbError> {
    let sql = "INSERT INTO integration_log (integration_id, last_at) VALUES ($1, $2) \
               ON CONFLICT (integration_id) DO UPDATE SET last_at = excluded.last_at";
    tx.execute(sql, binds![of, last]).await.map(|_| ())
}

pub(super) async fn insert(tx: &mut Writer, mut lines: &[Placed]) -> Result<(), DbError> {
    let mut statements = Vec::new();
    for rows in ROWS_AT_ONCE {
        while let Some((few, rest)) = lines.split_at_checked(rows) {
            let mut statement = Composed::new(
                "INSERT INTO integration_line (integration_id, at, phrase, subject_kind, subject_id, details) VALUES ",
            );
            for (nth, line) in few.iter().enumerate() {
                statement.text(if nth == 0 { "(" } else { ", (" });
                row(&mut statement, line);
                statement.text(")");
            }
            statements.push(statement);
            lines = rest;
        }
    }
    tx.execute_all(&statements).await
}

fn row(statement: &mut Composed, Placed { at, line }: &Placed) {
    let subject: (Value, Value) = match &line.about {
        Some(about) => (about.kind.to_value(), about.id.as_slice().to_value()),
        None => (Value::Null, Value::Null),
    };
    statement.bind(&line.integration).text(", ").bind(at).text(", ").bind(&phrase_id(line)).text(", ");
    statement.value(subject.0).text(", ").value(subject.1).text(", ").bind(&Json(&line.numbers));
}

pub(super) async fn count(
    tx: &mut Writer,
    of: Id<Integration>,
    counts: &BTreeMap<(i64, i64), i64>,
) -> Result<(), DbError> {
    let sql = "INSERT INTO integration_line_count (integration_id, day, phrase, lines) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (integration_id, day, phrase) \
               DO UPDATE SET lines = integration_line_count.lines + excluded.lines";
    for ((day, phrase), lines) in counts {
        tx.execute(sql, binds![of, *day, *phrase, *lines]).await?;
    }
    Ok(())
}

/// Lines behind a place, in order.
pub(super) async fn behind(
    reader: &mut Reader,
    of: Id<Integration>,
    (after, rows_max): (i64, i64),
) -> Result<Vec<Written>, DbError> {
    let sql = "SELECT at, phrase, subject_kind, subject_id, details FROM integration_line \
               WHERE integration_id = $1 AND at > $2 ORDER BY at LIMIT $3";
    reader.all(sql, binds![of, after, rows_max]).await
}

/// How many lines of which days and texts there are, of days within these.
pub(super) async fn counts(
    reader: &mut Reader,
    of: Id<Integration>,
    (first, end): (i64, i64),
) -> Result<Vec<(i64, i64)>, DbError> {
    let sql = "SELECT phrase, CAST(SUM(lines) AS BIGINT) FROM integration_line_count \
               WHERE integration_id = $1 AND day >= $2 AND day < $3 GROUP BY phrase";
    reader.all(sql, binds![of, first, end]).await
}

/// Integrations and days before this one that have lines.
pub(super) async fn days_before(
    reader: &mut Reader,
    day: i64,
    rows_max: i64,
) -> Result<Vec<(Id<Integration>, i64)>, DbError> {
    let sql = "SELECT DISTINCT integration_id, day FROM integration_line_count WHERE day < $1 ORDER BY day LIMIT $2";
    reader.all(sql, binds![day, rows_max]).await
}

/// Let go of some lines of a span, the oldest first; how many.
pub(super) async fn let_go(
    tx: &mut Writer,
    of: Id<Integration>,
    (first, end): (i64, i64),
    rows_max: i64,
) -> Result<u64, DbError> {
    let sql = "DELETE FROM integration_line WHERE integration_id = $1 AND at >= $2 AND at IN \
               (SELECT at FROM integration_line WHERE integration_id = $1 AND at >= $2 AND at < $3 ORDER BY at LIMIT $4)";
    tx.execute(sql, binds![of, first, end, rows_max]).await
}

pub(super) async fn forget_day(tx: &mut Writer, of: Id<Integration>, day: i64) -> Result<(), DbError> {
    let sql = "DELETE FROM integration_line_count WHERE integration_id = $1 AND day = $2";
    tx.execute(sql, binds![of, day]).await.map(|_| ())
}

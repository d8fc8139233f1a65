//! What is known of the records of a page, asked and written many at a time: a page costs statements by the dozen rather than by the record.

use std::collections::HashMap;

use kernel::{Digest, Id, Integration, Timestamp};
use store::{Composed, DbError, Reader, Sql, ToValue as _, Writer};

use super::SyncRun;
use crate::connector::Name;

/// Rows of one statement: those that write stay prepared, so they have few sizes.
pub(crate) const SIZES: [usize; 6] = [512, 64, 8, 4, 2, 1];
/// Names that are asked for at once.
const ASKED_AT_ONCE: usize = 500;

/// To a row by what stands before: a list in a table is one that PostgreSQL has no statistics of, and would rather read a whole integration than
/// look up each.
const LEADS_TO: Sql = Sql::each(" CROSS JOIN ", " CROSS JOIN LATERAL (SELECT * FROM ");

/// What is known of a record: its content's digest, and its state.
pub(super) type Known = (Digest, String);

/// The pieces of a list, of sizes that statements are prepared for.
pub(crate) fn pieces<T>(mut all: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= all.len())?;
        let (piece, rest) = all.split_at_checked(size)?;
        all = rest;
        Some(piece)
    })
}

/// Names by their types, since a statement asks for ids of one.
fn by_type<'a>(names: impl Iterator<Item = &'a Name>) -> HashMap<&'a str, Vec<&'a str>> {
    let mut all: HashMap<&str, Vec<&str>> = HashMap::new();
    for name in names {
        all.entry(&name.of).or_default().push(&name.id);
    }
    all
}

/// Goes on with `($4, $5, …)`.
fn list(statement: &mut Composed, ids: &[&str]) {
    for (nth, id) in ids.iter().enumerate() {
        statement.text(if nth == 0 { "(" } else { ", " }).bind(*id);
    }
    statement.text(")");
}

/// What is known of these records; those that are not there have never come.
pub(super) async fn known<'a>(
    reader: &mut Reader,
    of: Id<Integration>,
    names: impl Iterator<Item = &'a Name>,
) -> Result<HashMap<Name, Known>, DbError> {
    let names: Vec<&Name> = names.collect();
    let mut all = HashMap::with_capacity(names.len());
    for few in names.chunks(ASKED_AT_ONCE) {
        let mut select = Composed::new("SELECT s.of, s.id, s.digest, s.state FROM (VALUES ");
        for (nth, name) in few.iter().enumerate() {
            select.text(if nth == 0 { "(" } else { ", (" }).bind(name.of.as_str());
            select.text(", ").bind(name.id.as_str()).text(")");
        }
        select.text(") AS found").each(LEADS_TO).text("sync_record s WHERE s.integration_id = ").bind(&of);
        select.text(" AND s.of = found.column1 AND s.id = found.column2");
        select.postgres(|sql| {
            sql.text(" OFFSET 0) AS s WHERE TRUE");
        });
        let rows: Vec<(String, String, Digest, String)> = reader.all_composed(&select).await?;
        all.extend(rows.into_iter().map(|(of, id, digest, state)| (Name { of, id }, (digest, state))));
    }
    Ok(all)
}

/// Remember these, each with its digest and its state. No name comes twice.
pub(super) async fn remember(
    tx: &mut Writer,
    (of, run): (Id<Integration>, Id<SyncRun>),
    all: &[(&Name, &Digest, &'static str)],
) -> Result<(), DbError> {
    let insert = |piece: &[(&Name, &Digest, &'static str)]| {
        let mut insert =
            Composed::new("INSERT INTO sync_record (integration_id, of, id, digest, state, run_id) VALUES ");
        for (nth, (name, digest, state)) in piece.iter().enumerate() {
            insert.text(if nth == 0 { "(" } else { ", (" }).bind(&of);
            insert.text(", ").bind(name.of.as_str()).text(", ").bind(name.id.as_str());
            insert.text(", ").bind(*digest).text(", ").bind(*state);
            insert.text(", ").bind(&run).text(")");
        }
        insert.text(
            " ON CONFLICT (integration_id, of, id) DO UPDATE \
             SET digest = excluded.digest, state = excluded.state, run_id = excluded.run_id",
        );
        insert
    };
    let statements: Vec<Composed> = pieces(all).map(insert).collect();
    tx.execute_all(&statements).await
}

/// They were seen in this run.
pub(super) async fn seen(
    tx: &mut Writer,
    (of, run): (Id<Integration>, Id<SyncRun>),
    names: &[&Name],
) -> Result<(), DbError> {
    let mut statements = Vec::new();
    for (type_name, ids) in by_type(names.iter().copied()) {
        for piece in pieces(&ids) {
            let mut update = Composed::new("UPDATE sync_record SET run_id = ");
            update.bind(&run).text(" WHERE integration_id = ").bind(&of);
            update.text(" AND of = ").bind(type_name).text(" AND id IN ");
            list(&mut update, piece);
            statements.push(update);
        }
    }
    tx.execute_all(&statements).await
}

/// The source has sent these anew: what waits in quarantine under their names is over.
pub(super) async fn replaced(
    tx: &mut Writer,
    of: Id<Integration>,
    names: &[&Name],
    now: Timestamp,
) -> Result<(), DbError> {
    let mut statements = Vec::new();
    for (type_name, ids) in by_type(names.iter().copied()) {
        for piece in pieces(&ids) {
            let mut update = Composed::new("UPDATE quarantine SET settled = 'replaced', settled_at = ");
            update.value(now.to_value()).text(" WHERE settled IS NULL AND integration_id = ").bind(&of);
            update.text(" AND of = ").bind(type_name).text(" AND record_id IN ");
            list(&mut update, piece);
            statements.push(update);
        }
    }
    tx.execute_all(&statements).await
}

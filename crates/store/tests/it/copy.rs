//! Moving a deployment from one engine to the other and back.

use std::path::Path;

use store::{Db, DbError, Engine, MigrationSet, Reader, StoreConfig, StoreUrl, Value, Writer, binds, copy};
use testkit::engine::with_url;

use crate::schema::{MIGRATIONS, PersonRow, insert_organisation, insert_person, organisation_id, person};

async fn open(url: StoreUrl, sets: &[MigrationSet]) -> Db {
    let db = Db::open(&StoreConfig::new(url)).await.unwrap();
    db.migrate(sets).await.unwrap();
    db
}

async fn open_file(folder: &Path, name: &str) -> Db {
    open(StoreUrl::sqlite(folder.join(name)), &[MIGRATIONS]).await
}

async fn fill(db: &Db) {
    db.write(async |tx: &mut Writer| {
        for number in 1..=3 {
            insert_organisation(tx, number).await?;
        }
        // A child whose key comes before its parent's, and a circle of two.
        for (child, parent) in [(1, 3), (2, 3), (3, 2)] {
            let sql = "UPDATE organisation SET parent_id = $1 WHERE id = $2";
            tx.execute(sql, binds![organisation_id(parent), organisation_id(child)]).await?;
        }
        for number in 0..=255 {
            let row = PersonRow {
                handle: format!("Zoë {number} \u{1F9EA} '\"\n"),
                age: [Some(i64::MAX), None][usize::from(number > 0)],
                photo: Some(vec![number; usize::from(number) * 7]),
                is_active: number % 2 == 0,
                ..person(number)
            };
            insert_person(tx, &row).await?;
        }
        // More than two batches under a key of two parts.
        for number in 0..450_i64 {
            let sql = "INSERT INTO counter (name, part, n) VALUES ($1, $2, $3)";
            tx.execute(sql, binds![format!("c{}", number % 7), number, i64::MIN + number]).await?;
        }
        tx.execute("INSERT INTO record (id, body) VALUES ($1, '')", binds![Vec::<u8>::new()]).await?;
        Ok::<_, DbError>(())
    })
    .await
    .unwrap();
}

/// Every table, sorted by its own key, as text.
async fn everything(db: &Db) -> Vec<Vec<Vec<u8>>> {
    let mut tables = Vec::new();
    for sql in [
        "SELECT id, name, parent_id, 1, 2, 3 FROM organisation ORDER BY id",
        "SELECT id, handle, age, photo, is_active, made_at FROM person ORDER BY id",
        "SELECT name, part, n, 1, 2, 3 FROM counter ORDER BY part",
        "SELECT id, body, 1, 2, 3, 4 FROM record ORDER BY id",
    ] {
        type Cells = (Value, Value, Value, Value, Value, Value);
        let rows = db.scan(async move |tx: &mut Reader| tx.all::<Cells>(sql, binds![]).await).await.unwrap();
        tables.push(
            rows.into_iter()
                .map(|(a, b, c, d, e, f)| [a, b, c, d, e, f].iter().flat_map(bytes).collect())
                .collect(),
        );
    }
    tables
}

fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => b"null;".to_vec(),
        Value::Int(int) => format!("{int};").into_bytes(),
        Value::Text(text) => format!("{text:?};").into_bytes(),
        Value::Blob(blob) => format!("{blob:?};").into_bytes(),
    }
}

fn there_and_back(engine: Engine) {
    with_url(engine, async |url| {
        let folder = tempfile::tempdir().unwrap();
        let origin = open_file(folder.path(), "origin.db").await;
        let middle = open(url, &[MIGRATIONS]).await;
        let back = open_file(folder.path(), "back.db").await;
        fill(&origin).await;
        let mut told = Vec::new();
        let report = copy(&origin, &middle, |table| told.push(table.clone())).await.unwrap();
        assert_eq!(report.tables, told);
        let rows: Vec<_> = told.iter().map(|table| (table.table.as_str(), table.rows)).collect();
        assert_eq!(rows, [("counter", 450), ("organisation", 3), ("person", 256), ("record", 1)]);
        copy(&middle, &back, |_| {}).await.unwrap();
        let expected = everything(&origin).await;
        assert!(everything(&middle).await == expected && everything(&back).await == expected);
        // The constraints hold in the copy as in the original.
        let orphan = PersonRow { organisation_id: organisation_id(99), handle: "orphan".into(), ..person(9) };
        let orphan = PersonRow {
            id: kernel::Id::from_bytes([9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 0]),
            ..orphan
        };
        let refused = middle.write(async move |tx: &mut Writer| insert_person(tx, &orphan).await).await;
        assert!(matches!(refused, Err(DbError::Foreign { .. })), "{refused:?}");
        let orphaned = "UPDATE organisation SET parent_id = $1 WHERE id = $2";
        let refused = middle.execute(orphaned, binds![organisation_id(99), organisation_id(1)]).await;
        assert!(matches!(refused, Err(DbError::Foreign { .. })), "{refused:?}");
    });
}

#[test]
fn there_and_back_sqlite() {
    there_and_back(Engine::Sqlite);
}

#[test]
fn there_and_back_postgres() {
    there_and_back(Engine::Postgres);
}

fn a_target_with_rows_is_refused(engine: Engine) {
    with_url(engine, async |url| {
        let folder = tempfile::tempdir().unwrap();
        let origin = open_file(folder.path(), "origin.db").await;
        let target = open(url, &[MIGRATIONS]).await;
        fill(&origin).await;
        target.write(async |tx: &mut Writer| insert_organisation(tx, 9).await).await.unwrap();
        let refused = copy(&origin, &target, |_| {}).await.unwrap_err();
        assert_eq!(refused.to_string(), "the target is not empty: table organisation has rows");
        assert_eq!(everything(&target).await[1].len(), 0);
        // And nothing is held up by the attempt.
        target.write(async |tx: &mut Writer| insert_organisation(tx, 10).await).await.unwrap();
    });
}

#[test]
fn a_target_with_rows_is_refused_sqlite() {
    a_target_with_rows_is_refused(Engine::Sqlite);
}

#[test]
fn a_target_with_rows_is_refused_postgres() {
    a_target_with_rows_is_refused(Engine::Postgres);
}

#[test]
fn another_schema_is_refused() {
    with_url(Engine::Sqlite, async |url| {
        let folder = tempfile::tempdir().unwrap();
        let origin = open_file(folder.path(), "origin.db").await;
        let target = open(url, &[]).await;
        let refused = copy(&origin, &target, |_| {}).await.unwrap_err();
        assert!(refused.to_string().contains("do not have the same schema"), "{refused}");
    });
}

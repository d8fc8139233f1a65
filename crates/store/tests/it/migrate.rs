//! Bringing the schema up to date.

use store::{Db, DbError, Engine, Migration, MigrationSet, StoreConfig, Writer, binds};
use testkit::{engine::with_url, on_each_engine};

use crate::schema::{MIGRATIONS, bump};

const fn set(files: &'static [Migration]) -> MigrationSet {
    MigrationSet { crate_name: "later", files }
}
const FIRST: Migration =
    Migration { name: "0001_first", sql: "CREATE TABLE first (id BLOB PRIMARY KEY) STRICT;" };
const CHANGED: Migration =
    Migration { name: "0001_first", sql: "CREATE TABLE first (id TEXT PRIMARY KEY) STRICT;" };
const BROKEN: Migration =
    Migration { name: "0002_broken", sql: "CREATE TABLE second (id BLOB PRIMARY KEY) STRICT; OOPS;" };

on_each_engine!(
    async fn what_is_applied_is_not_applied_again(db: Db) {
        assert_eq!(
            db.migrate(&[MIGRATIONS, set(&[FIRST])]).await.unwrap(),
            ["contract/0001_contract", "later/0001_first"]
        );
        assert!(db.migrate(&[MIGRATIONS, set(&[FIRST])]).await.unwrap().is_empty());
    }
);

on_each_engine!(
    async fn a_changed_text_is_refused(db: Db) {
        db.migrate(&[set(&[FIRST])]).await.unwrap();
        let refused = db.migrate(&[set(&[CHANGED])]).await.unwrap_err();
        assert!(refused.to_string().starts_with("migration later/0001_first has changed"), "{refused}");
    }
);

on_each_engine!(
    async fn a_broken_one_leaves_no_trace(db: Db) {
        let broken = db.migrate(&[set(&[FIRST, BROKEN])]).await.unwrap_err();
        assert!(broken.to_string().starts_with("migration later/0002_broken failed"), "{broken}");
        assert!(store::check::schema(&db).await.unwrap().tables.is_empty());
        assert_eq!(db.migrate(&[set(&[FIRST])]).await.unwrap(), ["later/0001_first"]);
    }
);

fn two_nodes_at_once(engine: Engine) {
    with_url(engine, async |url| {
        let config = StoreConfig::new(url);
        let (one, other) = (Db::open(&config).await.unwrap(), Db::open(&config).await.unwrap());
        let sets = [MIGRATIONS, set(&[FIRST])];
        let (first, second) = tokio::join!(one.migrate(&sets), other.migrate(&sets));
        let mut applied = first.unwrap();
        applied.extend(second.unwrap());
        assert_eq!(applied, ["contract/0001_contract", "later/0001_first"]);
    });
}

#[test]
fn two_nodes_at_once_sqlite() {
    two_nodes_at_once(Engine::Sqlite);
}

#[test]
fn two_nodes_at_once_postgres() {
    two_nodes_at_once(Engine::Postgres);
}

on_each_engine!(
    async fn a_statement_outlives_a_change_of_its_table(db: Db) {
        let all = "SELECT * FROM counter";
        db.write(async |tx: &mut Writer| bump(tx, "a").await).await.unwrap();
        let mut held = db.read().await.unwrap();
        assert_eq!(held.all::<(String, i64, i64)>(all, binds![]).await.unwrap().len(), 1);
        let more = Migration { name: "0001_more", sql: "ALTER TABLE counter ADD COLUMN note TEXT;" };
        let files: &'static [Migration] = vec![more].leak();
        db.migrate(&[set(files)]).await.unwrap();
        let row = held.one::<(String, i64, i64, Option<String>)>(all, binds![]).await;
        assert_eq!(row, Ok(("a".into(), 0, 1, None)));
        // And inside a unit, where PostgreSQL has to begin anew.
        let again = Migration { name: "0002_more", sql: "ALTER TABLE counter ADD COLUMN note2 TEXT;" };
        let unit = async |tx: &mut Writer| tx.all::<(String,)>("SELECT * FROM counter", binds![]).await;
        db.write(unit).await.unwrap();
        let files: &'static [Migration] = vec![more, again].leak();
        db.migrate(&[set(files)]).await.unwrap();
        assert_eq!(db.write(unit).await, Ok::<_, DbError>(vec![("a".into(),)]));
    },
    migrations = [MIGRATIONS]
);

//! The guards: statements are prepared, schemas compared.

use store::{
    Db, Engine, StoreConfig,
    check::{Class, Column, Schema, prepare_all, schema},
};
use testkit::{
    engine::{server, with_url},
    on_each_engine,
};

use crate::schema::MIGRATIONS;

on_each_engine!(
    async fn a_wrong_statement_is_found(db: Db) {
        let good = "SELECT id FROM person WHERE handle = $1";
        let typo = "SELECT id FROM persn WHERE handle = $1";
        let wrong = prepare_all(&db, &[good, typo, "SELEKT"]).await;
        let names: Vec<_> = wrong.iter().map(|(sql, _)| sql.as_str()).collect();
        assert_eq!(names, [typo, "SELEKT"]);
    },
    migrations = [MIGRATIONS]
);

fn schema_of(engine: Engine) -> Option<Schema> {
    let (sender, receiver) = std::sync::mpsc::channel();
    with_url(engine, async |url| {
        let db = Db::open(&StoreConfig::new(url)).await.unwrap();
        db.migrate(&[MIGRATIONS]).await.unwrap();
        sender.send(schema(&db).await.unwrap()).unwrap();
    });
    receiver.try_recv().ok()
}

#[test]
fn both_engines_have_the_same_schema() {
    let sqlite = schema_of(Engine::Sqlite).unwrap();
    let tables: Vec<_> = sqlite.tables.keys().map(String::as_str).collect();
    assert_eq!(tables, ["counter", "organisation", "person", "record"]);
    let column = |name: &str, class, is_nullable, key_place| Column {
        name: name.into(),
        class,
        is_nullable,
        key_place,
    };
    assert_eq!(
        sqlite.tables["counter"],
        [
            column("name", Class::Text, false, Some(1)),
            column("part", Class::Number, false, Some(2)),
            column("n", Class::Number, false, None),
        ]
    );
    assert_eq!(sqlite.tables["person"][4], column("photo", Class::Bytes, true, None));
    if server().is_some() {
        assert_eq!(sqlite, schema_of(Engine::Postgres).unwrap());
    }
}

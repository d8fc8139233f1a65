//! The trail as its callers see it, on each engine.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this is tests, also what stands outside their functions"
)]

use audit::{Entry, Filter, MIGRATIONS, Outcome, Row, Subject, canonical, note, page, record, record_now};
use kernel::{Actor, Client, Connection, EventRow, Id, Limit, Organisation, Page, Person, RequestId, World};
use serde_json::{Value, json};
use store::{Db, DbError, Migration, MigrationSet, Reader, Writer, binds};
use testkit::{on_each_engine, world};

/// A table of somebody else's, whose changes are audited.
const THINGS: MigrationSet = MigrationSet {
    crate_name: "things",
    files: &[Migration { name: "0001_thing", sql: "CREATE TABLE thing (id INTEGER PRIMARY KEY) STRICT;" }],
};

const HERE: Id<Organisation> = Id::from_bytes([1; 16]);
const RIVER: Id<Person> = Id::from_bytes([2; 16]);
const APP: Id<Client> = Id::from_bytes([3; 16]);

fn entry(act: &'static str, details: Value) -> Entry {
    Entry {
        organisation: Some(HERE),
        actor: Actor::Person { person: RIVER, through: Some(APP) },
        act,
        subject: Subject::of(Id::<Connection>::from_bytes([4; 16])),
        outcome: Outcome::Done,
        request: RequestId::parse("r-1"),
        details,
    }
}

async fn change(db: &Db, world: &World, entry: Entry) -> Result<(), DbError> {
    let world = world.clone();
    db.write(async move |tx: &mut Writer| {
        tx.execute("INSERT INTO thing (id) VALUES (1)", binds![]).await?;
        record(tx, &world, &entry).await
    })
    .await
}

async fn count(db: &Db, sql: &'static str) -> i64 {
    db.read().await.unwrap().one::<(i64,)>(sql, binds![]).await.unwrap().0
}

async fn rows(db: &Db, organisation: Option<Id<Organisation>>, filter: Filter) -> Vec<Row> {
    let first = Page { after: None, limit: Limit::DEFAULT };
    let found =
        db.scan(async move |reader: &mut Reader| page(reader, organisation, &filter, &first).await).await;
    found.unwrap_or_else(|error: DbError| panic!("{error}")).items
}

on_each_engine!(
    async fn a_change_and_its_entry_are_there_together(db: Db) {
        let (world, _) = world();
        change(&db, &world, entry("thing.added", json!({ "n": 1 }))).await.unwrap();
        assert_eq!(count(&db, "SELECT COUNT(*) FROM thing").await, 1);
        let trail = rows(&db, Some(HERE), Filter::default()).await;
        assert_eq!((trail.len(), trail[0].act.as_str(), trail[0].at), (1, "thing.added", world.now()));
    },
    migrations = [MIGRATIONS, THINGS]
);

on_each_engine!(
    async fn a_change_whose_entry_cannot_be_written_does_not_happen(db: Db) {
        let (world, _) = world();
        let refused = change(&db, &world, entry("thing.added", json!({ "weight": 71.5 }))).await;
        assert!(matches!(refused, Err(DbError::Check { .. })), "{refused:?}");
        db.execute("ALTER TABLE audit_event RENAME TO audit_event_away", binds![]).await.unwrap();
        assert!(change(&db, &world, entry("thing.added", Value::Null)).await.is_err());
        assert_eq!(count(&db, "SELECT COUNT(*) FROM thing").await, 0);
    },
    migrations = [MIGRATIONS, THINGS]
);

on_each_engine!(
    async fn what_is_written_is_never_changed_or_removed(db: Db) {
        let (world, _) = world();
        record_now(&db, &world, &entry("person.signed_in", Value::Null)).await.unwrap();
        for sql in [
            "UPDATE audit_event SET outcome = 'refused'",
            "UPDATE audit_event SET canonical = canonical",
            "DELETE FROM audit_event",
        ] {
            let refused = db.execute(sql, binds![]).await;
            assert!(
                matches!(&refused, Err(DbError::Refused { why }) if why.contains("append-only")),
                "{sql}: {refused:?}"
            );
        }
        if db.engine() == store::Engine::Postgres {
            assert!(db.execute("TRUNCATE audit_event", binds![]).await.is_err());
        }
        assert_eq!(rows(&db, Some(HERE), Filter::default()).await.len(), 1);
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn the_bytes_of_an_entry_are_kept_as_they_are(db: Db) {
        let (world, _) = world();
        let details = json!({ "scopes": "heartrate sleep", "ö": ["\u{1f600}", null, true, -3] });
        let mut refused = entry("connection.linked", details.clone());
        refused.outcome = Outcome::Refused("invalid_scope");
        record_now(&db, &world, &refused).await.unwrap();
        let row = rows(&db, Some(HERE), Filter::default()).await.remove(0);
        let told: Value = serde_json::from_slice(&row.canonical).unwrap();
        assert_eq!(canonical(&told).unwrap(), row.canonical, "canonical once and for all");
        assert_eq!((&told["details"], &told["id"], &told["at"]), (&details, &json!(row.id), &json!(row.at)));
        assert_eq!(told["outcome"], json!({ "kind": "refused", "reason": "invalid_scope" }));
        assert_eq!((row.outcome.as_str(), row.reason.as_deref()), ("refused", Some("invalid_scope")));
        assert_eq!((row.subject_kind.as_str(), row.request.as_deref()), ("connection", Some("r-1")));
        assert_eq!(row.actor, Actor::Person { person: RIVER, through: Some(APP) });
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_note_is_there_with_the_next_group(db: Db) {
        let (world, _) = world();
        note(&db, &world, &entry("connection.viewed", Value::Null));
        note(&db, &world, &entry("connection.viewed", json!(0.5)));
        db.flush_lazy().await.unwrap();
        assert_eq!(
            rows(&db, Some(HERE), Filter::default()).await.len(),
            1,
            "the second one has no canonical form"
        );
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn filters_narrow_and_organisations_are_apart(db: Db) {
        let (world, _) = world();
        let mut entries = vec![entry("a", Value::Null), entry("b", Value::Null), entry("b", Value::Null)];
        entries[1].actor = Actor::Client(APP);
        entries[2].actor = Actor::System;
        entries[2].subject = Subject::known_as("integration", "integration-1").unwrap();
        entries.push(Entry { actor: Actor::System, ..entry("token.issued", Value::Null) });
        entries.push(Entry { organisation: Some(Id::from_bytes([9; 16])), ..entry("a", Value::Null) });
        let anonymous =
            Entry { organisation: None, actor: Actor::Anonymous, ..entry("person.sign_in", Value::Null) };
        entries.push(Entry { subject: Subject::unknown("person"), ..anonymous });
        for entry in &entries {
            record_now(&db, &world, entry).await.unwrap();
        }
        let (person, client) = (Some(RIVER), Some(APP));
        let (act, subject) = (Some("b".to_owned()), Some("integration-1".to_owned()));
        for (filter, found) in [
            (Filter::default(), 4),
            (Filter { act: Some("token.issued".to_owned()), ..Filter::default() }, 1),
            (Filter { person, ..Filter::default() }, 1),
            (Filter { client, ..Filter::default() }, 2),
            (Filter { act: act.clone(), ..Filter::default() }, 2),
            (Filter { subject: subject.clone(), ..Filter::default() }, 1),
            (Filter { client, act: act.clone(), ..Filter::default() }, 1),
            (Filter { person, act, ..Filter::default() }, 0),
            (Filter { client, subject, ..Filter::default() }, 0),
        ] {
            assert_eq!(rows(&db, Some(HERE), filter.clone()).await.len(), found, "{filter:?}");
        }
        let nobodys = rows(&db, None, Filter::default()).await;
        assert_eq!(
            (nobodys.len(), nobodys[0].actor, nobodys[0].subject_id.as_deref()),
            (1, Actor::Anonymous, None)
        );
        assert_eq!(rows(&db, None, Filter { person, ..Filter::default() }).await.len(), 0);
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn pages_go_from_the_newest_to_the_oldest_without_gaps(db: Db) {
        let (world, clock) = world();
        for number in 0..7 {
            record_now(&db, &world, &entry("a", json!({ "n": number }))).await.unwrap();
            clock.advance(std::time::Duration::from_millis(1));
        }
        let mut after: Option<Id<EventRow>> = None;
        let mut numbers = Vec::new();
        loop {
            let asked = Page { after, limit: Limit::new(3).unwrap() };
            let slice =
                page(&mut db.read().await.unwrap(), Some(HERE), &Filter::default(), &asked).await.unwrap();
            let number =
                |row: &Row| serde_json::from_slice::<Value>(&row.canonical).unwrap()["details"]["n"].as_i64();
            numbers.extend(slice.items.iter().filter_map(number));
            after = slice.items.last().map(|row| row.id);
            if !slice.has_more {
                break;
            }
        }
        assert_eq!(numbers, [6, 5, 4, 3, 2, 1, 0]);
    },
    migrations = [MIGRATIONS]
);

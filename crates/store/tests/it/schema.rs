//! The tables that the tests work on.

use kernel::{Id, Organisation, Person, Timestamp};
use store::{DbError, FromRow, Migration, MigrationSet, Reader, Row, Writer, binds};

pub const MIGRATIONS: MigrationSet = MigrationSet {
    crate_name: "contract",
    files: &[Migration {
        name: "0001_contract",
        sql: "
CREATE TABLE organisation (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    parent_id BLOB REFERENCES organisation (id)
) STRICT;
CREATE TABLE person (
    id BLOB PRIMARY KEY,
    organisation_id BLOB NOT NULL REFERENCES organisation (id),
    handle TEXT NOT NULL,
    age INTEGER CHECK (age >= 0),
    photo BLOB,
    is_active INTEGER NOT NULL DEFAULT 1,
    made_at INTEGER NOT NULL,
    UNIQUE (organisation_id, handle)
) STRICT;
CREATE UNIQUE INDEX person_one_per_age ON person (age) WHERE is_active = 1;
CREATE TABLE counter (name TEXT, part INTEGER, n INTEGER NOT NULL, PRIMARY KEY (name, part)) STRICT, WITHOUT ROWID;
CREATE TABLE record (id BLOB PRIMARY KEY, body TEXT NOT NULL) STRICT;
-- sqlite:
CREATE TRIGGER record_is_kept BEFORE UPDATE ON record BEGIN SELECT RAISE(ABORT, 'a record is never changed'); END;
-- postgres:
CREATE FUNCTION record_is_kept() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a record is never changed'; END $$;
CREATE TRIGGER record_is_kept BEFORE UPDATE ON record FOR EACH ROW EXECUTE FUNCTION record_is_kept();
",
    }],
};

#[derive(Debug, Clone, PartialEq)]
pub struct PersonRow {
    pub id: Id<Person>,
    pub organisation_id: Id<Organisation>,
    pub handle: String,
    pub age: Option<i64>,
    pub photo: Option<Vec<u8>>,
    pub is_active: bool,
    pub made_at: Timestamp,
}

impl FromRow for PersonRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            organisation_id: row.get("organisation_id")?,
            handle: row.get("handle")?,
            age: row.get("age")?,
            photo: row.get("photo")?,
            is_active: row.get("is_active")?,
            made_at: row.get("made_at")?,
        })
    }
}

pub fn organisation_id(number: u8) -> Id<Organisation> {
    Id::from_bytes([number; 16])
}

pub fn person(number: u8) -> PersonRow {
    PersonRow {
        id: Id::from_bytes([number; 16]),
        organisation_id: organisation_id(1),
        handle: format!("person-{number}"),
        age: None,
        photo: None,
        is_active: true,
        made_at: Timestamp::from_seconds(1_767_600_000),
    }
}

pub async fn insert_organisation(tx: &mut Writer, number: u8) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO organisation (id, name) VALUES ($1, $2)",
        binds![organisation_id(number), "Clinic"],
    )
    .await
}

pub async fn insert_person(tx: &mut Writer, person: &PersonRow) -> Result<PersonRow, DbError> {
    tx.one(
        "INSERT INTO person (id, organisation_id, handle, age, photo, is_active, made_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *",
        binds![
            person.id,
            person.organisation_id,
            person.handle,
            person.age,
            person.photo,
            person.is_active,
            person.made_at
        ],
    )
    .await
}

pub async fn person_by_id(tx: &mut Reader, id: Id<Person>) -> Result<Option<PersonRow>, DbError> {
    tx.optional("SELECT * FROM person WHERE id = $1", binds![id]).await
}

pub async fn bump(tx: &mut Writer, name: &str) -> Result<i64, DbError> {
    let (n,) = tx
        .one(
            "INSERT INTO counter (name, part, n) VALUES ($1, 0, 1)
             ON CONFLICT (name, part) DO UPDATE SET n = counter.n + 1 RETURNING n",
            binds![name],
        )
        .await?;
    Ok(n)
}

pub async fn count(tx: &mut Reader, name: &str) -> Result<i64, DbError> {
    let found: Option<(i64,)> =
        tx.optional("SELECT n FROM counter WHERE name = $1 AND part = 0", binds![name]).await?;
    Ok(found.map_or(0, |(n,)| n))
}

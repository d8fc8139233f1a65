//! One façade over SQLite (embedded, the default) and PostgreSQL 15 or later, with one SQL text for both.
//!
//! - [`Db::write`] runs a unit of work: all of it or nothing, durable when acknowledged.
//! - [`Db::read`] is for reads by key, [`Db::scan`] for lists and searches, [`Db::snapshot`]
//!   for several reads that must agree.
//! - [`Db::write_in_turn`] is a unit that waits for its turn: for numbers that grow without a gap in the order of commits.
//! - [`Db::write_lazy`] is for rows that nobody waits for.
//!
//! Statements use `$1…$n`, `RETURNING`, `ON CONFLICT` and common table expressions; times are INTEGER microseconds, flags
//! INTEGER 0/1, ids and digests BLOB; no `ILIKE`, arrays or JSON operators. Unique indexes have names that callers may ask for
//! ([`DbError::is_unique`]); unique and primary-key constraints go unnamed and get PostgreSQL's names on both engines.

pub mod check;
mod composed;
mod config;
mod copy;
mod db;
mod fault;
mod lazy;
mod migrate;
pub mod notify;
mod overheard;
mod postgres;
mod row;
mod sql;
mod sqlite;
mod tx;
mod unit;
mod value;

pub use composed::Composed;
pub use config::{Durability, MalformedStoreUrl, StoreConfig, StoreUrl};
pub use copy::{CopiedTable, CopyReport, Part, copy, copy_part};
pub use db::Db;
pub use fault::DbError;
pub use lazy::LAZY_QUEUE_MAX;
pub use migrate::{Migration, MigrationSet};
pub use notify::{Notify, Signal, Subscription};
pub use row::{FromRow, Row};
pub use sql::{Engine, Sql};
pub use tx::{ROWS_MAX, Reader, Writer};
pub use value::{FromValue, Json, Mismatch, ToValue, Value, ValueRef};

//! The open database.

use std::{path::Path, sync::Arc, time::Duration};

use crate::{
    DbError, Engine, FromRow, MigrationSet, Notify, Reader, Sql, StoreConfig, Value, Writer,
    config::Target,
    lazy::Lazy,
    migrate,
    overheard::Ear,
    postgres::Postgres,
    sqlite::Sqlite,
    unit::{Shape, pack},
};

/// Reads that see one state of the database.
const SNAPSHOT: Sql = Sql::each("BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");

/// An open database; clones share it.
#[derive(Clone)]
pub struct Db {
    backend: Arc<Backend>,
    notify: Notify,
    statement_max: Duration,
    ear: Arc<Ear>,
}

enum Backend {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Db({})", self.engine().name())
    }
}

impl Db {
    /// Open a database. Makes a SQLite file (mode 0600) and its folder where there is none; does not migrate.
    ///
    /// # Errors
    /// `DbError::Unavailable` if it cannot be reached, `DbError::Setting` for a server older than PostgreSQL 15 or a wrong URL.
    pub async fn open(config: &StoreConfig) -> Result<Self, DbError> {
        let (notify, ear) = (Notify::default(), Arc::<Ear>::default());
        let backend = match &config.url.0 {
            Target::Sqlite(path) => {
                Backend::Sqlite(Sqlite::open(config, path.clone(), (notify.clone(), Arc::clone(&ear)))?)
            }
            Target::Postgres { url, .. } => {
                Backend::Postgres(Postgres::open(config, url, (notify.clone(), Arc::clone(&ear))).await?)
            }
        };
        Ok(Self { backend: Arc::new(backend), notify, statement_max: config.statement_max, ear })
    }

    /// Which engine answers.
    pub fn engine(&self) -> Engine {
        match &*self.backend {
            Backend::Sqlite(_) => Engine::Sqlite,
            Backend::Postgres(_) => Engine::Postgres,
        }
    }

    /// Bring the schema up to date: the sets in this order, the files of each in order of name, in one transaction.
    /// Answers the names of what was applied now. Two nodes may do this at once.
    ///
    /// # Errors
    /// `DbError::Migration` if an applied file has changed, or the database knows one that this program does not.
    pub async fn migrate(&self, sets: &[MigrationSet]) -> Result<Vec<String>, DbError> {
        migrate::run(self, sets).await
    }

    /// Run a unit of work: all of it or nothing, durable when this answers `Ok`.
    ///
    /// Nothing but the database may be awaited inside. Units see each other's work as if they ran one after another; on
    /// PostgreSQL a unit is run again when that could not be kept up, so the closure owns its captures and has no effects
    /// besides those on the database. A unit whose caller goes away is finished all the same.
    ///
    /// # Errors
    /// The closure's own error, or a fault of the store; in both cases nothing is kept (but see
    /// `DbError::CommitUnknown`).
    pub async fn write<T, E, F>(&self, unit: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Writer) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.run(Shape::Any, unit).await
    }

    /// Run a unit of work when its turn has come: of the units with this number one runs at a time, on all nodes, and sees what
    /// those before it have done. Units of one node that wait for the same turn may share a commit; each is kept or undone by itself, and
    /// answered when it is durable. Numbers that it draws therefore grow in the order of commits, and nothing that it decides
    /// by what it has read is undone for a conflict.
    ///
    /// Its isolation is the turn: what it reads may be changed meanwhile by units that wait for another turn or for none.
    ///
    /// # Errors
    /// As [`Db::write`]; also `DbError::Timeout` if the turn does not come within the configured statement time.
    pub async fn write_in_turn<T, E, F>(&self, turn: i64, unit: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Writer) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.run(Shape::InTurn(turn), unit).await
    }

    async fn run<T, E, F>(&self, shape: Shape, unit: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Writer) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (unit, answer) = pack(shape, unit);
        match &*self.backend {
            Backend::Sqlite(sqlite) => sqlite.write(unit).await?,
            Backend::Postgres(postgres) => postgres.write(unit).await?,
        }
        answer.await.unwrap_or(Err(E::from(DbError::Closed)))
    }

    /// One statement that is a unit of its own (without BEGIN and COMMIT on PostgreSQL); how many rows it changed.
    ///
    /// # Errors
    /// Whatever the engine refuses.
    pub async fn execute(&self, sql: impl Into<Sql>, binds: Vec<Value>) -> Result<u64, DbError> {
        let sql = sql.into();
        match &*self.backend {
            Backend::Sqlite(sqlite) => {
                let (unit, answer) = pack(Shape::OneStatement, async move |tx: &mut Writer| {
                    tx.run(sql.text(Engine::Sqlite), &binds).await
                });
                sqlite.write(unit).await?;
                answer.await.unwrap_or(Err(DbError::Closed))
            }
            Backend::Postgres(postgres) => {
                postgres.read().await?.run(sql.text(Engine::Postgres), &binds).await
            }
        }
    }

    /// One statement with `RETURNING` that is a unit of its own; the rows it returns.
    ///
    /// # Errors
    /// Whatever the engine refuses.
    pub async fn execute_returning<T>(
        &self,
        sql: impl Into<Sql>,
        binds: Vec<Value>,
    ) -> Result<Vec<T>, DbError>
    where
        T: FromRow + Send + 'static,
    {
        let sql = sql.into();
        match &*self.backend {
            Backend::Sqlite(_) => {
                self.write(async move |tx: &mut Writer| tx.all(sql, binds.clone()).await).await
            }
            Backend::Postgres(postgres) => postgres.read().await?.all(sql, binds).await,
        }
    }

    /// Queue a row that nobody waits for. It is committed with the next group, within about 100 ms; when
    /// [`LAZY_QUEUE_MAX`](crate::LAZY_QUEUE_MAX) are waiting it is dropped, counted and logged.
    pub fn write_lazy(&self, sql: impl Into<Sql>, binds: Vec<Value>) {
        let lazy = Lazy { sql: sql.into(), binds };
        match &*self.backend {
            Backend::Sqlite(sqlite) => sqlite.write_lazy(lazy),
            Backend::Postgres(postgres) => postgres.write_lazy(lazy),
        }
    }

    /// Wait until every row queued before this call is durable or has been counted as dropped.
    ///
    /// # Errors
    /// `DbError::Timeout` after 10 s.
    pub async fn flush_lazy(&self) -> Result<(), DbError> {
        match &*self.backend {
            Backend::Sqlite(sqlite) => sqlite.flush_lazy().await,
            Backend::Postgres(postgres) => postgres.flush_lazy().await,
        }
    }

    /// How many lazy rows have been dropped since the database was opened.
    pub fn lazy_dropped(&self) -> u64 {
        match &*self.backend {
            Backend::Sqlite(sqlite) => sqlite.lazy_dropped(),
            Backend::Postgres(postgres) => postgres.lazy_dropped(),
        }
    }

    /// A connection for reads by key, on the calling thread. Anything longer belongs into [`Db::scan`].
    ///
    /// # Errors
    /// `DbError::Busy` if none is free within the configured wait, `DbError::Unavailable` if there is no server.
    pub async fn read(&self) -> Result<Reader, DbError> {
        match &*self.backend {
            Backend::Sqlite(sqlite) => sqlite.read().await,
            Backend::Postgres(postgres) => postgres.read().await,
        }
    }

    /// Run reads that may take a while, beside the calling thread. On SQLite a scan that outlives the configured
    /// statement time, or its caller, is interrupted.
    ///
    /// # Errors
    /// The closure's own error, or a fault of the store.
    pub async fn scan<T, E, F>(&self, unit: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Reader) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (unit, mut answer) = pack(Shape::Any, unit);
        let answered = match &*self.backend {
            Backend::Sqlite(sqlite) => {
                let ticket = sqlite.scan(unit).await?;
                if let Ok(answered) = tokio::time::timeout(self.statement_max, &mut answer).await {
                    answered
                } else {
                    ticket.interrupt();
                    answer.await
                }
            }
            Backend::Postgres(postgres) => {
                postgres.scan(unit).await?;
                answer.await
            }
        };
        answered.unwrap_or(Err(E::from(DbError::Closed)))
    }

    /// As [`Db::scan`], with all reads seeing the database as it was at the first of them.
    ///
    /// # Errors
    /// The closure's own error, or a fault of the store.
    pub async fn snapshot<T, E, F>(&self, unit: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Reader) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.scan(async move |reader: &mut Reader| {
            reader.begin_reading(SNAPSHOT)?;
            let answer = unit(reader).await;
            let ended = reader.end("COMMIT").await;
            answer.and_then(|answer| Ok(ended.map(|()| answer)?))
        })
        .await
    }

    pub(crate) fn ear(&self) -> Arc<Ear> {
        Arc::clone(&self.ear)
    }

    /// Messages between nodes.
    pub const fn notify(&self) -> &Notify {
        &self.notify
    }

    /// Copy what is committed now into a new SQLite file, while the database is in use.
    ///
    /// # Errors
    /// `DbError::Transfer` if the file exists, or on PostgreSQL, which has `pg_dump` for this.
    pub async fn backup_to(&self, path: &Path) -> Result<(), DbError> {
        match &*self.backend {
            Backend::Sqlite(sqlite) => sqlite.backup_to(path.to_owned()).await,
            Backend::Postgres(_) => {
                Err(DbError::transfer("this database is a PostgreSQL server: back it up with pg_dump"))
            }
        }
    }

    /// A writing transaction that is not a unit: for a copy into a database that nobody else uses.
    pub(crate) async fn exclusive(&self) -> Result<Writer, DbError> {
        match &*self.backend {
            Backend::Sqlite(sqlite) => sqlite.exclusive(),
            Backend::Postgres(postgres) => Ok(Writer::new(postgres.read().await?)),
        }
    }

    /// Finish what is queued, make lazy rows durable, and close. Clones answer `DbError::Closed` from now on.
    pub async fn close(self) {
        match &*self.backend {
            Backend::Sqlite(sqlite) => sqlite.close().await,
            Backend::Postgres(postgres) => postgres.close().await,
        }
    }
}

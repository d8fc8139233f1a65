//! What a caller holds while it talks to the database: a `Reader`, or a `Writer` inside a unit of work.

use std::{
    ops::{Deref, DerefMut},
    time::{Duration, Instant},
};

use crate::{Composed, DbError, Engine, FromRow, Notify, Sql, Value, notify, postgres, sqlite};

/// The most rows that `all` returns; more is a fault. Lists are paged.
pub const ROWS_MAX: usize = 100_000;
/// Statements that are sent before the first of them is answered.
const SENT_AHEAD_MAX: usize = 24;
/// A statement that takes longer is logged, with its text and without its values.
const SLOW_STATEMENT: Duration = Duration::from_millis(250);

pub(crate) enum Session {
    Sqlite(sqlite::Session),
    Postgres(postgres::Session),
}

/// A connection to read with. It goes back to its pool when dropped; do not keep it across network calls.
///
/// Every statement sees what was committed before it began.
pub struct Reader {
    session: Session,
    /// The text of the first statement that failed; only units ask for it.
    failed: Option<Box<str>>,
}

/// The transaction of a unit of work. Reads (also `RETURNING`) go through [`Reader`]'s functions.
pub struct Writer {
    reader: Reader,
    published: Vec<Published>,
}

/// What becomes of a unit once it is committed.
pub(crate) enum Published {
    Message(notify::Message),
    Known(Box<dyn FnOnce() + Send>),
}

impl Published {
    pub(crate) fn settle(self, notify: &Notify) {
        match self {
            Self::Message(message) => notify.deliver(message),
            Self::Known(know) => know(),
        }
    }
}

impl Deref for Writer {
    type Target = Reader;
    fn deref(&self) -> &Reader {
        &self.reader
    }
}
impl DerefMut for Writer {
    fn deref_mut(&mut self) -> &mut Reader {
        &mut self.reader
    }
}

impl Reader {
    pub(crate) const fn sqlite(session: sqlite::Session) -> Self {
        Self { session: Session::Sqlite(session), failed: None }
    }

    pub(crate) const fn postgres(session: postgres::Session) -> Self {
        Self { session: Session::Postgres(session), failed: None }
    }

    /// What stops a scan from another thread.
    pub(crate) fn interrupt_handle(&self) -> Result<rusqlite::InterruptHandle, DbError> {
        match &self.session {
            Session::Sqlite(session) => session.interrupt_handle(),
            Session::Postgres(_) => Err(DbError::Closed),
        }
    }

    pub(crate) const fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Which engine answers.
    pub const fn engine(&self) -> Engine {
        match &self.session {
            Session::Sqlite(_) => Engine::Sqlite,
            Session::Postgres(_) => Engine::Postgres,
        }
    }

    /// The row, or none.
    ///
    /// # Errors
    /// `DbError::ManyRows` if there are several.
    pub async fn optional<T: FromRow>(
        &mut self,
        sql: impl Into<Sql>,
        binds: Vec<Value>,
    ) -> Result<Option<T>, DbError> {
        let text = sql.into().text(self.engine());
        let mut rows = self.rows(text, &binds, 1).await?;
        Ok(rows.pop())
    }

    /// The row.
    ///
    /// # Errors
    /// `DbError::NoRow` if there is none, `DbError::ManyRows` if there are several.
    pub async fn one<T: FromRow>(&mut self, sql: impl Into<Sql>, binds: Vec<Value>) -> Result<T, DbError> {
        let text = sql.into().text(self.engine());
        let mut rows = self.rows(text, &binds, 1).await?;
        rows.pop().ok_or_else(|| DbError::NoRow { sql: Box::from(text) })
    }

    /// All rows, `ROWS_MAX` at the most.
    ///
    /// # Errors
    /// `DbError::ManyRows` if there are more.
    pub async fn all<T: FromRow>(
        &mut self,
        sql: impl Into<Sql>,
        binds: Vec<Value>,
    ) -> Result<Vec<T>, DbError> {
        let text = sql.into().text(self.engine());
        self.rows(text, &binds, ROWS_MAX).await
    }

    /// All rows of a statement that was put together, `ROWS_MAX` at the most. PostgreSQL plans it for these values and forgets
    /// it, for there may be any number of different ones; only those that come again are kept prepared.
    ///
    /// # Errors
    /// `DbError::ManyRows` if there are more.
    pub async fn all_composed<T: FromRow>(&mut self, statement: &Composed) -> Result<Vec<T>, DbError> {
        let (text, binds) = statement.parts(self.engine());
        let began = Instant::now();
        let rows = match &mut self.session {
            Session::Sqlite(session) => session.query(text, binds, ROWS_MAX),
            Session::Postgres(session) => session.query_composed(text, binds, ROWS_MAX).await,
        };
        self.watched(text, began, rows)
    }

    pub(crate) async fn rows<T: FromRow>(
        &mut self,
        sql: &str,
        binds: &[Value],
        max: usize,
    ) -> Result<Vec<T>, DbError> {
        let began = Instant::now();
        let rows = match &mut self.session {
            Session::Sqlite(session) => session.query(sql, binds, max),
            Session::Postgres(session) => session.query(sql, binds, max).await,
        };
        self.watched(sql, began, rows)
    }

    pub(crate) async fn run(&mut self, sql: &str, binds: &[Value]) -> Result<u64, DbError> {
        let began = Instant::now();
        let changed = match &mut self.session {
            Session::Sqlite(session) => session.execute(sql, binds),
            Session::Postgres(session) => session.execute(sql, binds).await,
        };
        self.watched(sql, began, changed)
    }

    /// Several statements without parameters: schema changes and transaction control.
    pub(crate) async fn batch(&mut self, sql: &str) -> Result<(), DbError> {
        let began = Instant::now();
        let done = match &mut self.session {
            Session::Sqlite(session) => session.batch(sql),
            Session::Postgres(session) => session.batch(sql).await,
        };
        self.watched(sql, began, done)
    }

    /// Begin a transaction of one's own. Dropped before [`Reader::end`], it is rolled back.
    pub(crate) async fn begin(&mut self, sql: Sql) -> Result<(), DbError> {
        let text = sql.text(self.engine());
        match &mut self.session {
            Session::Sqlite(session) => session.batch(text),
            Session::Postgres(session) => session.begin(text).await,
        }
    }

    /// As [`Reader::begin`], of a transaction in which nothing but questions is asked: it begins with the first of them.
    pub(crate) fn begin_reading(&mut self, sql: Sql) -> Result<(), DbError> {
        let text = sql.text(self.engine());
        match &mut self.session {
            Session::Sqlite(session) => session.batch(text),
            Session::Postgres(session) => {
                session.begin_with_next(text);
                Ok(())
            }
        }
    }

    pub(crate) async fn end(&mut self, sql: &'static str) -> Result<(), DbError> {
        match &mut self.session {
            Session::Sqlite(session) => session.batch(sql),
            Session::Postgres(session) => session.end(sql).await,
        }
    }

    fn watched<T>(&mut self, sql: &str, began: Instant, result: Result<T, DbError>) -> Result<T, DbError> {
        let elapsed = began.elapsed();
        if elapsed > SLOW_STATEMENT {
            tracing::warn!(sql, elapsed_ms = elapsed.as_millis(), "slow statement");
        }
        if let Err(fault) = &result
            && self.failed.is_none()
            && fault.dooms_its_unit()
        {
            self.failed = Some(Box::from(sql));
        }
        result
    }
}

impl Writer {
    pub(crate) const fn new(reader: Reader) -> Self {
        Self { reader, published: Vec::new() }
    }

    /// Change rows; how many were changed.
    ///
    /// A failing statement ends the unit: whatever the closure answers afterwards, nothing of it is kept. Use `ON CONFLICT`
    /// where a conflict is expected, or look at the error that `write` returns.
    ///
    /// # Errors
    /// Whatever the engine refuses.
    pub async fn execute(&mut self, sql: impl Into<Sql>, binds: Vec<Value>) -> Result<u64, DbError> {
        let text = sql.into().text(self.engine());
        self.reader.run(text, &binds).await
    }

    /// Change rows by a statement that was put together; how many were changed. It is kept prepared: there may be few different
    /// ones (inserts of 1, 8 and 64 rows).
    ///
    /// # Errors
    /// Whatever the engine refuses; the unit ends as with [`Writer::execute`].
    pub async fn execute_composed(&mut self, statement: &Composed) -> Result<u64, DbError> {
        let (text, binds) = statement.parts(self.engine());
        self.reader.run(text, binds).await
    }

    /// Tell the subscribers of a channel, on every node, once this unit is committed.
    ///
    /// # Errors
    /// `DbError::Bind` if the payload is longer than [`notify::PAYLOAD_BYTES_MAX`](crate::notify::PAYLOAD_BYTES_MAX).
    pub async fn publish(&mut self, channel: &'static str, payload: &str) -> Result<(), DbError> {
        let message = notify::Message::new(channel, payload)?;
        match self.engine() {
            Engine::Sqlite => self.published.push(Published::Message(message)),
            Engine::Postgres => {
                self.reader.run(notify::NOTIFY_SQL, &[Value::Text(message.wire())]).await?;
            }
        }
        Ok(())
    }

    /// Tell the subscribers of a channel in this process alone, once this unit is committed: for what any node can do, where it is
    /// enough that one hears of it. It costs the database nothing.
    ///
    /// # Errors
    /// As [`Writer::publish`].
    pub fn publish_here(&mut self, channel: &'static str, payload: &str) -> Result<(), DbError> {
        self.published.push(Published::Message(notify::Message::new(channel, payload)?));
        Ok(())
    }

    /// Do this once this unit is committed, and not if it is undone: remember in this process what is in the database now. It neither
    /// waits nor fails.
    pub fn once_committed(&mut self, know: impl FnOnce() + Send + 'static) {
        self.published.push(Published::Known(Box::new(know)));
    }

    /// Change rows by statements that were put together, in this order, without waiting for each before the next is sent. They are kept
    /// prepared: there may be few different ones.
    ///
    /// # Errors
    /// Whatever the engine refuses first; the unit ends as with [`Writer::execute`].
    pub async fn execute_all(&mut self, statements: &[Composed]) -> Result<(), DbError> {
        let engine = self.engine();
        for few in statements.chunks(SENT_AHEAD_MAX) {
            match &mut self.reader.session {
                Session::Postgres(session) => {
                    let all: Vec<_> = few.iter().map(|one| one.parts(engine)).collect();
                    let began = Instant::now();
                    let sent = session.execute_all(&all).await;
                    let first = all.first().map_or("", |(text, _)| *text);
                    self.reader.watched(first, began, sent)?;
                }
                Session::Sqlite(_) => {
                    for one in few {
                        self.execute_composed(one).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// How much was published so far; [`Writer::unpublish`] goes back to it.
    pub(crate) const fn published(&self) -> usize {
        self.published.len()
    }

    pub(crate) fn unpublish(&mut self, mark: usize) {
        self.published.truncate(mark);
    }

    pub(crate) fn take_published(&mut self) -> Vec<Published> {
        std::mem::take(&mut self.published)
    }

    /// The fault of a unit that ended well although a statement in it had failed.
    pub(crate) fn take_doom(&mut self) -> Option<DbError> {
        self.reader.failed.take().map(|sql| DbError::Doomed { sql })
    }
}

//! A connection while somebody uses it, and running one statement on it.

use std::{fmt, pin::pin, sync::Arc, time::Duration};

use deadpool_postgres::Object;
use futures_util::{
    TryStreamExt,
    future::{join, join_all},
};
use tokio_postgres::{
    Statement,
    types::{FromSql, IsNull, ToSql, Type, private::BytesMut},
};

use crate::{
    DbError, FromRow, Row, Value,
    overheard::Ear,
    postgres::{
        fault::{fault, is_conflict, is_stale},
        recurring::Recurring,
    },
    value::ValueRef,
};

/// The server ends a statement after `statement_max`; when it does not answer so much later, the network is at fault.
const ANSWER_GRACE: Duration = Duration::from_secs(5);

/// A pooled connection. One that may be inside a transaction when dropped is thrown away instead of given back.
pub(crate) struct Session {
    /// Empty only while it is being given back.
    object: Option<Object>,
    answer_max: Duration,
    recurring: Arc<Recurring>,
    /// What begins the transaction that has been asked for, not sent yet: it goes with the first statement.
    opening: Option<&'static str>,
    /// What marks where the unit that has been asked for begins, not sent yet: it goes with its first statement.
    mark: Option<&'static str>,
    /// Whether the transaction has such a mark.
    is_marked: bool,
    is_unclean: bool,
    /// Whether the server wants the unit to be run again.
    has_conflict: bool,
    ear: Arc<Ear>,
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_unclean
            && let Some(object) = self.object.take()
        {
            drop(Object::take(object));
        }
    }
}

/// A bind does not fit the type that the server has inferred for its parameter.
#[derive(Debug)]
pub(super) struct Unfit(pub(super) &'static str);

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
impl std::error::Error for Unfit {}

struct Bind<'a>(&'a Value);

impl fmt::Debug for Bind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bind(…)")
    }
}

type Encoded = Result<IsNull, Box<dyn std::error::Error + Sync + Send>>;

impl ToSql for Bind<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Encoded {
        match (self.0, kind) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Int(int), &Type::INT8) => int.to_sql(kind, out),
            (Value::Int(int), &Type::INT4) => match i32::try_from(*int) {
                Ok(int) => int.to_sql(kind, out),
                Err(_) => Err(Box::new(Unfit("a number does not fit int4: write CAST($n AS BIGINT)"))),
            },
            (Value::Int(_), _) => {
                Err(Box::new(Unfit("a number is bound where the server expects another type")))
            }
            (Value::Text(text), _) if text.contains('\0') => Err(Box::new(Unfit("text has a NUL character"))),
            (Value::Text(text), &(Type::TEXT | Type::VARCHAR | Type::NAME)) => text.to_sql(kind, out),
            (Value::Text(_), _) => {
                Err(Box::new(Unfit("text is bound where the server expects another type")))
            }
            (Value::Blob(blob), &Type::BYTEA) => blob.to_sql(kind, out),
            (Value::Blob(_), _) => {
                Err(Box::new(Unfit("bytes are bound where the server expects another type")))
            }
        }
    }

    fn accepts(_kind: &Type) -> bool {
        // Decided with the value in hand.
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

struct Cell<'a>(ValueRef<'a>);

impl<'a> FromSql<'a> for Cell<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(match *kind {
            Type::INT8 => ValueRef::Int(i64::from_sql(kind, raw)?),
            Type::INT4 => ValueRef::Int(i64::from(i32::from_sql(kind, raw)?)),
            Type::INT2 => ValueRef::Int(i64::from(i16::from_sql(kind, raw)?)),
            Type::BOOL => ValueRef::Int(i64::from(bool::from_sql(kind, raw)?)),
            Type::TEXT | Type::VARCHAR | Type::NAME => ValueRef::Text(<&str>::from_sql(kind, raw)?),
            Type::BYTEA => ValueRef::Blob(raw),
            _ => return Err(Box::new(Unfit("a type that no column of ours has"))),
        }))
    }

    fn from_sql_null(_kind: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(ValueRef::Null))
    }

    fn accepts(_kind: &Type) -> bool {
        true
    }
}

pub(crate) fn cell_named<'a>(
    row: &'a tokio_postgres::Row,
    column: &str,
) -> Result<ValueRef<'a>, &'static str> {
    let place =
        row.columns().iter().position(|known| known.name() == column).ok_or("there is no such column")?;
    cell_at(row, place)
}

pub(crate) fn cell_at(row: &tokio_postgres::Row, column: usize) -> Result<ValueRef<'_>, &'static str> {
    if column >= row.len() {
        return Err("there is no such column");
    }
    row.try_get::<_, Cell<'_>>(column).map(|cell| cell.0).map_err(|_| "a type that no column of ours has")
}

/// The rows, and at the most one beyond `max`: the rest of a list without end is not waited for.
async fn fetch(
    client: &Object,
    statement: &Statement,
    binds: &[Value],
    max: usize,
) -> Result<Vec<tokio_postgres::Row>, tokio_postgres::Error> {
    let mut stream = pin!(client.query_raw(statement, binds.iter().map(Bind)).await?);
    let mut rows = Vec::new();
    while rows.len() <= max
        && let Some(row) = stream.try_next().await?
    {
        rows.push(row);
    }
    Ok(rows)
}

/// What a value is where nobody has asked the server what it expects.
const fn kind_of(value: &Value) -> Type {
    match value {
        Value::Int(_) => Type::INT8,
        Value::Text(_) => Type::TEXT,
        Value::Blob(_) => Type::BYTEA,
        Value::Null => Type::UNKNOWN,
    }
}

/// What is asked, behind what comes before it: sent together, for the server answers in order.
async fn behind<T>(
    client: &Object,
    before: Option<&'static str>,
    asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, tokio_postgres::Error> {
    let Some(before) = before else { return asked.await };
    let (begun, answer) = join(client.batch_execute(before), asked).await;
    begun?;
    answer
}

/// As [`fetch`], for a statement that was put together: one that does not come again is read, planned and answered in one round trip.
async fn fetch_composed(
    client: &Object,
    recurring: &Recurring,
    sql: &str,
    (binds, types): (&[Value], &[Type]),
    max: usize,
) -> Result<Vec<tokio_postgres::Row>, tokio_postgres::Error> {
    if recurring.is(sql, types) {
        let statement = client.prepare_typed_cached(sql, types).await?;
        if !recurring.knows(sql) {
            client.statement_cache.remove(sql, types);
        }
        return fetch(client, &statement, binds, max).await;
    }
    let typed = binds.iter().map(Bind).zip(types.iter().cloned());
    let mut stream = pin!(client.query_typed_raw(sql, typed).await?);
    let mut rows = Vec::new();
    while rows.len() <= max
        && let Some(row) = stream.try_next().await?
    {
        rows.push(row);
    }
    Ok(rows)
}

impl Session {
    pub(super) const fn new(
        object: Object,
        statement_max: Duration,
        recurring: Arc<Recurring>,
        ear: Arc<Ear>,
    ) -> Self {
        let answer_max = statement_max.saturating_add(ANSWER_GRACE);
        Self {
            object: Some(object),
            answer_max,
            recurring,
            opening: None,
            mark: None,
            is_marked: false,
            is_unclean: false,
            has_conflict: false,
            ear,
        }
    }

    fn client(&self) -> Result<&Object, DbError> {
        self.object.as_ref().ok_or(DbError::Closed)
    }

    pub(super) const fn has_conflict(&self) -> bool {
        self.has_conflict
    }

    pub(crate) async fn query<T: FromRow>(
        &mut self,
        sql: &str,
        binds: &[Value],
        max: usize,
    ) -> Result<Vec<T>, DbError> {
        self.ear.hear(sql);
        let rows = loop {
            let statement = self.prepare(sql, binds).await?;
            let before = self.before();
            let client = self.client()?;
            let asked = behind(client, before, fetch(client, &statement, binds, max));
            let asked = tokio::time::timeout(self.answer_max, asked).await;
            if let Some(rows) = self.settle((sql, &[]), asked)? {
                break rows;
            }
        };
        if rows.len() > max {
            return Err(DbError::ManyRows { sql: Box::from(sql) });
        }
        rows.iter().map(|row| T::from_row(&Row::of_postgres(row))).collect()
    }

    /// As [`Session::query`], of a statement that was put together: prepared only if it is one of those that come again.
    pub(crate) async fn query_composed<T: FromRow>(
        &mut self,
        sql: &str,
        binds: &[Value],
        max: usize,
    ) -> Result<Vec<T>, DbError> {
        self.ear.hear(sql);
        let types: Vec<Type> = binds.iter().map(kind_of).collect();
        let rows = loop {
            let before = self.before();
            let client = self.client()?;
            let asked = fetch_composed(client, &self.recurring, sql, (binds, &types), max);
            let asked = behind(client, before, asked);
            let asked = tokio::time::timeout(self.answer_max, asked).await;
            if let Some(rows) = self.settle((sql, &types), asked)? {
                break rows;
            }
        };
        if rows.len() > max {
            return Err(DbError::ManyRows { sql: Box::from(sql) });
        }
        rows.iter().map(|row| T::from_row(&Row::of_postgres(row))).collect()
    }

    pub(crate) async fn execute(&mut self, sql: &str, binds: &[Value]) -> Result<u64, DbError> {
        self.ear.hear(sql);
        loop {
            let statement = self.prepare(sql, binds).await?;
            let before = self.before();
            let client = self.client()?;
            let asked = behind(client, before, client.execute_raw(&statement, binds.iter().map(Bind)));
            let asked = tokio::time::timeout(self.answer_max, asked).await;
            if let Some(changed) = self.settle((sql, &[]), asked)? {
                return Ok(changed);
            }
        }
    }

    /// Statements that are sent one behind the other; the server runs them in this order, and none behind one that fails.
    pub(crate) async fn execute_all(&mut self, all: &[(&str, &[Value])]) -> Result<(), DbError> {
        let mut prepared = Vec::with_capacity(all.len());
        for (sql, binds) in all {
            self.ear.hear(sql);
            prepared.push(self.prepare(sql, binds).await?);
        }
        let before = self.before();
        let client = self.client()?;
        let sent = prepared
            .iter()
            .zip(all)
            .map(|(statement, (_, binds))| client.execute_raw(statement, binds.iter().map(Bind)));
        // What fails is seen in its own answer.
        let sent = async { Ok(join_all(sent).await) };
        let answers = tokio::time::timeout(self.answer_max, behind(client, before, sent)).await;
        let Some(answers) = self.settle(("", &[]), answers)? else { return Err(DbError::Conflict) };
        for (answer, (sql, _)) in answers.into_iter().zip(all) {
            self.settle((sql, &[]), Ok(answer))?.ok_or(DbError::Conflict)?;
        }
        Ok(())
    }

    pub(crate) async fn batch(&mut self, sql: &str) -> Result<(), DbError> {
        self.ear.hear(sql);
        let asked = tokio::time::timeout(self.answer_max, self.client()?.batch_execute(sql)).await;
        self.settle((sql, &[]), asked).map(drop)
    }

    /// Prepare a statement and forget it: is it well formed against the schema?
    pub(crate) async fn check(&mut self, sql: &str) -> Result<(), DbError> {
        self.client()?.prepare(sql).await.map(drop).map_err(|error| fault(&error, sql))
    }

    async fn prepare(&mut self, sql: &str, binds: &[Value]) -> Result<Statement, DbError> {
        let prepared = tokio::time::timeout(self.answer_max, self.client()?.prepare_cached(sql)).await;
        let statement = self.settle((sql, &[]), prepared)?.ok_or(DbError::Conflict)?;
        if statement.params().len() == binds.len() {
            Ok(statement)
        } else {
            Err(DbError::bind("the number of binds is not the number of parameters", sql))
        }
    }

    /// The answer; or none when the statement should be prepared and tried anew.
    fn settle<T>(
        &mut self,
        (sql, types): (&str, &[Type]),
        asked: Result<Result<T, tokio_postgres::Error>, tokio::time::error::Elapsed>,
    ) -> Result<Option<T>, DbError> {
        match asked {
            Ok(Ok(answer)) => Ok(Some(answer)),
            Ok(Err(error)) if is_stale(&error) => {
                self.client()?.statement_cache.remove(sql, types);
                if self.is_unclean {
                    self.has_conflict = true;
                    Err(DbError::Conflict)
                } else {
                    Ok(None)
                }
            }
            Ok(Err(error)) => {
                self.has_conflict |= is_conflict(&error);
                Err(fault(&error, sql))
            }
            Err(_) => {
                // The answer may still come; nobody else may get it for theirs.
                self.is_unclean = true;
                Err(DbError::unavailable("PostgreSQL does not answer"))
            }
        }
    }

    /// Begin a transaction; until it has ended, this connection is not given back to the pool.
    pub(crate) async fn begin(&mut self, sql: &'static str) -> Result<(), DbError> {
        self.is_unclean = true;
        self.batch(sql).await
    }

    /// Begin a transaction: with its first statement.
    pub(crate) fn begin_with_next(&mut self, sql: &'static str) {
        self.ear.hear(sql);
        self.is_unclean = true;
        self.opening = Some(sql);
    }

    /// Mark where a unit begins: with its first statement. The one before it is kept with the transaction.
    pub(super) fn mark_with_next(&mut self) {
        self.mark = Some(if self.is_marked { "RELEASE unit; SAVEPOINT unit" } else { "SAVEPOINT unit" });
    }

    /// Mark nothing, as no statement was sent since; false if one was.
    pub(super) const fn unmark(&mut self) -> bool {
        self.mark.take().is_some()
    }

    /// Undo what was done since the mark.
    pub(super) async fn undo(&mut self) -> Result<(), DbError> {
        self.batch("ROLLBACK TO unit").await
    }

    /// What is to be sent before the next statement.
    fn before(&mut self) -> Option<&'static str> {
        if let Some(mark) = self.mark.take() {
            self.ear.hear(mark);
            self.is_marked = true;
            return Some(mark);
        }
        self.opening.take()
    }

    /// End the transaction one way or the other.
    pub(crate) async fn end(&mut self, sql: &'static str) -> Result<(), DbError> {
        (self.mark, self.is_marked) = (None, false);
        if self.opening.take().is_some() {
            self.is_unclean = false;
            return Ok(());
        }
        let ended = self.batch(sql).await;
        self.is_unclean = ended.is_err();
        ended
    }
}

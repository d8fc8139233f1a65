//! Rows, and what is made of them.

use crate::{DbError, FromValue, postgres, sqlite, value::ValueRef};

/// One row of an answer, borrowed from the engine while it is read.
pub struct Row<'a>(Cells<'a>);

enum Cells<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl<'a> Row<'a> {
    pub(crate) const fn of_sqlite(row: &'a rusqlite::Row<'a>) -> Self {
        Self(Cells::Sqlite(row))
    }

    pub(crate) const fn of_postgres(row: &'a tokio_postgres::Row) -> Self {
        Self(Cells::Postgres(row))
    }

    pub(crate) fn len(&self) -> usize {
        match &self.0 {
            Cells::Sqlite(row) => row.as_ref().column_count(),
            Cells::Postgres(row) => row.len(),
        }
    }

    /// The value of the column with this name (exactly as the statement spells it).
    ///
    /// # Errors
    /// `DbError::Column` if there is no such column, or it holds another kind of value.
    pub fn get<T: FromValue>(&self, column: &str) -> Result<T, DbError> {
        let value = match &self.0 {
            Cells::Sqlite(row) => sqlite::cell_named(row, column),
            Cells::Postgres(row) => postgres::cell_named(row, column),
        };
        read(value, || Box::from(column))
    }

    /// The value of the column at this place, counted from 0.
    ///
    /// # Errors
    /// `DbError::Column` if there is no such column, or it holds another kind of value.
    pub fn at<T: FromValue>(&self, column: usize) -> Result<T, DbError> {
        let value = match &self.0 {
            Cells::Sqlite(row) => sqlite::cell_at(row, column),
            Cells::Postgres(row) => postgres::cell_at(row, column),
        };
        read(value, || format!("#{column}").into_boxed_str())
    }
}

fn read<T: FromValue>(
    value: Result<ValueRef<'_>, &'static str>,
    column: impl Fn() -> Box<str>,
) -> Result<T, DbError> {
    let value = value.map_err(|why| DbError::Column { column: column(), why: Box::from(why) })?;
    T::from_value(value)
        .map_err(|why| DbError::Column { column: column(), why: why.to_string().into_boxed_str() })
}

/// What can be made of a row.
pub trait FromRow: Sized {
    /// Read the columns.
    ///
    /// # Errors
    /// `DbError::Column` where a column is missing or holds something else.
    fn from_row(row: &Row<'_>) -> Result<Self, DbError>;
}

macro_rules! tuples {
    ($(($($part:ident $place:literal),+))*) => {$(
        impl<$($part: FromValue),+> FromRow for ($($part,)+) {
            fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
                Ok(($(row.at::<$part>($place)?,)+))
            }
        }
    )*};
}
tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}
